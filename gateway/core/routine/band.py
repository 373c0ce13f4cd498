"""What a band says of a day: minutes on the arm, minutes in which the arm moved, the pulse."""

from dataclasses import dataclass, field
from typing import Final

from gateway.core.detectors.life_kernels import moves
from gateway.core.model import AccelerationBlock, HeartRate, Reading, Worn
from gateway.core.routine.day import MINUTE_MS, Day
from gateway.core.routine.shelf import Shelf

PULSE_MS: Final = 5 * MINUTE_MS
PULSE_LEAST: Final = 3  # readings that make a mean


@dataclass(slots=True)
class Bands:
    """Gathers a minute of movement and five of pulse, of whichever band is worn."""

    _off: set[str] = field(default_factory=set)
    _blocks: int = 0
    _moving: int = 0
    _bin: int = -1
    _pulse: list[int] = field(default_factory=list)

    def heard(self, local_ms: int, reading: Reading, shelf: Shelf) -> bool:
        """Take a reading; return whether it was a band's and nothing else."""
        match reading.value:
            case AccelerationBlock(acc_mg=acc_mg):
                if reading.device not in self._off:
                    self._blocks += 1
                    self._moving += bool(moves(acc_mg))
                return True
            case Worn(worn=worn):
                self._on(reading.device, worn=worn)
                return True
            case HeartRate(bpm=bpm, contact=contact):
                if contact is not None:
                    self._on(reading.device, worn=contact)
                if bpm and contact is not False:
                    self._beat(local_ms, bpm, shelf)
                return True
            case _:
                return False

    def minute(self, day: Day, minutes: int) -> None:
        """Count the minutes that are over: active when the arm moved in half of its blocks."""
        if self._blocks:
            day.worn += minutes
            day.active += minutes * (self._moving * 2 >= self._blocks)
            self._blocks = self._moving = 0

    def _on(self, device: str, *, worn: bool) -> None:
        (self._off.discard if worn else self._off.add)(device)

    def _beat(self, local_ms: int, bpm: int, shelf: Shelf) -> None:
        which = local_ms // PULSE_MS
        if which != self._bin:
            if len(self._pulse) >= PULSE_LEAST:
                mean = str(round(sum(self._pulse) / len(self._pulse)))
                counts = shelf.day(self._bin * PULSE_MS).pulse
                counts[mean] = counts.get(mean, 0) + 1
            self._bin, self._pulse = which, []
        self._pulse.append(bpm)
