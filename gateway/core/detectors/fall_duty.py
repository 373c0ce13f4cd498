"""One band's fall detector on duty in a home: its samples, and what the rest of the home says.

Plain evidence of being well withdraws a suspicion: motion that begins in two different rooms after
the impact (a faller's own last movement lights one room, not two; a visitor's would be two, but
then somebody is there), or a door opened by somebody on their feet together with motion. Two
sensors of one room are one room, one whose place is not known is no witness, and a beacon that
repeats what the sensor said before the fall is no news: all three would call off a real fall.
A button is not judged here: the cancel button speaks for itself, the SOS button the other way.

Where the band measures the heart, what it was before and after the impact goes with the
confirmation, and a band that has lost the skin may lie on a table: its stillness proves nothing.
"""

from collections.abc import Callable, Iterable, Iterator

from gateway.core.detectors.fall import FallDecision, FallDetector
from gateway.core.detectors.fall_heart import Heart
from gateway.core.inputs import Input
from gateway.core.model import (
    AccelerationBlock,
    At,
    Contact,
    Decision,
    Heard,
    HeartRate,
    Kind,
    Motion,
    Reading,
    Stage,
    Tick,
    Worn,
)

WITNESSES = 2
SETTLE_MS = 5_000  # the thump itself, and the arm that falls, may light a sensor


class FallDuty:
    """Feeds the detector, and turns what it says into decisions of the home's own time.

    room_of: the room that a device watches; empty: nobody knows.
    """

    def __init__(
        self, detector: FallDetector, room_of: Callable[[str], str] = lambda _device: ""
    ) -> None:
        self._detector = detector
        self._room_of = room_of
        self._heart = Heart()
        self._onset_ms: int | None = None
        self._witnesses: dict[str, str] = {}  # where: the device that saw it
        self._states: dict[tuple[str, type[object]], bool] = {}

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return what the band's samples, or the home's sensors, decide."""
        match given:
            case Heard(device=device) if device == self._detector.device:
                for reading in given.readings:
                    said = self._band(reading)
                    yield from self._decisions(said, given.at)
            case Heard():
                yield from self._seen(given)
            case Tick(at=at):
                yield from self._decisions(self._detector.tick(at.mono_ms), at)
            case _:
                pass

    def _band(self, reading: Reading) -> list[FallDecision]:
        match reading.value:
            case AccelerationBlock(t_ms=t_ms, acc_mg=acc_mg):
                return self._detector.feed_block(t_ms, acc_mg)
            case HeartRate(bpm=bpm, contact=contact):
                self._heart.beat(reading.at.mono_ms, bpm)
                if contact is not None:
                    self._detector.on_skin(contact)
            case Worn(worn=worn):
                self._detector.on_skin(worn)
            case _:
                pass
        return []

    def _seen(self, given: Heard) -> Iterator[Decision]:
        begun = [where for where in map(self._begins, given.readings) if where]
        onset = self._onset_ms
        if onset is None or given.at.mono_ms < onset + SETTLE_MS:
            return
        self._witnesses.update(dict.fromkeys(begun, given.device))
        if len(self._witnesses) >= WITNESSES:
            what = " + ".join(sorted(set(self._witnesses.values())))
            said = self._detector.evidence_of_life(given.at.mono_ms, what)
            yield from self._decisions(said, given.at)

    def _begins(self, reading: Reading) -> str:
        """Return where motion begins or a door opens; empty: it says nothing new.

        A sensor that never says that motion has ended begins once, not each time: whether it was
        a repetition cannot be told, and a fall called off by mistake is worse than one that rings.
        """
        match reading.value:
            case Motion(detected=now):
                where = self._room_of(reading.device)
            case Contact(open=now):
                where = f"door {reading.device}"
            case _:
                return ""
        key = (reading.device, type(reading.value))
        before, self._states[key] = self._states.get(key, False), now
        return where if now and not before else ""

    def _decisions(self, said: Iterable[FallDecision], at: At) -> Iterator[Decision]:
        for decision in said:
            heart: dict[str, float] = {}
            if decision.stage is Stage.CONFIRMED:
                heart = self._heart.around(decision.onset_ms, at.mono_ms)
            if decision.stage is Stage.SUSPECTED:
                self._onset_ms, self._witnesses = decision.onset_ms, {}
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
                evidence={**decision.evidence, **heart},
            )
