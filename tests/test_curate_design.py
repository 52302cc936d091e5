"""A person overrules what curation finds, from the file of designs to the plan."""

from pathlib import Path

import pandas as pd
import pytest

from pipeline.config import read_config
from pipeline.curate.curate import curate
from pipeline.curate.curation import Curation
from pipeline.curate.settings import CurateSettings, StudyDesign
from pipeline.sources.refusal import Refusal
from storage.errors import InputError

MINIMAL = '[genes]\nlist = "genes.tsv"\n[source]\npath = "studies"\n'
TABLE = pd.DataFrame(
    {
        "title": [f"t{i}" for i in range(8)],
        "treatment": ["PCI", "sham"] * 4,
        "time": ["3 d"] * 4 + ["20 d"] * 4,
        "batch": ["1", "1", "2", "2"] * 2,
        "mouse": ["m1", "m2", "m3", "m4"] * 2,
    },
    index=[f"S{i}" for i in range(8)],
)


def _designed(**said: object) -> Curation:
    return curate(TABLE, CurateSettings(), design=StudyDesign(**said))  # type: ignore[arg-type]


def _pairs(curation: Curation) -> set[tuple[str, str]]:
    return {(c.test, c.reference) for c in curation.contrasts}


def test_factors_and_references_are_those_that_are_named() -> None:
    assert _pairs(_designed(factor="treatment")) == {("PCI", "sham")}
    assert _pairs(_designed(factor="treatment", reference="PCI")) == {("sham", "PCI")}
    both = _designed(factor=["time", "treatment"], reference={"treatment": "PCI"})
    assert ("3 d.sham", "3 d.PCI") in _pairs(both)
    assert both.overruled == ("factor", "reference")
    # It is a level of one of the axes that the rules choose.
    assert ("sham.3 d", "PCI.3 d") in _pairs(_designed(reference="PCI"))


def test_contrasts_are_those_that_are_named_in_either_way_of_writing() -> None:
    asked = ["sham.20 d vs PCI.3 d", "PCI.3%20d_vs_sham.3%20d"]
    assert _pairs(_designed(contrasts=asked)) == {("sham.20 d", "PCI.3 d"), ("PCI.3 d", "sham.3 d")}
    twice = ["PCI.3 d vs sham.3 d", "PCI.3%20d_vs_sham.3%20d"]
    assert len(_designed(contrasts=twice).contrasts) == 1


def test_samples_are_left_out_by_name_or_title() -> None:
    curation = _designed(leave_out=["S0", "t1"], min_replicates=1)
    assert {s: why for s, why in curation.unused.items() if "design" in why} == {
        "S0": "left out by the design",
        "S1": "left out by the design",
    }


def test_covariates_and_block_are_those_that_are_named_or_none() -> None:
    assert list(_designed(factor="time", covariates=[], block="mouse").covariates) == []
    assert _designed(factor="time", block="mouse").block_name == "mouse"
    assert _designed(factor="time", block="").block_name == ""
    named = _designed(factor="time", covariates=["treatment"], block="")
    assert list(named.covariates) == ["treatment"]
    assert named.overruled == ("factor", "covariates", "block")


def test_groups_are_given_where_no_column_tells_them() -> None:
    groups = {"a": ["S0", "S2"], "b": ["S1", "S3"]}
    curation = _designed(groups=groups, contrasts=["b vs a"])
    assert curation.groups == {"S0": "a", "S1": "b", "S2": "a", "S3": "b"}
    assert _pairs(curation) == {("b", "a")}


@pytest.mark.parametrize(
    ("said", "code", "says"),
    [
        ({"factor": "treatmnt"}, "unknown_factor", "no column 'treatmnt'"),
        ({"factor": "time", "reference": "4 d"}, "unknown_reference", "no level '4 d'"),
        ({"reference": "nonsense"}, "unknown_reference", "no factor has a level 'nonsense'"),
        (
            {"factor": ["treatment", "time"], "reference": "nonsense"},
            "unknown_reference",
            "no factor has a level 'nonsense'",
        ),
        (
            {"reference": {"treatmnt": "PCI"}},
            "unknown_factor",
            "a reference of 'treatmnt', which is not what is compared: that is",
        ),
        (
            {"groups": {"a": ["S0", "S2"], "b": ["S1", "S2"]}},
            "unknown_sample",
            "'S2' in the groups 'a' and 'b'",
        ),
        ({"contrasts": ["a vs b"]}, "unknown_contrast", "'a vs b' is not TEST vs REFERENCE"),
        ({"leave_out": ["S9"]}, "unknown_sample", "a sample 'S9'"),
        ({"groups": {"a": ["S9"]}}, "unknown_sample", "'S9' in a group"),
        ({"factor": "time", "covariates": ["age"]}, "unknown_column", "no column 'age'"),
        ({"factor": "time", "block": "pig"}, "unknown_column", "no column 'pig'"),
    ],
)
def test_what_a_design_names_and_is_not_there_is_refused(
    said: dict[str, object], code: str, says: str
) -> None:
    with pytest.raises(Refusal) as caught:
        _designed(**said)
    assert (caught.value.code, says in caught.value.message) == (code, True), caught.value.message


def _write(root: Path, designs: str, config: str = "") -> Path:
    (root / "designs.toml").write_text(designs)
    (root / "dexome.toml").write_text(MINIMAL + '[designs]\nfile = "designs.toml"\n' + config)
    return root


def test_designs_are_read_from_a_file_of_their_own_and_from_the_configuration(
    tmp_path: Path,
) -> None:
    designs = (
        '[GSE1]\nfactor = ["a", "b"]\nreference = {a = "x"}\nleave_out = ["S1"]\ncovariates = []\n'
    )
    config = read_config(_write(tmp_path, designs, '[studies.GSE2]\nblock = "mouse"\n'))
    assert config.design("GSE1").factors == ["a", "b"]
    assert config.design("GSE1").reference == {"a": "x"}
    assert config.design("GSE1").said == ("factor", "reference", "leave_out", "covariates")
    assert config.design("GSE2").block == "mouse"
    assert config.design("GSE3") == StudyDesign()
    assert set(config.scientific()["studies"]) == {"GSE1", "GSE2"}


@pytest.mark.parametrize(
    ("designs", "config", "message"),
    [
        ("[GSE1]\nfaktor = 'a'\n", "", r"unknown key GSE1.faktor; did you mean GSE1.factor\?"),
        ("GSE1 = 3\n", "", r"GSE1 must be a table, \[GSE1\]"),
        ("[GSE1\n", "", "is not valid TOML"),
        ("[GSE1]\nfactor = []\n", "", "GSE1: factor names no column"),
        ("[GSE1]\nleave_out = 'S1'\n", "", "GSE1.leave_out"),
        ("[GSE1]\nmin_replicates = 0\n", "", "min_replicates must be at least 1"),
        ("[GSE1]\nfactor = 'a'\ngroups = {b = ['S1']}\n", "", "give factor or groups, not both"),
        ("[GSE1]\nfactor = 'a'\n", "[studies.GSE1]\nfactor = 'b'\n", "GSE1.* keep one of them"),
    ],
)
def test_what_is_wrong_in_a_file_of_designs_is_said_in_a_sentence(
    tmp_path: Path, designs: str, config: str, message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_config(_write(tmp_path, designs, config))
    assert "\n" not in str(caught.value)


def test_a_file_of_designs_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "dexome.toml").write_text(MINIMAL + '[designs]\nfile = "nowhere.toml"\n')
    with pytest.raises(InputError, match=r"cannot read .*nowhere\.toml"):
        read_config(tmp_path)
