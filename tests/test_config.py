"""dexome.toml: what is accepted, and what is refused with which words."""

from pathlib import Path

import pytest

from cluster.profile import ClusterProfile
from model.recipe import Streaming
from pipeline.config import read_config
from pipeline.sources.settings import SourceConfig, read_accessions
from pipeline.workspace import create_workspace, open_workspace
from storage.errors import InputError

MINIMAL = '[genes]\nlist = "genes.tsv"\n[source]\npath = "studies"\n'


def write(root: Path, text: str) -> Path:
    (root / "dexome.toml").write_text(text)
    return root


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, MINIMAL))
    assert config.genes.list == tmp_path / "genes.tsv"
    assert config.source.path == tmp_path / "studies"


def test_a_study_s_own_table_overrules_the_common_one(tmp_path: Path) -> None:
    text = (
        MINIMAL
        + '[curate]\nfactor = "group"\n[studies.GSE1]\nfactor = "diet"\nreference = "chow"\n'
    )
    config = read_config(write(tmp_path, text))
    assert config.design("GSE1").factor == "diet"
    assert config.design("GSE1").reference == "chow"
    assert config.design("GSE2").factor is None
    assert config.curate.factor == "group"


def test_how_a_copy_is_streamed_is_a_setting(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, MINIMAL + "[train.loader]\nthreads = 4\nahead = 2\n"))
    assert config.train is not None
    assert config.train.loader == Streaming(threads=4, ahead=2)


def test_a_profile_is_found_by_name_or_is_the_only_one(tmp_path: Path) -> None:
    assert read_config(write(tmp_path, MINIMAL)).profile(None) == ClusterProfile()
    one = MINIMAL + "[cluster.big]\nworkers = 8\nmemory_gib = 16\n"
    config = read_config(write(tmp_path, one))
    assert config.profile(None) == config.profile("big") == ClusterProfile(workers=8, memory_gib=16)
    two = read_config(write(tmp_path, one + '[cluster.small]\nkind = "threads"\n'))
    assert two.profile(None) == ClusterProfile()
    with pytest.raises(
        InputError, match=r"no \[cluster.huge\] in dexome.toml; there is big, small"
    ):
        two.profile("huge")


