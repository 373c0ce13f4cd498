"""Has somebody left, or only opened the door? A probability, learnt from how this home leaves.

Theory of operation. After a passage of the front door the presence machine says LEFT, because
nothing else is known yet. Most such moments end at once: somebody inside moves on. What the door
and the home showed just before tells the two apart, and each home shows it in its own way: whether
the contact says open or closed when all have gone, how often it moved, from which room, at what
hour, after how long a silence. So the five signs are counted by what came of them, left or stayed,
and weighed as if independent (naive Bayes, damped because they are not):

    odds of having left = (left + 1) / (stayed + 1) x product of each sign's likelihood ratio ^ 0.6

A door that moves again at once decides nothing and teaches nothing. As the silence goes on, "left"
gains: whoever stayed would have been heard (`gone`).

Invariants
1. With nothing learnt the odds are even: the signs only speak once they were seen.
2. Who is unsure is told so: the deadline takes the shorter allowance only where leaving is
   improbable (gateway.core.detectors.inactivity_kernels).
"""

from typing import Final

import numpy as np

from gateway.core.detectors.inactivity_survey import HOUR_MS, Float64Array
from gateway.core.detectors.presence import (
    AFTER_DOOR,
    DOOR_STATE,
    PASSED,
    QUIET_MS,
)
from gateway.core.jit import kernel
from gateway.core.model import Int64Array

SIGNS: Final = 5
DOOR_SAYS, PASSED_TIMES, ROOM, HOUR_OF_DAY, QUIET = range(SIGNS)
STAYED, WENT = range(2)
DAMPED: Final = 0.6
STEP_H: Final = 3
NO_HOUR: Final = 24 // STEP_H
VALUES_AT_LEAST: Final = NO_HOUR + 1
# The silence before the door, in ms: up to each of these.
QUIETS: Final = (3_000, 10_000, 30_000, 120_000, 600_000, 3_600_000)


def new_counts(sensors: int) -> Float64Array:
    """Return what is known of a home's departures: nothing."""
    return np.zeros((SIGNS + 1, max(VALUES_AT_LEAST, sensors + 1), 2))


@kernel
def signs(memory: Int64Array, tod_ms: int, inside: int, told: Int64Array) -> None:
    """Write down what the door and the home show at this moment."""
    told[DOOR_SAYS] = memory[DOOR_STATE] + 2 * (1 - memory[AFTER_DOOR])
    told[PASSED_TIMES] = min(memory[PASSED], 6)
    told[ROOM] = inside + 1
    told[HOUR_OF_DAY] = NO_HOUR if tod_ms < 0 else tod_ms // (STEP_H * HOUR_MS)
    quiet = 0
    for least in QUIETS:
        if memory[QUIET_MS] > least:
            quiet += 1
    told[QUIET] = quiet


@kernel
def learn(told: Int64Array, went: int, counts: Float64Array) -> None:
    """Take what came of a moment: somebody had left, or had stayed."""
    for i in range(SIGNS):
        counts[i, told[i], went] += 1.0
    counts[SIGNS, 0, went] += 1.0


@kernel
def forget(counts: Float64Array, kept: float) -> None:
    """Let what was counted weigh less."""
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            counts[i, j, 0] *= kept
            counts[i, j, 1] *= kept


@kernel
def left(told: Int64Array, counts: Float64Array) -> float:
    """Return the probability that somebody has left."""
    stayed, went = counts[SIGNS, 0, STAYED], counts[SIGNS, 0, WENT]
    log_odds = np.log((went + 1.0) / (stayed + 1.0))
    for i in range(SIGNS):
        if_went = (counts[i, told[i], WENT] + 1.0) / (went + 2.0)
        if_stayed = (counts[i, told[i], STAYED] + 1.0) / (stayed + 2.0)
        log_odds += DAMPED * np.log(if_went / if_stayed)
    probability: float = 1.0 / (1.0 + np.exp(-log_odds))
    return probability
