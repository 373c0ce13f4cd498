"""Why it decided: the candidate that is drawn, and the picture."""

import sys
from pathlib import Path

import numpy as np
import pytest

from gateway.cli import main
from gateway.core.detectors.fall_kernels import feature_names
from gateway.errors import ConfigurationError
from gateway.replay.command import numbered
from gateway.replay.direct import MONO_MS
from gateway.replay.explain import candidate, draw, headline
from gateway.virtual.wear import fall, put_on_table, quiet
from tests.replay.test_command import csv_of_a_fall


def test_the_candidate_of_a_fall_is_its_impact_and_says_suspected() -> None:
    found = candidate(np.concatenate([quiet(5.0), fall(lying_s=10.0)]), 50.0, 8.0)
    assert found is not None
    assert (found.peak_ms - MONO_MS) / 1000 == pytest.approx(5.0 + 3.0 + 0.82, abs=0.3)
    assert headline("arm", found).startswith("arm: suspected: score ")


def test_a_quiet_arm_gives_nothing_to_explain() -> None:
    assert candidate(quiet(20.0), 50.0, 8.0) is None


def test_a_knock_on_the_table_is_explained_though_it_is_far_from_a_fall() -> None:
    found = candidate(np.concatenate([quiet(5.0), put_on_table()]), 50.0, 8.0)
    assert found is not None
    assert headline("arm", found).startswith("arm: not a fall: score -")
    assert found.features[feature_names().index("peak")] > 1.4


def test_several_pictures_have_names_of_their_own() -> None:
    assert [str(numbered(Path("a/why.png"), n)) for n in (0, 1)] == ["a/why.png", "a/why-2.png"]


def test_without_matplotlib_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = np.concatenate([quiet(5.0), fall(lying_s=10.0)])
    found = candidate(samples, 50.0, 8.0)
    assert found is not None
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'ansim-gateway\[plots\]'"):
        draw(tmp_path / "why.png", "arm", samples, 50.0, found, [])


def test_the_picture_of_a_technicians_fall_is_a_png(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="no matplotlib: pip install 'ansim-gateway[plots]'")
    path = csv_of_a_fall(tmp_path / "arm.csv")
    out = tmp_path / "why.png"
    assert main(["replay", "csv", str(path), "--explain", str(out), "--lang", "en"]) == 0
    assert str(out) in capsys.readouterr().out
    assert out.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert out.stat().st_mode & 0o777 == 0o600
