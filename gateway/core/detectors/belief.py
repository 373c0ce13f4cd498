"""Where the resident probably is while nothing is heard: home, asleep or away, as probabilities.

Theory of operation. A silence has four explanations, and its own length weighs them:

    out      the door was used (with the probability that it was to leave: gateway.core.detectors.
             leaving), or was not seen to be, about this time of day; as many absences as last
             longer still
    asleep   home silences of more than 3 h about this time of day that last longer still
    at home  the other home silences about now that last longer still, of all events about now
    in need  one silence in ten thousand begins so, and it does not end by itself

Each weight is "how often" times "how often that lasts longer than this has"; together they are one.
A minute after the door closed everything is open; after two hours only leaving, sleeping or need
explain the silence. Somebody in need is at home: that weight counts for home.
"""

from typing import Final

import numpy as np

from gateway.core.detectors.inactivity_survey import (
    COUNTED_MS,
    HOUR_MS,
    KIND,
    LENGTH,
    NIGHT_H,
    SHORTEST_MS,
    START,
    TOD,
    Float64Array,
    hours_after,
)
from gateway.core.detectors.presence import ARRIVED, BED, LEFT
from gateway.core.jit import kernel
from gateway.core.model import Int64Array

HOME_AWAKE, ASLEEP, AWAY = range(3)
IN_NEED: Final = 1e-4
UNSEEN: Final = 0.002  # an absence of which no door told, among what follows any event at home
UNSEEN_KNOWN: Final = 0.02  # the same where it has happened
NEXT_SIGN_H: Final = 5.0 / 60.0  # who is up and about is heard again within minutes
SOME_ABOUT: Final = 0.1  # absences that begin about now, where none was seen
PASSED_BY: Final = 0.3  # the door moved during an absence, and nobody stayed
ABOUT_H: Final = 2.0
ABOUT_SHARE: Final = 2.0 * ABOUT_H / 24.0


@kernel
def believe(
    now_ms: int,
    tod_ms: int,
    length_ms: int,
    regime: int,
    gone: float,
    missed: int,
    at_home: float,
    ring: Int64Array,
) -> Float64Array:
    """Return the probabilities of awake at home, asleep and away.

    tod_ms: when the silence began, or negative; at_home: events heard at home in four weeks.
    """
    shortest_h, length_h = SHORTEST_MS / HOUR_MS, length_ms / HOUR_MS
    least_h = max(length_h, shortest_h)
    unseen = regime <= BED
    absences, absent, nights, silences = 1.0, SOME_ABOUT if unseen else 1.0, 0.0, 0.5
    for i in range(ring.shape[0]):
        if ring[i, LENGTH] <= 0:
            break
        if now_ms - ring[i, START] > COUNTED_MS:
            continue
        h, kind = ring[i, LENGTH] / HOUR_MS, ring[i, KIND]
        about = tod_ms < 0 or abs(hours_after(tod_ms, ring[i, TOD])) <= ABOUT_H
        if kind == LEFT:
            absences += 1.0
            absent += 1.0 if h > least_h and (about or not unseen) else 0.0
        elif kind <= BED and about:
            nights += 1.0 if h > max(NIGHT_H, least_h) else 0.0
            silences += 1.0 if h > least_h else 0.0
    events = max(at_home * (1.0 if tod_ms < 0 else ABOUT_SHARE), silences) + 1.0
    out, asleep = absent / absences, nights / events
    awake = (silences - nights) / events
    if length_h < shortest_h:  # below the shortest silence kept: towards "anything may follow"
        awake += (1.0 - awake) * np.exp(-length_h / NEXT_SIGN_H)
    if regime == LEFT:
        left = gone
    elif regime == ARRIVED:
        left, asleep = PASSED_BY, 0.0
    else:
        left = UNSEEN_KNOWN if missed else UNSEEN
    away = left * out
    home = (1.0 - left) * awake + IN_NEED
    sleeping = (1.0 - left) * asleep
    if regime == BED:
        home, sleeping = IN_NEED, home + sleeping
    total = away + home + sleeping
    return np.array([home / total, sleeping / total, away / total])
