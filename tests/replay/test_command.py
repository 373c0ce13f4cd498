"""`ansim replay` as a technician types it."""

from pathlib import Path

import numpy as np
import pytest

from gateway.cli import main
from gateway.virtual.wear import fall, quiet, times
from tests.recorded import FALL

YAML = """\
hub: {id: mfzwizltmvzxg2lqnrsv6ylcmm, district: "1120000000"}
uplink: {brokers: [{url: "mqtt://127.0.0.1"}]}
announcer: {command: ["loudspeaker", "{sound}"]}
devices:
  - {name: band, driver: polar_pmd, address: "A0:9E:1A:00:00:01"}
"""


def csv_of_a_fall(path: Path) -> Path:
    """Write a fall by formula as a logger would."""
    samples = fall(lying_s=5.0)
    rows = zip(times(len(samples)).tolist(), samples.tolist(), strict=True)
    lines = [",".join(map(str, (t, *xyz))) for t, xyz in rows]
    path.write_text("\n".join(["t_ms,x_mg,y_mg,z_mg", *lines]) + "\n")
    return path


@pytest.mark.parametrize("way", [["--direct"], []], ids=["direct", "through the air"])
def test_a_technicians_csv_with_a_fall_in_it_rings(
    tmp_path: Path, way: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = csv_of_a_fall(tmp_path / "arm.csv")
    assert main(["replay", "csv", str(path), "--rate", "50", "--lang", "en", *way]) == 0
    head, pending, raised = capsys.readouterr().out.splitlines()
    assert head == "arm.csv, 9.5 s"
    assert "fall pending" in pending
    assert "fall raised" in raised
    assert ("(stored +" in pending) is (not way)


def test_a_pack_is_told_trial_by_trial_and_summed_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    falling, still = fall(lying_s=5.0), quiet(9.0)
    np.savez(
        tmp_path / "made.npz",
        acc_mg=np.concatenate([falling, still]),
        t_ms=np.concatenate([times(len(falling)), times(len(still))]),
        start=np.array([0, len(falling)]),
        length=np.array([len(falling), len(still)]),
        subject=np.array(["U1", "U1"]),
        activity=np.array(["F", "D"]),
        is_fall=np.array([True, False]),
    )
    assert main(["replay", "falls", str(tmp_path / "made.npz"), "--direct", "--lang", "en"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "made 0 (F, U1) [fall], 9.5 s"
    assert lines[-3:] == [
        "made 1 (D, U1) [no fall], 9.0 s",
        "  nothing decided",
        "1 of 1 falls heard, 0 of 1 other trials",
    ]


def test_a_csv_that_is_none_is_one_line_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "arm.csv").write_text("0,1,2,3\n20,x,2,3\n")
    assert main(["replay", "csv", str(tmp_path / "arm.csv"), "--direct"]) == 1
    assert "arm.csv:2:" in capsys.readouterr().err


def test_a_recording_of_packets_is_told_in_lines_or_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gateway.yaml"
    config.write_text(YAML)
    given = ["replay", "packets", str(FALL), "-c", str(config)]
    assert main([*given, "--lang", "ko"]) == 0
    pending, raised = capsys.readouterr().out.splitlines()
    assert "fall pending" in pending
    assert "충격" in raised
    assert main([*given, "--json"]) == 0
    assert '"announce":"pending"' in capsys.readouterr().out


def test_a_recording_of_packets_is_drawn_as_a_home(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, png, html = tmp_path / "gateway.yaml", tmp_path / "home.png", tmp_path / "home.html"
    config.write_text(YAML)
    drawn = ["--explain", str(png), "--report", str(html), "--lang", "en"]
    assert main(["replay", "packets", str(FALL), "-c", str(config), *drawn]) == 0
    assert "fall raised" in capsys.readouterr().out
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "Sat 21 Nov" in html.read_text()
    config.write_text(YAML + "inactivity: {enabled: false}\n")
    assert main(["replay", "packets", str(FALL), "-c", str(config), *drawn]) == 1
    assert "inactivity.enabled" in capsys.readouterr().err
