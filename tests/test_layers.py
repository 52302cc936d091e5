"""The shape of the code: layers, sizes, and where the packages come from."""

import ast
import importlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("storage", "pipeline", "model", "cluster")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAX_LINES = 300

# What each package may import of ours, beside itself.
ALLOWED = {"storage": set(), "cluster": set(), "model": {"storage"}, "pipeline": {"storage"}}
# The only places that see a cluster.
SEES_CLUSTER = ("pipeline/run.py", "pipeline/main.py", "pipeline/config.py", "pipeline/commands/")
# The only places that see a model: the commands, and its settings in the configuration.
SEES_MODEL = ("pipeline/config.py", "pipeline/run_sweep.py", "pipeline/commands/")
# Statistics and simulation know no file, client or xarray object; few modules write what is simulated.
PURE = ("pipeline/dea/", "pipeline/enrich/", "pipeline/prepare/", "pipeline/simulate/")
PURE_EXCEPT = (
    "pipeline/enrich/lines.py",
    "pipeline/simulate/files.py",
    "pipeline/simulate/folder.py",
    "pipeline/simulate/mirror.py",
    "pipeline/simulate/truth.py",
    "pipeline/simulate/truth_writer.py",
)
IMPURE = {"pathlib", "xarray", "dask", "distributed", "zarr", "os"}


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """Modules that a file imports, and whether names are taken from them."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(alias.name, False) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            found.append((node.module or "", True))
    return found


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_from_the_layers_below_it(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    allowed = ALLOWED[package] | {package}
    if name_of(path).startswith(SEES_CLUSTER):
        allowed = allowed | {"cluster"}
    if name_of(path).startswith(SEES_MODEL):
        allowed = allowed | {"model"}
    for module, takes_names in imports_of(path):
        top = module.partition(".")[0]
        if top in PACKAGES:
            assert top in allowed, f"{name_of(path)} imports {module}"
            assert takes_names, f"{name_of(path)} imports the module {module}, not names from it"


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if name_of(p).startswith(PURE) and name_of(p) not in PURE_EXCEPT],
    ids=name_of,
)
def test_statistics_and_simulation_know_no_file_and_no_client(path: Path) -> None:
    assert not {module.partition(".")[0] for module, _ in imports_of(path)} & IMPURE


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_knows_and_fits_a_few_screens(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), f"{name_of(path)} has no docstring"
    assert len(text.splitlines()) <= MAX_LINES


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_comes_from_this_checkout(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__file__ is not None
    assert Path(module.__file__).is_relative_to(ROOT)


def test_the_distribution_is_never_uploaded_by_accident() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "Private :: Do Not Upload" in project["classifiers"]
    assert project["name"] == "dexome"


def test_the_constraints_pin_every_dependency_and_name_no_index() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {line.partition("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert all("==" in line or line.startswith("#") or not line for line in lines)
    assert not any("://" in line for line in lines)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {item.partition(">")[0].partition("[")[0].strip().lower() for item in wanted}
    assert names <= pins
