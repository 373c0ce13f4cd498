"""One band's fall detector on duty in a home: its samples, and what the rest of the home says.

Plain evidence of being well withdraws a suspicion: motion seen in two different rooms after the
impact (a faller's own last movement lights one sensor, not two; a visitor's would be two, but then
somebody is there), or a door opened from inside by somebody on their feet together with motion.
A button is not judged here: the cancel button speaks for itself, the SOS button the other way.
"""

from collections.abc import Iterable, Iterator

from gateway.core.detectors.fall import FallDecision, FallDetector
from gateway.core.inputs import Input
from gateway.core.model import (
    AccelerationBlock,
    At,
    Contact,
    Decision,
    Heard,
    Kind,
    Motion,
    Stage,
    Tick,
)

ROOMS = 2
SETTLE_MS = 5_000  # the thump itself, and the arm that falls, may light a sensor


class FallDuty:
    """Feeds the detector, and turns what it says into decisions of the home's own time."""

    def __init__(self, detector: FallDetector) -> None:
        self._detector = detector
        self._onset_ms: int | None = None
        self._rooms: set[str] = set()

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return what the band's samples, or the home's sensors, decide."""
        match given:
            case Heard(device=device) if device == self._detector.device:
                for reading in given.readings:
                    if isinstance(reading.value, AccelerationBlock):
                        block = reading.value
                        said = self._detector.feed_block(block.t_ms, block.acc_mg)
                        yield from self._decisions(said, given.at)
            case Heard() if self._onset_ms is not None:
                yield from self._seen(given)
            case Tick(at=at):
                yield from self._decisions(self._detector.tick(at.mono_ms), at)
            case _:
                pass

    def _seen(self, given: Heard) -> Iterator[Decision]:
        onset = self._onset_ms
        if onset is None or given.at.mono_ms < onset + SETTLE_MS:
            return
        for reading in given.readings:
            if reading.value in (Motion(detected=True), Contact(open=True)):
                self._rooms.add(given.device)
        if len(self._rooms) >= ROOMS:
            what = " + ".join(sorted(self._rooms))
            said = self._detector.evidence_of_life(given.at.mono_ms, what)
            yield from self._decisions(said, given.at)

    def _decisions(self, said: Iterable[FallDecision], at: At) -> Iterator[Decision]:
        for decision in said:
            if decision.stage is Stage.SUSPECTED:
                self._onset_ms, self._rooms = decision.onset_ms, set()
            else:
                self._onset_ms = None
            yield Decision(
                kind=Kind.FALL,
                stage=decision.stage,
                at=at,
                device=self._detector.device,
                reason=decision.reason,
                probability=decision.probability,
                onset=at.plus(min(0, decision.onset_ms - at.mono_ms)),
                evidence=dict(decision.evidence),
            )
