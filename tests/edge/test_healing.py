"""One deafness treated: what is done, timed, counted and told; and root's units."""

from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from gateway.edge.adapter import Fault
from gateway.edge.healing import Healer, Patient
from gateway.edge.means import BlueZMeans
from gateway.edge.recovery import Rung, Sign
from gateway.errors import RadioError

SILENT, HUNG = Fault(Sign.SILENT, "nothing heard for 90 s"), Fault(Sign.HUNG, "no answer")
PATIENT = Patient(name="hci0")


class FakeMeans:
    """Notes what is done; fails where the test says so."""

    def __init__(self, **fails: Exception) -> None:
        self.can = frozenset(Rung) - {Rung.SPARE}
        self.done: list[tuple[Rung, str]] = []
        self._fails = fails

    async def do(self, rung: Rung, name: str) -> None:
        self.done.append((rung, name))
        if rung.value in self._fails:
            raise self._fails[rung.value]


class Told:
    def __init__(self, means: FakeMeans) -> None:
        self.steps: list[tuple[Rung, str]] = []
        self.pauses: list[float] = []
        self.healer = Healer(
            means,
            lambda rung, detail: self.steps.append((rung, detail)),
            structlog.get_logger(),
            self._pause,
        )

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def test_each_step_is_told_with_its_fault_and_counted() -> None:
    means = FakeMeans()
    told = Told(means)
    for _ in range(3):
        await told.healer.treat(SILENT, PATIENT)
    assert means.done == [(Rung.SCAN, "hci0"), (Rung.POWER, "hci0"), (Rung.DAEMON, "hci0")]
    assert [rung for rung, _ in told.steps] == [Rung.SCAN, Rung.POWER, Rung.DAEMON]
    assert all("nothing heard for 90 s" in detail for _, detail in told.steps)
    assert told.healer.counts == {"scan": 1, "power": 1, "daemon": 1}


async def test_a_step_that_cannot_be_taken_is_told_and_nothing_is_waited_for() -> None:
    told = Told(FakeMeans(power=RadioError("Busy")))
    await told.healer.treat(SILENT, PATIENT)
    step = await told.healer.treat(SILENT, PATIENT)
    assert (step.rung, step.wait_s) == (Rung.POWER, 0.0)
    assert "Busy" in told.steps[-1][1]


async def test_after_the_last_step_there_is_a_pause_and_the_ladder_begins_anew() -> None:
    told = Told(FakeMeans())
    for _ in range(5):
        await told.healer.treat(SILENT, PATIENT)
    assert (await told.healer.treat(SILENT, PATIENT)).rung is None
    assert len(told.pauses) == 1
    assert (await told.healer.treat(SILENT, PATIENT)).rung is Rung.SCAN


async def test_a_deafness_that_returns_at_once_is_the_same_one() -> None:
    told = Told(FakeMeans())
    await told.healer.treat(SILENT, PATIENT)
    assert told.healer.cured().startswith("scan")
    assert (await told.healer.treat(SILENT, PATIENT)).rung is Rung.POWER


async def test_another_fault_right_after_is_a_new_one() -> None:
    told = Told(FakeMeans())
    await told.healer.treat(SILENT, PATIENT)
    told.healer.cured()
    assert (await told.healer.treat(HUNG, PATIENT)).rung is Rung.DAEMON
    told.healer.cured()
    assert (await told.healer.treat(SILENT, PATIENT)).rung is Rung.SCAN


async def test_a_deafness_much_later_is_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.edge.healing.SAME_S", 0.0)
    told = Told(FakeMeans())
    await told.healer.treat(SILENT, PATIENT)
    told.healer.cured()
    assert (await told.healer.treat(SILENT, PATIENT)).rung is Rung.SCAN


async def test_a_spare_that_falls_deaf_has_a_ladder_of_its_own() -> None:
    told = Told(FakeMeans())
    patient = Patient(name="hci0", spares=True)
    rungs = [(await told.healer.treat(SILENT, patient)).rung for _ in range(3)]
    assert rungs == [Rung.SCAN, Rung.POWER, Rung.SPARE]
    told.healer.cured()
    gone = Fault(Sign.GONE, "gone")
    again = [(await told.healer.treat(gone, patient)).rung for _ in range(2)]
    assert again == [Rung.SCAN, Rung.SPARE]


@pytest.fixture
def systemctl(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    def made(script: str) -> tuple[str, ...]:
        path = tmp_path / "systemctl"
        path.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{script}\n')
        path.chmod(0o755)
        return (str(path),)

    return made


async def test_roots_units_are_started_by_their_names(
    tmp_path: Path, systemctl: Callable[[str], tuple[str, ...]]
) -> None:
    means = BlueZMeans(lambda _why: None, systemctl("exit 0"))
    await means.do(Rung.DAEMON, "hci1")
    await means.do(Rung.RESET, "hci1")
    await means.do(Rung.RESET, "")
    await means.do(Rung.RESET, "lost")
    assert (tmp_path / "asked").read_text().splitlines() == [
        "start --no-ask-password ansim-bluetoothd.service",
        "start --no-ask-password ansim-radio-reset@hci1.service",
        "start --no-ask-password ansim-radio-reset@hci0.service",
        "start --no-ask-password ansim-radio-reset@lost.service",
    ]


async def test_a_unit_that_polkit_forbids_says_so(
    systemctl: Callable[[str], tuple[str, ...]],
) -> None:
    means = BlueZMeans(lambda _why: None, systemctl("echo Access denied >&2; exit 1"))
    with pytest.raises(RadioError, match="Access denied"):
        await means.do(Rung.DAEMON, "hci0")


async def test_handing_over_ends_the_process() -> None:
    why: list[str] = []
    await BlueZMeans(why.append).do(Rung.SYSTEMD, "hci0")
    assert len(why) == 1
