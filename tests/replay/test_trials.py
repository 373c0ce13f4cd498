"""Recordings as they lie on disk: packs, and a technician's CSV."""

import contextlib
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigurationError
from gateway.replay.trials import Trial, read_csv, read_pack


def pack(path: Path, **more: np.ndarray) -> Path:
    """Write a pack of three trials of two people."""
    arrays = {
        "acc_mg": np.arange(36, dtype=np.int16).reshape(12, 3),
        "t_ms": np.tile(np.arange(0, 80, 20, dtype=np.int32), 3),
        "start": np.array([0, 4, 8]),
        "length": np.array([4, 4, 4]),
        "subject": np.array(["U1", "U2", "U1"]),
        "activity": np.array(["D1", "F1", "F2"]),
        "is_fall": np.array([False, True, True]),
        **more,
    }
    np.savez(path, **arrays)  # type: ignore[arg-type] # names of arrays, not its flag
    return path


def test_a_pack_gives_the_trials_asked_for_with_their_labels(tmp_path: Path) -> None:
    path = pack(tmp_path / "set.npz")
    assert [one.name for one in read_pack(path)] == [
        "set 0 (D1, U1)",
        "set 1 (F1, U2)",
        "set 2 (F2, U1)",
    ]
    (second,) = read_pack(path, numbers=[1])
    assert (second.labelled, second.acc_mg[0].tolist()) == ("fall", [12, 13, 14])
    assert [one.name for one in read_pack(path, subjects=["U1"], limit=1)] == ["set 0 (D1, U1)"]


def test_what_a_pack_does_not_hold_is_named(tmp_path: Path) -> None:
    path = pack(tmp_path / "set.npz")
    with pytest.raises(ConfigurationError, match="no trial 3; there are 0 to 2"):
        read_pack(path, numbers=[3])
    with pytest.raises(ConfigurationError, match="no subject U9; there are: U1, U2"):
        read_pack(path, subjects=["U9"])
    np.savez(tmp_path / "other.npz", acc_mg=np.zeros(3))
    with pytest.raises(ConfigurationError, match=r"other\.npz: no pack of trials: t_ms, start"):
        read_pack(tmp_path / "other.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ConfigurationError, match="cannot be read as a pack"):
        read_pack(tmp_path / "text.npz")
    with pytest.raises(ConfigurationError, match="cannot be read as a pack"):
        read_pack(tmp_path / "nowhere.npz")
    with pytest.raises(ConfigurationError, match="outside the samples"):
        read_pack(pack(tmp_path / "cut.npz", length=np.array([4, 4, 5])))


@pytest.mark.parametrize(
    "text",
    [
        "t_ms,x_mg,y_mg,z_mg\n0,1,2,3\n20,4,5,6\n",
        "\ufefftime; x; y; z\r\n0;1;2;3\r\n20;4;5;6\r\n",
        "# from a logger\n\n0\t1\t2\t3\n20\t4.4\t5.2\t5.9\n\n",
    ],
)
def test_a_csv_is_read_with_or_without_a_header_whatever_parts_its_columns(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "arm.csv"
    path.write_text(text)
    trial = read_csv(path)
    assert trial.t_ms.tolist() == [0, 20]
    assert trial.acc_mg.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("t,x,y,z\n0,1,2,3\n20,1,2\n", r"arm\.csv:3: 3 columns, not t_ms,x_mg,y_mg,z_mg"),
        ("0,1,2,3\n20,1,oops,3\n", r"arm\.csv:2: .*four numbers"),
        ("0,1,2,3\n20,1,,3\n", r"arm\.csv:2: .*four numbers"),
        ("0,1,2,3\n20,1,2,40000\n", r"arm\.csv:2: outside ±32767 mg"),
        ("0,1,2,3\n20,1,2,nan\n", r"arm\.csv:2: outside"),
        ("20,1,2,3\n0,1,2,3\n", r"arm\.csv:2: time runs backwards, 20 before it"),
        ("20,1,2,3\n20,1,2,3\n", r"arm\.csv:2: two samples at 20 ms"),
        ("t,x,y,z\n0,1,2,3\n", r"arm\.csv: 1 lines of samples"),
        ("", r"arm\.csv: 0 lines of samples"),
    ],
)
def test_what_is_wrong_in_a_csv_is_named_with_its_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "arm.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=complaint):
        read_csv(path)


def test_a_stated_rate_overrules_the_times_of_a_csv(tmp_path: Path) -> None:
    path = tmp_path / "arm.csv"
    path.write_text("0,1,2,3\n1,1,2,3\n900,1,2,3\n")
    assert read_csv(path, 50.0).t_ms.tolist() == [0, 20, 40]
    with pytest.raises(ConfigurationError, match="a rate of 0 Hz"):
        read_csv(path, 0.0)


@given(st.text(alphabet="0123456789.,;-\n einaft#", max_size=60))
def test_any_text_is_a_recording_or_refused_and_nothing_else(text: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "arm.csv"
        path.write_text(text)
        with contextlib.suppress(ConfigurationError):
            assert len(read_csv(path).at_rate(52.0)) >= 1


def test_a_recording_longer_than_a_day_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "arm.csv"
    path.write_text("0,1,2,3\n900000000000,1,2,3\n")
    with pytest.raises(ConfigurationError, match="at most a day"):
        read_csv(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "arm.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"arm\.csv"):
        read_csv(path)


def test_a_trial_is_put_on_the_bands_grid_and_rests_before_and_after() -> None:
    trial = Trial(
        "line", np.array([0, 40, 100], np.int64), np.array([[0] * 3, [40] * 3, [100] * 3], np.int16)
    )
    assert trial.at_rate(50.0)[:, 0].tolist() == [0, 20, 40, 60, 80, 100]
    worn = trial.worn(50.0, before_s=2.0, after_s=1.0)
    assert worn.shape == (100 + 6 + 50, 3)
    assert np.abs(worn[:100]).max() <= 5
    assert np.abs(worn[-50:] - 100).max() <= 5
    assert np.array_equal(worn, trial.worn(50.0, before_s=2.0, after_s=1.0))


def test_a_trial_whose_time_stands_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="time does not go on at sample 1"):
        Trial("still", np.zeros(2, np.int64), np.zeros((2, 3), np.int16))
