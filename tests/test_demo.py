"""The demo, small: from nothing to a recovered truth."""

import json
from pathlib import Path

import pytest

from tests.support.command import dexome


@pytest.mark.slow
def test_the_demo_recovers_what_it_planted_and_can_be_run_again(tmp_path: Path) -> None:
    done = dexome("demo", tmp_path / "demo", "--studies", "4", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["new"]
    assert 0 < summary["found"] <= summary["planted"]
    recovery = summary["recovery"]
    assert recovery["correlation"] > 0.3
    assert 0.9 < recovery["slope"] < 1.1
    assert recovery["false_discovery_rate"] < 0.08
    assert recovery["strong_sensitivity"] > 0.5
    terms = summary["terms"]
    assert 0 < terms["enriched"] <= terms["testable"] <= terms["active"]
    assert terms["enriched"] > terms["testable"] / 3
    assert terms["decoys"] < 0.01 * terms["tested_decoys"]
    again = dexome("demo", tmp_path / "demo", "--studies", "4")
    assert again.returncode == 0, again.stderr
    for part in (
        "compendium",
        "dexome query gene",
        "dexome query contrast",
        "--terms",
        "the planted truth",
        "strongly active programs",
        "Next:",
    ):
        assert part in again.stdout
    assert len(again.stdout.split("Next:")[1].strip().splitlines()) == 3
