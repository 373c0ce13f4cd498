"""Technical faults begin when they should, end when they should, and are said once."""

import pytest

from gateway.core.detector import Detector
from gateway.core.detectors.health import BatteryDetector, SilenceDetector, WornDetector
from gateway.core.detectors.links import ClockDetector, LinkDetector
from gateway.core.inputs import Input
from gateway.core.model import (
    At,
    Battery,
    Decision,
    HeartRate,
    HubReturned,
    Kind,
    Link,
    LinkChange,
    Reason,
    Stage,
    Tick,
)
from gateway.core.texts import render
from gateway.edge.recovery import Rung
from tests.fakes import BOOT, at, heard, tick

DEAF = LinkChange(at(100), Link.ADAPTER, up=False)


def said(detector: Detector, *inputs: Input) -> list[tuple[Stage, str]]:
    decisions: list[Decision] = [d for given in inputs for d in detector.feed(given)]
    assert all(len(render(d.reason)) == 2 for d in decisions)
    return [(d.stage, d.reason.code) for d in decisions]


def test_a_sensor_is_silent_after_two_of_its_own_intervals_and_back_when_heard() -> None:
    sensor = SilenceDetector("hall", 600)
    assert said(sensor, tick(0), heard(10, "hall"), tick(1209)) == []
    assert said(sensor, tick(1210)) == [(Stage.CONFIRMED, "sensor.silent")]
    assert said(sensor, tick(5000), heard(6000, "other")) == []
    assert said(sensor, heard(6001, "hall")) == [(Stage.ENDED, "sensor.back")]


def test_a_sensor_never_heard_since_the_start_is_silent_too() -> None:
    assert said(SilenceDetector("hall", 600), tick(0), tick(1200)) == [
        (Stage.CONFIRMED, "sensor.silent")
    ]


def test_time_in_which_the_hub_could_not_hear_is_not_the_sensors() -> None:
    sensor = SilenceDetector("hall", 600)
    hears = LinkChange(at(5000), Link.ADAPTER, up=True)
    assert said(sensor, heard(0, "hall"), DEAF, tick(4000), hears, tick(6199)) == []
    assert said(sensor, tick(6200)) == [(Stage.CONFIRMED, "sensor.silent")]


def test_after_a_restart_an_open_silence_is_not_said_twice_but_ends() -> None:
    sensor = SilenceDetector("hall", 600)
    back = HubReturned(at(0), None, frozenset({(Kind.FAULT_SENSOR, "hall")}))
    assert said(sensor, back, tick(9000), heard(9001, "hall")) == [(Stage.ENDED, "sensor.back")]


def test_a_battery_is_low_once_and_back_only_well_above() -> None:
    levels = [40, 15, 14, 20, 29, 30, 31]
    inputs = [heard(n, "hall", Battery(percent)) for n, percent in enumerate(levels)]
    assert said(BatteryDetector(), *inputs) == [
        (Stage.CONFIRMED, "battery.low"),
        (Stage.ENDED, "battery.back"),
    ]


def test_a_battery_light_counts_where_there_is_no_percentage() -> None:
    inputs = [heard(n, "hall", Battery(None, low=low)) for n, low in enumerate((False, True, True))]
    assert said(BatteryDetector(), *inputs) == [(Stage.CONFIRMED, "battery.light")]


def test_a_band_off_the_arm_is_said_after_half_an_hour() -> None:
    band = WornDetector("band")
    off, on = HeartRate(None, contact=False), HeartRate(70, contact=True)
    assert said(band, heard(0, "band", off), tick(1799)) == []
    assert said(band, tick(1800), tick(4000)) == [(Stage.CONFIRMED, "band.notworn")]
    assert said(band, heard(4001, "band", on), tick(9000)) == [(Stage.ENDED, "band.worn")]


def test_a_band_out_of_reach_for_a_moment_is_nothing() -> None:
    band = WornDetector("band")
    gone = LinkChange(at(0), Link.BAND, up=False, device="band")
    back = LinkChange(at(60), Link.BAND, up=True, device="band")
    assert said(band, gone, tick(59), back, tick(9000)) == []


def test_a_link_that_falls_is_a_fault_once_and_ends_when_it_returns() -> None:
    hears = LinkChange(at(200), Link.ADAPTER, up=True)
    assert said(LinkDetector(), DEAF, DEAF, hears, hears) == [
        (Stage.CONFIRMED, "adapter.deaf"),
        (Stage.ENDED, "adapter.back"),
    ]


