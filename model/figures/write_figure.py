"""Writing figures: each as PNG and as SVG, whole or not at all."""

from matplotlib.figure import Figure

from model.figures.canvas import KINDS, encode_figure
from storage.disk import Disk


def write_figure(disk: Disk, key: str, figure: Figure) -> list[str]:
    """Write `key.png` and `key.svg`; returns their keys.

    Raises
    ------
    StoreError
        They can't be written.
    """
    written = []
    for kind in KINDS:
        disk.put(f"{key}.{kind}", encode_figure(figure, kind))
        written.append(f"{key}.{kind}")
    return written
