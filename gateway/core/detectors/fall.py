"""The fall detector of one band: samples in, `suspected`, then `confirmed` or `withdrawn` out.

    samples ─ scan ─► ring ─ |a| > 1.4 g ─► candidate ─ 2.5 s later ─► judge ─► score > threshold?
              (every sample, one kernel call a notification)   (once a candidate)     │
                                                                                   suspected
                                        once a second, from the same ring ◄───────────┘
                                        walking 8 s, or evidence of life ──► withdrawn
                                        still, or 30 s without either ─────► confirmed

Invariants
1. Decisions depend on the samples and their times only: not on how they were cut into blocks, not
   on a clock. What is decided at a sample uses nothing after it.
2. At most one suspicion is open. A second impact above the threshold is `suspected` again and the
   watch starts anew from it.
3. Without samples (`tick`) a candidate is judged and a watch ends all the same, GRACE_MS late: a
   band that is crushed or falls silent in the fall must not silence the alarm.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import acos, degrees
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from gateway.core.detectors import fall_watch, kernels
from gateway.core.detectors.fall_kernels import describe, feature_names
from gateway.core.detectors.fall_score import (
    HOPELESS,
    Float32Array,
    Model,
    judge,
    load_model,
    new_room,
    probability,
)
from gateway.core.detectors.kernels import BoolArray, Float64Array
from gateway.core.model import Int16Array, Int64Array, Reason, Stage
from gateway.errors import ConfigurationError

GRACE_MS = 8000  # a frame may be 1.3 s long, late by a lost connection's time-out
# Two classes of devices are judged differently. A range that hides every impact above it leaves
# less to judge by, and a recorded watch of ±2 g gave most of all false alarms in long wear: it is
# judged under STRICT. Slow sampling blurs falls and all else alike, so one threshold is too high
# for it: its scores are shifted, by what makes both alarm as seldom on people left out.
COARSE_G = 4.0
STRICT = "quiet"
SLOW_HZ = 36.0
HIDDEN = 0.3  # share of the second around the impact that was lost: its height is not to be told
KEPT = 8  # candidates kept for explaining
NEAR = 4.0  # those so near an alarm


@dataclass(frozen=True, slots=True)
class FallDecision:
    """One step of one matter. t_ms: when it was decided; onset_ms: the impact."""

    stage: Stage
    t_ms: int
    onset_ms: int
    probability: float
    reason: Reason
    score: float = 0.0
    evidence: Mapping[str, float | int | str] = field(default_factory=lambda: MappingProxyType({}))


class Candidate(NamedTuple):
    """Everything the detector knew when it decided on one impact, for `ansim replay --explain`."""

    peak_ms: int
    decided_ms: int
    score: float
    threshold: float
    probability: float
    grid: Float64Array  # [250, 3] g at 50 Hz, the peak at index 125
    valid: BoolArray
    features: Float32Array


class FallDetector:
    """One band's detector. Its memory is fixed at birth."""

    def __init__(
        self,
        device: str,
        *,
        sample_rate_hz: float,
        range_g: float,
        operating_point: str = "balanced",
        model: Model | None = None,
        keep: int | None = KEPT,
        explain_below: float = NEAR,
    ) -> None:
        """Judge at `operating_point`; the stated rate and range are checked, the times trusted.

        explain_below: how far (log-odds) below the threshold a candidate is still kept whole.
        """
        if sample_rate_hz <= 0 or range_g <= 0:
            raise ConfigurationError(f"{device}: {sample_rate_hz} Hz, ±{range_g} g is no band")
        self.device = device
        self._model = model or load_model()
        if operating_point not in self._model.thresholds:
            known = ", ".join(self._model.thresholds)
            raise ConfigurationError(f"operating point {operating_point!r}: one of {known}")
        self._threshold = self._model.thresholds[operating_point]
        self._shift = 0.0
        if range_g < COARSE_G:
            self._threshold = max(self._threshold, self._model.thresholds[STRICT])
        elif sample_rate_hz < SLOW_HZ:
            self._shift = self._model.slow_shift
        self._worth_keeping = self._threshold - explain_below
        self._memory = kernels.new_memory()
        self._room = new_room()
        self._walk = np.zeros((fall_watch.WALK_POINTS, 3))
        self._walk_valid = np.zeros(fall_watch.WALK_POINTS, np.bool_)
        self._seen = np.zeros(fall_watch.OUT)
        self._watch: fall_watch.Watch | None = None
        self._on_skin = True  # until the band says otherwise
        self._judged: deque[tuple[int, float]] = deque(maxlen=keep)
        self._kept: deque[Candidate] = deque(maxlen=KEPT)

    def feed_block(self, t_ms: Int64Array, acc_mg: Int16Array) -> list[FallDecision]:
        """Take consecutive samples; return what they decide, oldest first."""
        code = kernels.scan(t_ms, acc_mg, self._memory, 0)
        if code == 0:
            return []
        said: list[FallDecision] = []
        while code != 0:
            self._due(code % 4, int(self._memory[kernels.LAST_T]), said)
            code = kernels.scan(t_ms, acc_mg, self._memory, code // 4)
        return said

    def evidence_of_life(self, t_ms: int, what: str) -> list[FallDecision]:
        """Withdraw an open suspicion: motion in two rooms, a button, a door."""
        if self._watch is None or t_ms < self._watch.onset_ms:
            return []
        return [self._close(Stage.WITHDRAWN, t_ms, Reason("fall.well", {"what": what}))]

    def on_skin(self, touching: bool) -> None:  # noqa: FBT001 - the band's own word
        """Take the band's word on whether it is worn: off the skin, stillness proves nothing."""
        self._on_skin = touching

    def tick(self, t_ms: int) -> list[FallDecision]:
        """Decide what waits for samples that do not come."""
        said: list[FallDecision] = []
        if self._memory[kernels.COUNT] == 0:
            return said
        while self._waits(t_ms - GRACE_MS):
            self._judge(kernels.take(self._memory), t_ms, said)
        if self._watch is not None and self._watch.over(t_ms - GRACE_MS):
            said.append(self._end(t_ms))
        return said

    def candidates(self) -> list[tuple[int, float]]:
        """Return (decision time, score) of the candidates judged, oldest first."""
        return list(self._judged)

    def explain(self) -> list[Candidate]:
        """Return the last candidates with all that decided them, oldest first."""
        return list(self._kept)

    def _waits(self, t_ms: int) -> bool:
        return bool(kernels.earliest(self._memory) + kernels.DELAY_MS <= t_ms)

    def _due(self, what: int, t_ms: int, said: list[FallDecision]) -> None:
        if what & kernels.CANDIDATE_DUE:
            while self._waits(t_ms):
                self._judge(kernels.take(self._memory), t_ms, said)
        if what & kernels.LOOK_DUE and self._watch is not None:
            self._look(t_ms, said)

    def _judge(self, peak_ms: int, t_ms: int, said: list[FallDecision]) -> None:
        model, room = self._model, self._room
        bare = judge(self._memory, peak_ms, room, model.forest, model.nets)
        score = bare + self._shift
        self._judged.append((t_ms, score))
        if score < self._worth_keeping:
            return
        if bare <= HOPELESS:  # stopped early: perhaps before it was described
            describe(room.grid, room.valid, room.scratch, room.means, room.features)
        likely = probability(model, score)
        self._kept.append(
            Candidate(
                peak_ms, t_ms, score, self._threshold, likely,
                room.grid.copy(), room.valid.copy(), room.features.copy(),
            )
        )  # fmt: skip
        if score <= self._threshold:
            return
        facts = self._facts()
        self._watch = fall_watch.Watch(peak_ms, t_ms, likely, float(facts["impact_g"]))
        self._memory[kernels.NEXT_T] = t_ms + fall_watch.LOOK_MS
        hidden = facts["unseen_share"] >= HIDDEN
        reason = Reason("fall.suspected-unseen" if hidden else "fall.suspected", facts)
        said.append(FallDecision(Stage.SUSPECTED, t_ms, peak_ms, likely, reason, score, facts))

    def _facts(self) -> dict[str, float]:
        """Return what people are told of the candidate in the room."""
        names, features = feature_names(), self._room.features
        turn = features[names.index("turn[-2.5~+2.0]")]
        return {
            "impact_g": round(float(features[names.index("peak")]), 1),
            "lowest_g": round(float(features[names.index("lowest")]), 2),
            "turn_deg": round(degrees(acos(min(1.0, max(-1.0, float(turn)))))),
            "still_share": round(float(features[names.index("still_10")]), 2),
            "unseen_share": round(float(features[names.index("unseen_impact")]), 2),
        }

    def _look(self, t_ms: int, said: list[FallDecision]) -> None:
        watch = self._watch
        if watch is None:
            return
        if t_ms < watch.since_ms:  # the band's time began anew: nothing can be said of the old one
            self._watch = None
            self._memory[kernels.NEXT_T] = kernels.NEVER
            return
        self._memory[kernels.NEXT_T] += fall_watch.LOOK_MS
        if t_ms - self._memory[kernels.NEXT_T] > fall_watch.LOOK_MS:  # a gap: what was, is gone
            self._memory[kernels.NEXT_T] = t_ms + fall_watch.LOOK_MS
        fall_watch.look(self._memory, self._walk, self._walk_valid, self._seen)
        watch.second(self._seen)
        if watch.walked:
            reason = Reason("fall.walking", {"seconds": watch.walking_s + 3})
            said.append(self._close(Stage.WITHDRAWN, t_ms, reason))
        elif (self._on_skin and watch.lies_still(t_ms)) or watch.over(t_ms):
            said.append(self._end(t_ms))

    def _end(self, t_ms: int) -> FallDecision:
        """Confirm: nothing has shown that the wearer is well."""
        watch = self._watch
        still, measured = (watch.still_s, watch.measured_s) if watch else (0, 0)
        impact = watch.impact_g if watch else 0.0
        if measured == 0:
            code = "fall.silent"  # no samples since: the band says nothing
        elif not self._on_skin:
            code = "fall.off-skin"
        else:
            code = "fall.still" if still >= fall_watch.STILL_SECONDS else "fall.not-walked"
        values = {"impact_g": impact, "still_s": still, "measured_s": measured}
        return self._close(Stage.CONFIRMED, t_ms, Reason(code, values))

    def _close(self, stage: Stage, t_ms: int, reason: Reason) -> FallDecision:
        watch = self._watch
        onset, likely = (watch.onset_ms, watch.probability) if watch else (t_ms, 0.0)
        self._watch = None
        self._memory[kernels.NEXT_T] = kernels.NEVER
        return FallDecision(stage, t_ms, onset, likely, reason, evidence=reason.values)


def warm_features() -> None:
    """Compile what describes a window: half of the work, and of the memory that it takes."""
    room = new_room()
    describe(room.grid, room.valid, room.scratch, room.means, room.features)


def warm() -> None:
    """Compile every kernel, before the daemon says that it is ready."""
    t = np.arange(0, 8000, 20, dtype=np.int64)
    acc = np.zeros((len(t), 3), np.int16)
    acc[:, 2] = 1000
    acc[150, 2] = 3000
    detector = FallDetector("warm-up", sample_rate_hz=50.0, range_g=8.0)
    detector.feed_block(t, acc)
    seen = np.zeros(fall_watch.OUT)
    grid = np.zeros((fall_watch.WALK_POINTS, 3))
    fall_watch.look(kernels.new_memory(), grid, np.zeros(len(grid), np.bool_), seen)
