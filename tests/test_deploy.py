"""What stands in cluster/deploy: each file is what its reader takes."""

import importlib.util
import os
import re
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.hosted import kubernetes_options
from cluster.profile import ClusterProfile
from cluster.script import job_script
from pipeline.config import read_config

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "cluster" / "deploy"
MANIFEST = DEPLOY / "daskcluster.yaml"

needs_operator = pytest.mark.skipif(
    importlib.util.find_spec("dask_kubernetes") is None
    or importlib.util.find_spec("jsonschema") is None,
    reason="needs the packages dask-kubernetes, which has the operator's schema, and jsonschema",
)


def schema() -> dict[str, Any]:
    """The operator's schema of a DaskCluster, in which what is not named is not allowed."""
    found = importlib.util.find_spec("dask_kubernetes")
    assert found is not None
    assert found.submodule_search_locations is not None
    package = Path(found.submodule_search_locations[0])
    (path,) = package.glob("operator/deployment/helm/*/crds/daskcluster.yaml")
    definition = yaml.safe_load(path.read_text())
    strict: dict[str, Any] = closed(definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    strict["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"}}
    return strict


def closed(part: Any) -> Any:
    """A schema whose objects have no properties but those that it names."""
    if isinstance(part, list):
        return [closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    inner = {name: closed(value) for name, value in part.items()}
    open_ended = part.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(part.get("properties"), dict) and "type" in part and not open_ended:
        inner.setdefault("additionalProperties", False)
    return inner


def check(resource: Any) -> None:
    from jsonschema import Draft202012Validator

    errors = sorted(Draft202012Validator(schema()).iter_errors(resource), key=str)
    assert not errors, "\n".join(f"{e.json_path}: {e.message[:200]}" for e in errors)


@needs_operator
def test_the_manifest_is_what_the_operator_takes() -> None:
    resource = yaml.safe_load(MANIFEST.read_text())
    check(resource)
    # The schema would notice.
    resource["spec"]["worker"]["spec"]["containers"][0]["volumeMount"] = []
    with pytest.raises(AssertionError, match="volumeMount"):
        check(resource)


@needs_operator
def test_a_profile_makes_a_resource_that_the_operator_takes(tmp_path: Path) -> None:
    profile = ClusterProfile(
        kind="kubernetes",
        minimum=1,
        maximum=9,
        memory_gib=6,
        resources={"GPU": 1},
        options={"image": "registry/dexome:1", "env": {"A": "b"}, "namespace": "here"},
    )
    options = kubernetes_options(profile)
    assert options["namespace"] == "here"
    resource = options["custom_cluster_spec"]
    check(resource)
    assert yaml.safe_load(job_script(profile, tmp_path)) == resource
    worker, scheduler = (
        resource["spec"][role]["spec"]["containers"][0] for role in ("worker", "scheduler")
    )
    for container in (worker, scheduler):
        assert container["image"] == "registry/dexome:1"
        environment = {item["name"]: item["value"] for item in container["env"]}
        assert environment["PYTHONSAFEPATH"] == "1"
        assert environment["A"] == "b"
    assert worker["resources"]["limits"]["memory"] == "6Gi"
    assert "--memory-limit 6GiB --resources GPU=1 --name" in " ".join(worker["args"])
    assert scheduler["args"][:2] == ["dask", "scheduler"]


def test_a_manifest_of_one_s_own_is_taken_as_it_is(tmp_path: Path) -> None:
    profile = ClusterProfile(
        kind="kubernetes", workers=2, options={"custom_cluster_spec": str(MANIFEST)}
    )
    assert kubernetes_options(profile)["custom_cluster_spec"] == str(MANIFEST)
    assert job_script(profile, tmp_path) == MANIFEST.read_text()


def test_manifest_and_driver_agree_on_image_volume_and_cluster() -> None:
    cluster = yaml.safe_load(MANIFEST.read_text())
    documents = {d["kind"]: d for d in yaml.safe_load_all((DEPLOY / "driver.yaml").read_text())}
    assert documents.keys() == {"ServiceAccount", "Role", "RoleBinding", "Job"}
    pods = [cluster["spec"][role]["spec"] for role in ("worker", "scheduler")]
    job = documents["Job"]["spec"]["template"]["spec"]
    images = {container["image"] for pod in [*pods, job] for container in pod["containers"]}
    assert len(images) == 1
    assert pods[0]["volumes"] == job["volumes"]
    assert pods[0]["containers"][0]["volumeMounts"] == job["containers"][0]["volumeMounts"]
    name = documents["ServiceAccount"]["metadata"]["name"]
    assert job["serviceAccountName"] == name
    assert documents["RoleBinding"]["subjects"] == [{"kind": "ServiceAccount", "name": name}]
    assert (
        cluster["spec"]["scheduler"]["service"]["selector"]["dask.org/cluster-name"]
        == (cluster["metadata"]["name"])
    )
    assert "daskclusters" in documents["Role"]["rules"][0]["resources"]


def test_every_profile_of_the_examples_is_accepted(tmp_path: Path) -> None:
    text = '[genes]\nlist = "genes.tsv"\n[source]\npath = "studies"\n'
    (tmp_path / "dexome.toml").write_text(text + (DEPLOY / "profiles.toml").read_text())
    profiles = read_config(tmp_path).cluster
    kinds = {"slurm", "pbs", "ssh", "kubernetes", "gateway", "address", "local", "custom"}
    assert {profile.kind for profile in profiles.values()} == kinds
    assert profiles["there"].tls_ca_file == tmp_path / "certificates" / "ca.pem"
    script = job_script(replace(profiles["slurm-gpu"], interface="lo"), tmp_path)
    assert "#SBATCH --gres=gpu:1" in script
    assert "#SBATCH --cpus-per-task=8" in script
    # Two tasks in the threads of one worker would share its GPU.
    assert "--nthreads 1 " in script
    assert "--resources GPU=1 " in script


@pytest.mark.parametrize("script", sorted(DEPLOY.glob("*.sbatch")), ids=lambda path: path.name)
def test_a_job_script_is_one_of_bash(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    assert "export PYTHONSAFEPATH=1" in script.read_text()


def stub(folder: Path, code: int) -> dict[str, str]:
    """The environment of a job whose command `dexome` writes its arguments down, and ends with a code."""
    command = folder / "dexome"
    command.write_text(f'#!/bin/sh\necho "$@" >> {folder}/called\nexit {code}\n')
    command.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "SLURM_ARRAY_TASK_ID": "17"}


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (3, 0), (1, 1)])
def test_a_job_of_an_array_has_its_share_whatever_was_submitted_with_it(
    tmp_path: Path, code: int, ends: int
) -> None:
    for count in ("1", "2", "100"):
        environment = {**stub(tmp_path, code), "SLURM_ARRAY_TASK_COUNT": count}
        command = ["bash", str(DEPLOY / "array.sbatch"), "ws", "100"]
        assert subprocess.run(command, env=environment, check=False).returncode == ends
    assert (tmp_path / "called").read_text() == "analyse --part 17/100 -w ws\n" * 3


def test_an_array_without_the_number_of_its_shares_says_what_to_give(tmp_path: Path) -> None:
    command = ["bash", str(DEPLOY / "array.sbatch"), "ws"]
    done = subprocess.run(
        command, env=stub(tmp_path, 0), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "the number of shares: sbatch --array=1-100 array.sbatch ws 100" in done.stderr
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(("code", "ends"), [(0, 0), (3, 0), (1, 1)])
def test_the_compile_that_waits_for_the_array_fails_only_if_it_failed(
    tmp_path: Path, code: int, ends: int
) -> None:
    (wrapped,) = re.findall("--wrap '(.*)'", (DEPLOY / "array.sbatch").read_text())
    done = subprocess.run(["sh", "-c", wrapped], env=stub(tmp_path, code), check=False)
    assert done.returncode == ends
    assert (tmp_path / "called").read_text() == "compile -w ws\n"


def test_the_image_is_made_of_what_is_there() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists(), name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extras,) = re.findall(r"'\.\[(.*)\]'", text)
    assert set(extras.split(",")) <= project["optional-dependencies"].keys()
    assert "PYTHONSAFEPATH=1" in text
