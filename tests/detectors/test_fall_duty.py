"""What the rest of the home says about a suspected fall."""

import numpy as np

from gateway.core.detectors.fall import FallDecision, FallDetector
from gateway.core.detectors.fall_duty import FallDuty
from gateway.core.inputs import Input
from gateway.core.model import (
    AccelerationBlock,
    Contact,
    Heard,
    HeartRate,
    Motion,
    Reason,
    Stage,
    Tick,
    Worn,
)
from tests.fakes import at, heard

ROOMS = {"hall": "hall", "kitchen": "kitchen", "kitchen-2": "kitchen", "door": "frontdoor"}
FALL = heard(100, "band", AccelerationBlock(np.array([100_000]), np.zeros((1, 3), np.int16)))


class Suspicious(FallDetector):
    """A detector that suspects a fall at every block."""

    def feed_block(self, t_ms: object, acc_mg: object) -> list[FallDecision]:
        """Suspect, whatever the samples."""
        now = at(100).mono_ms
        return [FallDecision(Stage.SUSPECTED, now, now, 0.9, Reason("fall.suspected"))]

    def evidence_of_life(self, t_ms: int, what: str) -> list[FallDecision]:
        """Withdraw, whatever is open."""
        return [FallDecision(Stage.WITHDRAWN, t_ms, t_ms, 0.9, Reason("fall.well", {"what": what}))]


def stages(*inputs: Heard) -> list[Stage]:
    """Return what the duty decides about these."""
    band = Suspicious("band", sample_rate_hz=52, range_g=8)
    duty = FallDuty(band, lambda device: ROOMS.get(device, ""))
    return [decision.stage for given in inputs for decision in duty.feed(given)]


def moves(seconds: float, device: str) -> Heard:
    return heard(seconds, device, Motion(detected=True))


def test_motion_in_two_rooms_after_the_impact_calls_a_suspicion_off() -> None:
    assert stages(FALL, moves(110, "kitchen"), moves(112, "hall")) == [
        Stage.SUSPECTED,
        Stage.WITHDRAWN,
    ]


def test_a_door_that_opens_and_a_motion_call_a_suspicion_off() -> None:
    opened = heard(110, "door", Contact(open=True))
    assert stages(FALL, opened, moves(112, "hall"))[1:] == [Stage.WITHDRAWN]


def test_two_sensors_of_one_room_see_one_faller() -> None:
    assert stages(FALL, moves(110, "kitchen"), moves(112, "kitchen-2")) == [Stage.SUSPECTED]


def test_a_sensor_in_no_known_room_is_no_witness() -> None:
    assert stages(FALL, moves(110, "kitchen"), moves(112, "somewhere")) == [Stage.SUSPECTED]


def test_a_beacon_that_repeats_what_was_before_the_fall_is_no_evidence() -> None:
    before, again = moves(90, "hall"), moves(112, "hall")
    assert stages(before, FALL, moves(110, "kitchen"), again) == [Stage.SUSPECTED]


def test_the_thump_itself_is_no_evidence() -> None:
    assert stages(FALL, moves(103, "hall"), moves(104, "kitchen")) == [Stage.SUSPECTED]


class Confirming(Suspicious):
    """A detector that confirms at the first tick, and keeps what it is told of the skin."""

    skin: bool | None = None

    def on_skin(self, touching: bool) -> None:  # noqa: FBT001 - as the detector has it
        """Keep the band's word."""
        self.skin = touching

    def tick(self, t_ms: int) -> list[FallDecision]:
        """Confirm what was suspected at 100 s."""
        return [FallDecision(Stage.CONFIRMED, t_ms, at(100).mono_ms, 0.9, Reason("fall.still"))]


def beats(seconds: float, *bpm: int) -> list[Input]:
    return [heard(seconds + i, "band", HeartRate(b)) for i, b in enumerate(bpm)]


def test_a_confirmed_fall_carries_the_heart_before_and_after_the_impact() -> None:
    duty = FallDuty(Confirming("band", sample_rate_hz=52, range_g=8))
    inputs = [*beats(60, 71, 73, 180), FALL, *beats(101, 88, 97), *beats(110, 95, 96)]
    for given in inputs:
        list(duty.feed(given))
    (confirmed,) = duty.feed(Tick(at(125)))
    assert dict(confirmed.evidence) == {"heart_before_bpm": 73.0, "heart_after_bpm": 95.5}


def test_a_heart_that_was_hardly_measured_is_not_told() -> None:
    duty = FallDuty(Confirming("band", sample_rate_hz=52, range_g=8))
    for given in [*beats(60, 71, 73), FALL, *beats(101, 88)]:
        list(duty.feed(given))
    (confirmed,) = duty.feed(Tick(at(125)))
    assert dict(confirmed.evidence) == {}


def test_the_detector_hears_from_the_band_whether_it_is_worn() -> None:
    band = Confirming("band", sample_rate_hz=52, range_g=8)
    duty = FallDuty(band)
    told = []
    for value in (HeartRate(None, contact=False), HeartRate(70, contact=True), Worn(worn=False)):
        list(duty.feed(heard(90, "band", value)))
        told.append(band.skin)
    assert told == [False, True, False]
