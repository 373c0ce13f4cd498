"""Smoke, heat, water: passed on at once, over when nothing of the kind is left."""

from gateway.core.detectors.hazard import HazardDetector
from gateway.core.inputs import Input
from gateway.core.model import Hazard, HazardState, HubReturned, Kind, Stage
from tests.fakes import at, heard


def said(detector: HazardDetector, *inputs: Input) -> list[tuple[Stage, Kind]]:
    """Return what the detector decides."""
    return [(one.stage, one.kind) for given in inputs for one in detector.feed(given)]


def smoke(seconds: float, *, present: bool) -> Input:
    return heard(seconds, "alarm", HazardState(Hazard.SMOKE, present))


def heat(seconds: float, *, present: bool) -> Input:
    return heard(seconds, "alarm", HazardState(Hazard.HEAT, present))


def test_a_warning_repeated_while_it_lasts_is_one_matter() -> None:
    inputs = (smoke(1, present=True), smoke(2, present=True), smoke(3, present=False))
    assert said(HazardDetector(), *inputs, smoke(4, present=False)) == [
        (Stage.CONFIRMED, Kind.SMOKE),
        (Stage.ENDED, Kind.SMOKE),
    ]


def test_a_fire_is_not_over_while_the_smoke_lasts() -> None:
    inputs = (smoke(1, present=True), heat(2, present=True), heat(3, present=False))
    assert said(HazardDetector(), *inputs)[2:] == []
    assert said(HazardDetector(), *inputs, smoke(4, present=False))[2:] == [
        (Stage.ENDED, Kind.SMOKE)
    ]


def test_after_a_restart_no_warning_is_taken_for_an_old_one() -> None:
    back = HubReturned(at(0), None, frozenset({(Kind.SMOKE, "alarm"), (Kind.FAULT_SENSOR, "pir")}))
    tamper = heard(2, "pir", HazardState(Hazard.TAMPER, present=True))
    assert said(HazardDetector(), back, heat(1, present=True), tamper) == [
        (Stage.CONFIRMED, Kind.SMOKE),
        (Stage.CONFIRMED, Kind.FAULT_SENSOR),
    ]


def test_a_warning_of_the_last_run_ends_when_the_sensor_says_so() -> None:
    back = HubReturned(at(0), None, frozenset({(Kind.SMOKE, "alarm")}))
    assert said(HazardDetector(), back, smoke(1, present=False)) == [(Stage.ENDED, Kind.SMOKE)]
