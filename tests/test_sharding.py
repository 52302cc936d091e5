"""Several devices give what one gives."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from model.training.placement import make_mesh


def test_shared_rows_and_a_shared_gene_axis_give_the_losses_of_one_device() -> None:
    flags = "--xla_force_host_platform_device_count=4"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.support.sharded_steps"],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    one, *others = np.array(json.loads(done.stdout))
    for losses in others:
        np.testing.assert_allclose(losses, one, rtol=1e-5)
    assert one[-1] < one[0]


def test_more_devices_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match="900 × 1 devices are asked for"):
        make_mesh(900, 1)
