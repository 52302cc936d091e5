"""Several devices give what one gives."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model.training.placement import make_mesh
from storage.errors import InputError
from tests.support.prepared import prepare, random_workspace


def on_four_devices(module: str, *arguments: str) -> list[np.ndarray]:
    """What a program prints where the host stands for four devices."""
    flags = "--xla_force_host_platform_device_count=4"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", module, *arguments],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [np.array(values) for values in json.loads(done.stdout)]


def test_shared_rows_and_a_shared_gene_axis_give_the_losses_of_one_device() -> None:
    one, *others = on_four_devices("tests.support.sharded_steps")
    for losses in others:
        np.testing.assert_allclose(losses, one, rtol=1e-5)
    assert one[-1] < one[0]


def test_a_model_that_starts_as_components_is_the_same_on_a_mesh(tmp_path: Path) -> None:
    workspace = random_workspace(tmp_path, {f"S{i:02}": 2 for i in range(20)}, n_genes=41)
    prepare(workspace)
    one, other = on_four_devices("tests.support.sharded_fit", str(workspace.root))
    assert len(one) > 3
    np.testing.assert_allclose(other, one, rtol=1e-5)


def test_more_devices_than_there_are_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"rows = 900 and genes = 1 of \[train.devices\] ask for 900"
    ):
        make_mesh(900, 1)
