"""Where the resident is said to be: the words for a belief, and the ceiling that goes with them.

home          awake at home, most probably        8 h at most until attention (the settings')
asleep        ... or asleep, as at this hour      12 h at most: the settings' second level
away          left, most probably                 the settings' own ceiling for absences
ambiguous     the door moved; left or still in    as away, or as at home where leaving is improbable
                                                  (the allowance already says so)
arrived       the door moved after an absence     8 h at most
unknown       no door is watched, or nobody       8 h at most
              could hear for half an hour
out-of-reach  a band is all that watches,         the settings' own ceiling for absences
              and it is not heard
"""

from typing import Final

from gateway.core.detectors.inactivity import Routine
from gateway.core.detectors.inactivity_levels import Levels
from gateway.core.detectors.presence import ARRIVED, LEFT

EVEN: Final = 0.5
SAID_AWAY: Final = ("said-away", 0.02)
OUT_OF_REACH: Final = ("out-of-reach", 0.3)
UNKNOWN: Final = ("unknown", 0.5)


def presence(routine: Routine, now_ms: int, length_ms: int, levels: Levels) -> tuple[str, float]:
    """Return where the resident probably is after a silence, and how probably at home."""
    belief = routine.belief(now_ms, length_ms)
    if routine.regime == ARRIVED:
        # The longer nobody answers, the likelier they went again; but that is what the case looks
        # like in which somebody lies in the hall, so the alarm never says that it is improbable.
        return "arrived", max(EVEN, belief.at_home)
    if routine.regime == LEFT:
        return "away" if belief.away >= EVEN else "ambiguous", belief.at_home
    if levels.attention_ms <= length_ms < ceiling_ms(routine, now_ms, levels):
        return "asleep", belief.at_home
    if belief.away >= EVEN:
        return "unknown", belief.at_home
    return "asleep" if belief.asleep > belief.home else "home", belief.at_home


def ceiling_ms(routine: Routine | None, now_ms: int, levels: Levels) -> int:
    """Return how long a silence may last at most; None: presence is not known."""
    if routine is None:
        return levels.attention_ms
    if routine.regime == LEFT:
        return levels.away_ms
    # What best explains a silence that has come so far? Only sleep is left longer alone; whoever
    # slept then is held to sleep until the second level: a long night is rare, and no emergency.
    then = routine.belief(now_ms, levels.attention_ms)
    asleep = then.asleep > max(then.home, then.away)
    return levels.warning_ms if asleep else levels.attention_ms
