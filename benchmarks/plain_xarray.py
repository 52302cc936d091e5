"""Whether xarray opens a compendium where nothing of ours is imported."""

from pathlib import Path

from benchmarks.build import store_of
from benchmarks.fresh import run_fresh
from benchmarks.report import Bar
from storage.open import contrasts_of, open_compendium

_PLAIN = """
import sys
import xarray
place = int(sys.argv[2])
flat = xarray.open_zarr(sys.argv[1])
tree = xarray.open_datatree(sys.argv[1], engine="zarr")
assert not {"storage", "pipeline", "model", "cluster"} & sys.modules.keys()
result = [
    [float(data["logfc"][place, place]), str(data["gene"].values[place]), str(data["contrast"].values[place])]
    for data in (flat, tree.to_dataset())
]
result.append(sorted(tree.children))
"""


def measure_plain(workspace: Path) -> Bar:
    """Open the newest generation with plain xarray, and compare a number and its labels with ours."""
    contrasts = contrasts_of(open_compendium(workspace))
    # Among the first rows and genes, the first on the diagonal that has a number.
    corner = contrasts["logfc"][:64, :64].values
    place = next(i for i in range(min(corner.shape)) if corner[i, i] == corner[i, i])
    ours = [
        float(corner[place, place]),
        str(contrasts["gene"].values[place]),
        str(contrasts["contrast"].values[place]),
    ]
    found = run_fresh(_PLAIN, str(store_of(workspace)), str(place)).result
    same = found == [ours, ours, ["samples", "studies"]]
    return Bar(
        "`xarray.open_zarr` and `open_datatree`, nothing of ours imported, warnings as errors",
        "same number and labels" if same else f"{found} where we read {ours}",
        "the same",
        same,
    )
