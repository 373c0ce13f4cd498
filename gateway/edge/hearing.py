"""The proof that an adapter is deaf: who should have been heard, and was not. Pure: times come in.

Silence alone proves nothing. In a house on its own with three motion sensors a night brings nothing
for hours, and whoever restarts a scan for that restarts what works. So each silence is weighed by
what it is missing. Witnesses are

    voices    configured sensors that promise signs of life. Each is due every `interval`: the
              longest of its last gaps, once some are known; a part of its promise before that
    canary    an advertiser that the technician put up to be heard always: its silence is proof
    choir     foreign senders: many that fall silent at one instant have not all left at once

and the evidence is the number of messages that are missing, summed over the witnesses. One sensor
may have died: no voice counts for more than VOICE_MOST messages, so two must be missing. A single
advert of anything at all makes the adapter hear again.

    evidence = sum over voices of min(silence / interval, 2) + canary's + choir's      deaf: >= 3
"""

from collections import deque
from collections.abc import Mapping
from enum import StrEnum

DEAF_AT = 3.0  # messages missing
VOICE_MOST = 2.0  # of one sensor: more may be its own death
CHOIR = 8  # foreign senders; a family that leaves with phones and watches is fewer
CHOIR_S = 60.0  # heard within so long before the silence
GAPS = 8  # a voice's gaps that are remembered
GAPS_TO_KNOW = 3  # until then its promise is all there is
BURST_S = 2.0  # one message is repeated for so long: no gap
PROMISE_PART = 4.0  # a promise allows for many lost beacons: it is due four times within
USUAL_MOST = 64  # gaps of the whole air that are remembered


class Hearing(StrEnum):
    """What a silence means."""

    HEARS = "hears"
    QUIET = "quiet"  # silent, and nobody is missing
    DEAF = "deaf"


class Voice:
    """One sensor's regularity."""

    def __init__(self, promise_s: float, since_ms: int, least_s: float = 0.0) -> None:
        self._promise_s, self._least_s = promise_s, least_s
        self._heard_ms = since_ms
        self._gaps: deque[float] = deque(maxlen=GAPS)

    def heard(self, now_ms: int) -> None:
        """Note an advert."""
        gap_s = (now_ms - self._heard_ms) / 1000
        self._heard_ms = now_ms
        if gap_s >= BURST_S:
            self._gaps.append(gap_s)

    def forgive(self, now_ms: int) -> None:
        """Begin anew: what was missed while the adapter was deaf is no gap of this sensor."""
        self._heard_ms = now_ms

    @property
    def interval_s(self) -> float:
        """How often it should be heard."""
        if len(self._gaps) >= GAPS_TO_KNOW:
            return max(*self._gaps, self._least_s)
        return max(self._promise_s / PROMISE_PART, self._least_s)

    def missing(self, now_ms: int) -> float:
        """Return how many messages are missing."""
        return (now_ms - self._heard_ms) / 1000 / self.interval_s


class Ears:
    """Weighs one adapter's silence.

    promises: seconds by address, of the configured sensors that promise any. canary: its address.
    """

    def __init__(
        self, promises: Mapping[str, float], now_ms: int, *, deaf_after_s: float, canary: str = ""
    ) -> None:
        self._voices = {address: Voice(promise, now_ms) for address, promise in promises.items()}
        self._canary_name = canary
        due_s = deaf_after_s / DEAF_AT  # so that its silence alone is proof after deaf_after_s
        self._canary = Voice(due_s * PROMISE_PART, now_ms, due_s) if canary else None
        self._deaf_after_ms = round(deaf_after_s * 1000)
        self._heard_ms = now_ms
        self._foreign: dict[str, int] = {}
        self._usual: deque[float] = deque(maxlen=USUAL_MOST)
        self.anything = False

    def heard(self, address: str, now_ms: int) -> None:
        """Note an advert of whomever."""
        gap_s = (now_ms - self._heard_ms) / 1000
        if gap_s > 0:
            self._usual.append(gap_s)
        self._heard_ms, self.anything = now_ms, True
        voice = self._voices.get(address)
        if voice is not None:
            voice.heard(now_ms)
        if self._canary is not None and address == self._canary_name:
            self._canary.heard(now_ms)
        elif voice is None:
            self._foreign[address] = now_ms
            if len(self._foreign) > 4 * CHOIR:
                self._prune()

    def again(self, now_ms: int) -> None:
        """Begin anew after a deafness: nobody is to blame for what could not be heard."""
        self._heard_ms = now_ms
        for voice in self._voices.values():
            voice.forgive(now_ms)
        if self._canary is not None:
            self._canary.forgive(now_ms)

    def silent_s(self, now_ms: int) -> float:
        """Return for how long nothing at all was heard."""
        return (now_ms - self._heard_ms) / 1000

    def usual_s(self) -> float:
        """Return the longest silence of late; 0 before any is known."""
        return max(self._usual, default=0.0)

    def often_s(self) -> float:
        """Return the silence that nine of ten of late did not exceed; with few known the longest.

        How long to listen whether a means has helped. Not the longest: one unnoticed outage would
        make each step of the next recovery wait for half a minute (found by random faults).
        """
        ordered = sorted(self._usual)
        return ordered[-1 - len(ordered) // 10] if ordered else 0.0

    def evidence(self, now_ms: int) -> float:
        """Return how many messages are missing."""
        found = sum(min(voice.missing(now_ms), VOICE_MOST) for voice in self._voices.values())
        if self._canary is not None:
            found += self._canary.missing(now_ms)
        if self._sang() >= CHOIR:
            found += DEAF_AT
        return found

    def judge(self, now_ms: int) -> Hearing:
        """Return what the present silence means."""
        if now_ms - self._heard_ms < self._deaf_after_ms:
            return Hearing.HEARS
        return Hearing.DEAF if self.evidence(now_ms) >= DEAF_AT else Hearing.QUIET

    def _sang(self) -> int:
        since = self._heard_ms - round(CHOIR_S * 1000)
        return sum(at >= since for at in self._foreign.values())

    def _prune(self) -> None:
        newest = sorted(self._foreign.items(), key=lambda one: one[1])[-2 * CHOIR :]
        self._foreign = dict(newest)
