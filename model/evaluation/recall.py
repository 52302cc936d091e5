"""What of a contrast a reconstruction keeps: its top genes and its sign; and what it finds unseen."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def top_gene_recall(x: Floats, reconstruction: Floats, n_top: int = 100) -> Floats:
    """(rows,) share of each row's `n_top` largest |x| that are among as many largest of the reconstruction.

    Entries that are not observed take part in neither. A row with `n_top` entries or fewer is NaN: it
    would keep them all whatever the reconstruction.
    """
    if n_top < 1:
        raise ValueError(f"n_top must be at least 1, got {n_top}")
    found = np.full(len(x), np.nan)
    for i, (values, near) in enumerate(zip(x, reconstruction, strict=True)):
        seen = np.flatnonzero(~np.isnan(values))
        if len(seen) > n_top:
            wanted, got = (
                seen[np.argpartition(-np.abs(row[seen]), n_top - 1)[:n_top]]
                for row in (values, near)
            )
            found[i] = len(np.intersect1d(wanted, got)) / n_top
    return found


def sign_asymmetry(forward: Floats, backward: Floats) -> Floats:
    """(rows,) how far f(−x) is from −f(x): 0 if opposite, 1 if unrelated, 2 if they are the same.

    ‖f(x) + f(−x)‖² / (‖f(x)‖² + ‖f(−x)‖²): a contrast read in the other direction should have the
    opposite reconstruction. NaN where both are 0.
    """
    size = np.sum(forward**2, axis=1) + np.sum(backward**2, axis=1)
    both = np.sum((forward + backward) ** 2, axis=1)
    found: Floats = np.full(len(size), np.nan)
    np.divide(both, size, out=found, where=size > 0)
    return found


def hide_entries(x: Floats, share: float, seed: int) -> tuple[Floats, Floats]:
    """The values with a share of the observed ones hidden, and the hidden ones alone; NaN elsewhere.

    A model that sees the first and is scored on the second is not helped by noise that its input and
    its target share.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, got {share}")
    hidden = np.random.default_rng(seed).random(x.shape) < share
    return np.where(hidden, np.nan, x), np.where(hidden, x, np.nan)