def test_less_memory_than_a_worker_takes_by_itself_is_refused_with_both_numbers(
    tmp_path: Path,
) -> None:
    small = MINIMAL + "[cluster.small]\nmemory_gib = 0.22\n"
    message = r"memory_gib = 0.22 of \[cluster.small\]: a worker takes 0.44 GiB before its first"
    for name in (None, "small"):
        with pytest.raises(InputError, match=message):
            read_config(write(tmp_path, small)).profile(name)
    for settings in (
        "options = { threads_per_worker = 4 }",
        'kind = "slurm"\nworkers = 1\noptions = { cores = 8, processes = 2 }',
        'kind = "ssh"\nhosts = ["a"]\noptions = { worker_options = { nthreads = 4 } }',
    ):
        shared = MINIMAL + f"[cluster.shared]\nmemory_gib = 1.7\n{settings}\n"
        with pytest.raises(InputError, match=r"memory_gib = 1.7 .*, for each of its 4 threads"):
            read_config(write(tmp_path, shared)).profile(None)
        read_config(write(tmp_path, shared.replace("1.7", "1.8"))).profile(None)
    # Whoever started the workers of a scheduler that is there has given them their memory.
    there = small + 'kind = "address"\naddress = "tcp://h:1"\n'
    assert read_config(write(tmp_path, there)).profile(None).memory_gib == 0.22


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + "[gene]\nx = 1\n", r"unknown key gene; did you mean genes\?"),
        (MINIMAL + '[dea]\nmetod = "voom"\n', r"unknown key dea.metod; did you mean dea.method\?"),
        (MINIMAL + '[dea]\nzzz = "voom"\n', "unknown key dea.zzz; known are method, filter"),
        (
            MINIMAL + "[studies.GSE1]\nfaktor = 1\n",
            r"unknown key studies.GSE1.faktor; did you mean studies.GSE1.factor\?",
        ),
        (MINIMAL + "[cluster.a]\nworker = 1\n", r"did you mean cluster.a.workers\?"),
        (MINIMAL + '[dea]\nmethod = "deseq"\n', "dea.*method"),
        (MINIMAL + "[cluster.a]\nworkers = 0\n", "workers must be at least 1, got 0"),
        (MINIMAL + "[mapping]\nmax_lost_share = 2\n", "max_lost_share must be from 0 to 1, got 2"),
        (
            MINIMAL + "[train.loader]\nthreads = 0\n",
            "train.loader: threads must be at least 1, got 0",
        ),
        (
            MINIMAL + "[train.loader]\nahead = -1\n",
            "train.loader: ahead must not be negative, got -1",
        ),
        (MINIMAL + "[train.loader]\nthread = 2\n", r"did you mean train.loader.threads\?"),
        (MINIMAL + "cluster = 3\n", "cluster"),
        ("dea = 3\n" + MINIMAL, r"dea must be a table, \[dea\], got 3"),
        ('[genes]\nlist = "genes.tsv"\n', "source: "),
        ("[genes\n", "is not valid TOML"),
        (MINIMAL + '[source]\nkind = "folder"\n', "is not valid TOML"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_config(write(tmp_path, text))
    assert "\n" not in str(error.value)


DEE2 = '[genes]\nlist = "genes.tsv"\n[source]\nkind = "dee2"\n'


def test_dee2_is_a_source_with_addresses_or_folders(tmp_path: Path) -> None:
    source = read_config(write(tmp_path, DEE2)).source
    assert (source.dee2, source.species) == ("https://dee2.io", "mmusculus")
    assert read_accessions(source) == ()
    more = 'accessions = ["SRP2", "GSE1", "SRP2"]\ndee2 = "mirror/dee2"\ngeo = "http://x/geo/"\n'
    source = read_config(write(tmp_path, DEE2 + more)).source
    assert read_accessions(source) == ("GSE1", "SRP2")
    assert (source.dee2, source.geo) == (str(tmp_path / "mirror" / "dee2"), "http://x/geo")
    (tmp_path / "list.txt").write_text("\ufeffSRP7 # the first\n")
    source = read_config(write(tmp_path, DEE2 + 'accessions = "list.txt"\n')).source
    assert read_accessions(source) == ("SRP7",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('path = "x"\n', 'kind "dee2" has no path'),
        ('species = "mouse"\n', "species must be one of .*mmusculus.*, got 'mouse'"),
        ('layer = "salmon"\n', "layer"),
        ('layer = "kallisto"\ncounts = "bulk"\n', 'layer "kallisto" needs counts = "archives"'),
        ("runs_per_request = 501\n", "runs_per_request must be from 1 to 500, got 501"),
        ("per_host = 0\n", "per_host must be from 1 to 32, got 0"),
        ('dee2 = "ftp://dee2.io"\n', "dee2 must be an http address or a folder"),
        ('acessions = "x"\n', r"unknown key source.acessions; did you mean source.accessions\?"),
        ('fail_runs = "maybe"\n', "source.fail_runs"),
    ],
)
def test_what_is_wrong_with_dee2_is_said_in_a_sentence(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_config(write(tmp_path, DEE2 + text))
    assert "\n" not in str(error.value)


def test_settings_of_quality_and_layer_count_as_science_and_addresses_do_not(
    tmp_path: Path,
) -> None:
    one = read_config(write(tmp_path, DEE2)).scientific()
    assert read_config(write(tmp_path, DEE2 + 'dee2 = "http://x"\n')).scientific() == one
    for line in ('layer = "kallisto"', 'fail_runs = "keep"', 'warn_runs = "drop"'):
        assert read_config(write(tmp_path, DEE2 + line + "\n")).scientific() != one


def test_a_new_workspace_of_dee2_reads_back(tmp_path: Path) -> None:
    genes = tmp_path / "genes.tsv"
    genes.write_text("gene_id\nENSMUSG00000000001\n")
    listed = tmp_path / "list.txt"
    listed.write_text("SRP1\n")
    for i, source in enumerate(
        (
            SourceConfig(kind="dee2"),
            SourceConfig(kind="dee2", accessions=("SRP1", "GSE2"), dee2="http://x/dee2"),
            SourceConfig(kind="dee2", accessions=listed, species="hsapiens", geo=str(tmp_path)),
        )
    ):
        create_workspace(tmp_path / str(i), genes, source)
        assert open_workspace(tmp_path / str(i)).config.source == source


def test_no_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no dexome.toml; run `dexome init"):
        open_workspace(tmp_path)
    with pytest.raises(InputError, match=r"is no folder; run `dexome init"):
        open_workspace(tmp_path / "nowhere")


def test_a_new_workspace_reads_back(tmp_path: Path) -> None:
    genes, source = tmp_path / 'a "quoted" name.tsv', tmp_path / "studies"
    genes.write_text("gene_id\nENSMUSG00000000001\n")
    source.mkdir()
    create_workspace(tmp_path / "new", genes, source)
    config = open_workspace(tmp_path / "new").config
    assert (config.genes.list, config.source.path) == (genes, source)
    with pytest.raises(InputError, match="is there already"):
        create_workspace(tmp_path / "new", genes, source)
    with pytest.raises(InputError, match="is no file; give the table"):
        create_workspace(tmp_path / "other", source, source)
    with pytest.raises(InputError, match="is no folder; give the folder"):
        create_workspace(tmp_path / "other", genes, genes)


def test_only_what_decides_the_numbers_counts_as_science(tmp_path: Path) -> None:
    one = read_config(write(tmp_path, MINIMAL))
    two = read_config(
        write(tmp_path, MINIMAL.replace("studies", "elsewhere") + "[cluster.a]\nworkers = 3\n")
    )
    other = read_config(write(tmp_path, MINIMAL + '[dea]\nmethod = "trend"\n'))
    assert one.scientific() == two.scientific() != other.scientific()


def test_the_table_of_the_enrichment_is_read_with_its_own_tables(tmp_path: Path) -> None:
    assert read_config(write(tmp_path, MINIMAL)).enrich is None
    text = MINIMAL + (
        '[enrich]\nannotation = "mgi.gaf.gz"\nontology = "go.obo"\nrelations = "is_a_part_of"\n'
        '[enrich.evidence]\nexclude = ["ND", "IEA"]\n[enrich.tests]\nmin_logfc = 1\n'
    )
    enrich = read_config(write(tmp_path, text)).enrich
    assert enrich is not None
    assert (enrich.annotation, enrich.ontology) == (tmp_path / "mgi.gaf.gz", tmp_path / "go.obo")
    assert enrich.evidence.exclude == {"ND", "IEA"}
    assert (enrich.tests.min_logfc, enrich.tests.random_sets) == (1.0, 1000)
    for wrong, message in (
        (
            "[enrich.tests]\nalfa = 1\n",
            "unknown key enrich.tests.alfa; did you mean enrich.tests.alpha",
        ),
        ("[enrich.tests]\nalpha = 2\n", "alpha must be between 0 and 1, got 2"),
        ('[enrich.evidence]\ninclude = ["ND"]\n', "evidence ND is both included and excluded"),
    ):
        with pytest.raises(InputError, match=message):
            read_config(write(tmp_path, MINIMAL + '[enrich]\nannotation = "a"\n' + wrong))


def test_a_new_workspace_can_have_terms(tmp_path: Path) -> None:
    for name in ("genes.tsv", "go.obo", "mgi.gaf"):
        (tmp_path / name).write_text("x")
    genes, source = tmp_path / "genes.tsv", tmp_path
    create_workspace(
        tmp_path / "a", genes, source, ontology=tmp_path / "go.obo", annotation=tmp_path / "mgi.gaf"
    )
    enrich = read_config(tmp_path / "a").enrich
    assert enrich is not None
    assert (enrich.annotation, enrich.ontology) == (tmp_path / "mgi.gaf", tmp_path / "go.obo")
    create_workspace(tmp_path / "b", genes, source)
    assert read_config(tmp_path / "b").enrich is None
    with pytest.raises(InputError, match="--ontology needs an --annotation"):
        create_workspace(tmp_path / "c", genes, source, ontology=tmp_path / "go.obo")
    with pytest.raises(InputError, match="is no file; give the annotation with --annotation"):
        create_workspace(tmp_path / "d", genes, source, annotation=tmp_path / "none.gaf")
