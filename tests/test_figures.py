"""Figures of latent codes and of sweeps show what they say."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from model.evaluation.intervals import Interval
from model.figures.canvas import BLUE, SKY, VERMILION
from model.figures.codes import TermColours, draw_codes
from model.figures.layouts import Layout, pca_layout, tsne_layout
from model.figures.sweep_curves import plot_losses
from model.figures.write_figure import write_figure
from model.sweeps.summary import Point
from model.training.settings import LossSettings
from storage.disk import Disk


def clusters(n: int = 20, width: int = 6) -> np.ndarray:
    """Three groups of codes, far from each other."""
    rng = np.random.default_rng(0)
    centres = 20 * rng.normal(size=(3, width))
    return np.concatenate([centre + rng.normal(size=(n, width)) for centre in centres])


def points_of(figure: Figure) -> dict[str, np.ndarray]:
    """The points of each colour."""
    drawn = [c for c in figure.axes[0].collections if isinstance(c, PathCollection)]
    return {
        to_hex(tuple(np.asarray(c.get_facecolor())[0])).upper(): np.asarray(c.get_offsets())
        for c in drawn
    }


def test_the_pca_layout_is_scikit_learns_with_its_shares_of_the_variance() -> None:
    codes = clusters()
    layout = pca_layout(codes)
    want = PCA(2).fit(codes)
    np.testing.assert_allclose(np.abs(layout.points), np.abs(want.transform(codes)), atol=1e-9)
    shares = want.explained_variance_ratio_
    assert layout.axes == tuple(f"PC{i + 1} ({shares[i]:.1%} of the variance)" for i in range(2))


@pytest.mark.parametrize("n", [2, 20])
def test_t_sne_keeps_neighbours_together_and_is_the_same_again(n: int) -> None:
    codes = clusters(n)
    layout = tsne_layout(codes)
    distances = np.linalg.norm(layout.points[:, None] - layout.points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(distances.argmin(1) // n, np.arange(3 * n) // n)
    np.testing.assert_array_equal(tsne_layout(codes).points, layout.points)


@pytest.mark.parametrize("layout", [pca_layout, tsne_layout])
@pytest.mark.parametrize("codes", [np.zeros((6, 4)), np.arange(6.0)[:, None], np.eye(6)])
def test_codes_that_do_not_vary_or_are_one_number_have_a_layout(
    layout: Callable[[np.ndarray], Layout], codes: np.ndarray
) -> None:
    found = layout(codes)
    assert found.points.shape == (6, 2)
    assert np.isfinite(found.points).all()


def test_too_few_contrasts_have_no_layout() -> None:
    with pytest.raises(ValueError, match="5 contrasts at least, got 4"):
        pca_layout(np.eye(4))


def test_every_contrast_is_drawn_in_the_colour_of_its_label_and_counted() -> None:
    layout = Layout(np.arange(14.0).reshape(7, 2), ("x", "y"), "PCA")
    label = np.array([1, 0, 0, -1, 1, 0, 0], np.int8)
    figure = draw_codes(layout, TermColours("GO:0005622 $inside$", label), "Codes of main")
    points = points_of(figure)
    np.testing.assert_array_equal(points[VERMILION], layout.points[label == 1])
    np.testing.assert_array_equal(points[SKY], layout.points[label == 0])
    legend = figure.legends[0]
    assert legend.get_title().get_text() == "GO:0005622 $inside$"
    assert [text.get_text() for text in legend.get_texts()] == [
        "enriched (2)",
        "not enriched (4)",
        "not testable (1)",
    ]
    grey, many, few = sorted(figure.axes[0].collections, key=lambda c: c.get_zorder())
    assert [c.get_label() for c in (grey, many, few)] == [
        "not testable (1)",
        "not enriched (4)",
        "enriched (2)",
    ]
    without = draw_codes(layout, None, "Codes of main")
    np.testing.assert_array_equal(points_of(without)[BLUE], layout.points)


def test_a_figure_is_written_as_png_and_svg_with_the_same_bytes_when_drawn_again(
    tmp_path: Path,
) -> None:
    layout, disk = pca_layout(clusters()), Disk(tmp_path)
    for folder in ("a", "b"):
        keys = write_figure(disk, f"{folder}/codes", draw_codes(layout, None, "Codes"))
        assert keys == [f"{folder}/codes.png", f"{folder}/codes.svg"]
    for kind in ("png", "svg"):
        assert disk.read(f"a/codes.{kind}") == disk.read(f"b/codes.{kind}")
    assert (disk.read("a/codes.png") or b"").startswith(b"\x89PNG")
    assert b"<svg" in (disk.read("a/codes.svg") or b"")


@pytest.mark.parametrize(
    ("loss", "alike"),
    [
        (LossSettings(), True),
        (LossSettings(kind="huber"), False),
        (LossSettings(weight_by_se=True), False),
    ],
)
def test_a_loss_in_other_units_stands_without_peers(loss: LossSettings, alike: bool) -> None:
    nothing = Interval(0.5, 0.4, 0.6)
    points = [
        Point(
            model=model,
            at=rank,
            group="",
            rank=rank,
            trainings=1,
            at_start=0,
            mse=0.5,
            r2=nothing,
            hidden_r2=nothing,
            replicate_r2=None,
            seed_sd=float("nan"),
            gain=None,
            replicate_gain=None,
        )
        for model in ("model", "PCA, zeros for missing")
        for rank in (1, 10)
    ]
    (axes,) = plot_losses(points, "neurons", 100, loss).axes
    labels = {str(line.get_label()) for line in axes.lines}
    peers = {"random subspace: 1 − rank / genes", "best PCA, judging contrasts"}
    assert labels & peers == (peers if alike else set())
    assert {"validation", "training"} <= labels
    assert axes.get_xscale() == "log"
