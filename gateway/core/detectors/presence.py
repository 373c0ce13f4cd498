"""Where the resident probably is, as far as a front door and what moves inside can tell.

Theory of operation. A door contact says that the door moved, not which way; only what follows
decides. Door events less than a minute apart, with nothing from inside between, are one passage.

    HOME, BED ── passage ──► LEFT ── inside event, 3 to 20 s after the door ──► HOME
                              │ ▲
         passage after 10 min │ │ passage
         of silence           ▼ │
                            ARRIVED ── inside event ──► HOME

A bed or chair that carries somebody carries them also while somebody else goes out: the passage is
not theirs (for 14 h; longer, the sensor is stuck). The door that closes behind whoever has just
come in belongs to their return, also when the hall has seen them in between: open, motion, closed
is one passage inwards. A band that comes back into reach while its wearer is out announces one: the
door within five minutes of it is a return as well.

BED is HOME where something has begun that may last: a bed or chair carries somebody, an activity
was said to begin. LEFT is what the door alone can say; how probable it is that anybody left is
learnt beside it (gateway.core.detectors.leaving), and where they are while nothing is heard
(gateway.core.detectors.belief).

ARRIVED is the hardest hour: somebody opened the door after being away, and nothing inside has
answered. In normal life that lasts minutes, so its silence is allowed to last little; a rule that
knew only "door, so away" would hide a collapse in the hall for a day.

Invariants
1. An event inside ends every absence: somebody is there. It needs no door event (a missed one, a
   window, a second person with the key must not leave the home "away").
2. A leaver's own last step proves nothing: a motion that begins within 3 s of the door, or one that
   ends, or a switch or chair, within 20 s. In an open home of 30 days every true departure was
   followed by such events only, and most of what looked like one was told apart by a motion that
   began later. A band goes out with its wearer and is heard through the wall: three minutes.
3. A visitor or a spouse only ever moves the state towards HOME.
"""

from typing import Final

import numpy as np

from gateway.core.jit import kernel
from gateway.core.model import Int64Array

HOME, BED, LEFT, ARRIVED = range(4)
REGIMES: Final = 4

# The sensor kinds, numbered as the scorer of recorded homes numbers them.
MOTION, DOOR, INNER_DOOR, CONTACT, PRESSURE, FLUSH, FLOAT, EPISODE, BAND = range(9)

# What the machine remembers. PASSED: door events of the present passage; DOOR_STATE: what the last
# of them said; QUIET_MS: the silence before the passage; CAME: the passage is a return; NEAR_MS:
# when a band came back into reach; LAIN_MS: since when a bed or chair has carried somebody.
REGIME, LAST_MS, LAST_DOOR_MS, AFTER_DOOR, PASSED, DOOR_STATE, QUIET_MS, CAME, NEAR_MS, LAIN_MS = (
    range(10)
)

PASSAGE_MS: Final = 60_000
GRACE_MS: Final = 20_000
GRACE_MOTION_MS: Final = 3_000
GRACE_BAND_MS: Final = 180_000
AWAY_AT_LEAST_MS: Final = 600_000
NEAR_DOOR_MS: Final = 300_000
CLOSED: Final = 0
LAIN_AT_MOST_MS: Final = 14 * 3_600_000
_LONG_AGO: Final = -(1 << 50)
RISEN: Final = -(1 << 49)  # and the sensor is one that says so: others would stay pressed for ever


def new_memory() -> Int64Array:
    """Return the machine's state in a home of which nothing is known yet: home."""
    return np.array([HOME, _LONG_AGO, _LONG_AGO, 0, 0, 0, 0, 0, _LONG_AGO, _LONG_AGO], np.int64)


@kernel
def advance(memory: Int64Array, t_ms: int, kind: int, state: int) -> int:
    """Take one event; return the regime of the silence that may follow it."""
    regime = memory[REGIME]
    if kind == DOOR:
        closes = memory[CAME] == 1 and state == CLOSED
        same = t_ms - memory[LAST_DOOR_MS] < PASSAGE_MS and (memory[AFTER_DOOR] == 1 or closes)
        if not same:
            out = regime == LEFT and t_ms - memory[LAST_MS] >= AWAY_AT_LEAST_MS
            back = out or t_ms - memory[NEAR_MS] < NEAR_DOOR_MS
            regime = ARRIVED if back else BED if t_ms - memory[LAIN_MS] < LAIN_AT_MOST_MS else LEFT
            memory[CAME] = 1 if back else 0
            memory[NEAR_MS] = _LONG_AGO
            memory[PASSED] = 0
            memory[QUIET_MS] = t_ms - memory[LAST_MS]
        memory[PASSED] += 1
        memory[DOOR_STATE] = state
        memory[LAST_DOOR_MS] = t_ms
        memory[AFTER_DOOR] = 1
    else:
        grace_ms = GRACE_MS
        if kind == BAND:
            grace_ms = GRACE_BAND_MS
        elif kind == MOTION and state == 1:
            grace_ms = GRACE_MOTION_MS
        if kind == BAND and regime == LEFT and t_ms - memory[LAST_MS] >= AWAY_AT_LEAST_MS:
            memory[NEAR_MS] = t_ms
        if t_ms - memory[LAST_DOOR_MS] > grace_ms:
            regime = BED if kind in (PRESSURE, EPISODE) and state == 1 else HOME
        memory[AFTER_DOOR] = 0
        if kind == PRESSURE and state != 1:
            memory[LAIN_MS] = RISEN
        elif kind == PRESSURE and memory[LAIN_MS] >= RISEN:
            memory[LAIN_MS] = t_ms
    memory[REGIME] = regime
    memory[LAST_MS] = t_ms
    return int(regime)