def test_each_step_of_a_recovery_is_noted_on_the_open_fault_in_both_languages() -> None:
    def step(rung: str) -> LinkChange:
        return LinkChange(at(150), Link.ADAPTER, up=False, detail="off; 0.1 s", step=rung)

    links = LinkDetector()
    assert said(links, step("scan")) == [], "nothing is open yet"
    rungs = [rung.value for rung in Rung]
    told = said(links, DEAF, *(step(rung) for rung in rungs))
    assert told[1:] == [(Stage.NOTED, f"adapter.step-{rung}") for rung in rungs]
    for _, code in told[1:]:
        assert all("off; 0.1 s" in text for text in render(Reason(code, {"detail": "off; 0.1 s"})))


def test_a_lost_bond_is_a_fault_of_its_band_until_it_works_again() -> None:
    lost = LinkChange(at(1), Link.BOND, up=False, device="band", detail="ansim pair band --again")
    works = LinkChange(at(9), Link.BOND, up=True, device="band")
    assert said(LinkDetector(), lost, works) == [
        (Stage.CONFIRMED, "sensor.bond"),
        (Stage.ENDED, "sensor.bond-back"),
    ]


def test_a_fault_of_the_hub_open_from_the_last_run_is_not_told_again_and_ends() -> None:
    links = LinkDetector()
    back = HubReturned(at(0), None, frozenset({(Kind.FAULT_ADAPTER, "hci0")}))
    deaf = LinkChange(at(1), Link.ADAPTER, up=False, device="hci0")
    hears = LinkChange(at(9), Link.ADAPTER, up=True, device="hci0")
    assert said(links, back, deaf) == []
    assert said(links, hears) == [(Stage.ENDED, "adapter.back")]


def test_a_wrong_key_is_news_though_the_sensor_was_silent_in_the_last_run() -> None:
    back = HubReturned(at(0), None, frozenset({(Kind.FAULT_SENSOR, "hall")}))
    wrong = LinkChange(at(1), Link.KEY, up=False, device="hall")
    assert said(LinkDetector(), back, wrong) == [(Stage.CONFIRMED, "sensor.key")]


def test_a_clock_that_jumps_while_believed_is_reported() -> None:
    clock = ClockDetector()
    jumped = At(BOOT, at(60).mono_ms, at(60).wall_ms + 9 * 3_600_000, proven=True)
    assert said(clock, tick(0), Tick(jumped)) == [
        (Stage.CONFIRMED, "clock.jumped"),
        (Stage.ENDED, "clock.jumped"),
    ]


def test_a_clock_unproven_for_ten_minutes_is_a_fault_until_it_is_proven() -> None:
    clock = ClockDetector()
    inputs = [Tick(at(s, proven=False)) for s in (0, 599, 600, 700)]
    assert said(clock, *inputs, tick(701)) == [
        (Stage.CONFIRMED, "clock.unproven"),
        (Stage.ENDED, "clock.proven"),
    ]


@pytest.mark.parametrize(
    ("kind", "name", "link", "code"),
    [
        (Kind.FAULT_ADAPTER, "hci0", Link.ADAPTER, "adapter.back"),
        (Kind.FAULT_STORE, "store", Link.STORE, "store.back"),
        (Kind.FAULT_SENSOR, "sos", Link.KEY, "sensor.key-back"),
    ],
)
def test_a_link_that_is_back_after_a_restart_ends_the_fault_of_the_earlier_run(
    kind: Kind, name: str, link: Link, code: str
) -> None:
    returned = HubReturned(at(0), None, frozenset({(kind, name)}))
    device = "" if link is Link.STORE else name
    back = LinkChange(at(9), link, up=True, device=device)
    assert said(LinkDetector(), returned, back) == [(Stage.ENDED, code)]


def test_a_clock_proven_after_a_restart_ends_the_fault_of_the_earlier_run() -> None:
    returned = HubReturned(at(0), None, frozenset({(Kind.FAULT_CLOCK, "clock")}))
    assert said(ClockDetector(), returned, tick(1)) == [(Stage.ENDED, "clock.proven")]


def test_a_key_that_fits_after_a_restart_ends_the_fault_of_the_earlier_run() -> None:
    returned = HubReturned(at(0), None, frozenset({(Kind.FAULT_SENSOR, "sos")}))
    assert said(LinkDetector(), returned, heard(5, "hall"), heard(6, "sos"), heard(7, "sos")) == [
        (Stage.ENDED, "sensor.key-back")
    ]
