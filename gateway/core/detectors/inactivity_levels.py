"""The levels of the services, and the night that holds back what can wait.

The levels of the settings are ceilings while the resident is home or nobody knows; the learnt
allowance undercuts the first, and the others shrink with it. Asleep has the second level as its
ceiling, away its own (gateway.core.detectors.whereabouts); the others follow by the same hours. The
night moves no deadline: it only holds the delivery of attention until the morning, and not where
the last sign came from the bathroom or from somebody who had just come home.
"""

from dataclasses import dataclass
from typing import Final

from gateway.core.detectors.inactivity_survey import HOUR_MS

DAY_MS: Final = 86_400_000
LEVELS: Final = ("attention", "warning", "emergency")
AGAIN_MS: Final = DAY_MS
"""An emergency that goes on is told again each day."""
WET_ROOMS: Final = frozenset({"toilet", "shower", "toiletseat"})  # places as the settings name them


@dataclass(frozen=True, slots=True)
class Levels:
    """The settings' hours and the night, in ms. `quiet_*`: local time of day."""

    attention_ms: int = 8 * HOUR_MS
    warning_ms: int = 12 * HOUR_MS
    emergency_ms: int = 24 * HOUR_MS
    away_ms: int = 48 * HOUR_MS
    quiet_from_ms: int = 22 * HOUR_MS
    quiet_to_ms: int = 6 * HOUR_MS

    def limits_ms(self, allowed_ms: int, *, home: bool = True) -> tuple[int, int, int]:
        """Return each level's silence, from what is allowed until the first.

        Below the settings' first level the others shrink with it; above it they keep their hours
        after it, and whoever may be at home is never left longer than until emergency.
        """
        if allowed_ms <= self.attention_ms:
            ratio = allowed_ms / self.attention_ms
            return (allowed_ms, round(self.warning_ms * ratio), round(self.emergency_ms * ratio))
        more_ms = allowed_ms - self.attention_ms
        warning_ms, emergency_ms = self.warning_ms + more_ms, self.emergency_ms + more_ms
        if home:
            emergency_ms = max(warning_ms, min(emergency_ms, self.emergency_ms))
        return (allowed_ms, warning_ms, emergency_ms)

    def reached(self, silence_ms: int, limits_ms: tuple[int, int, int]) -> int:
        """Return the level a silence has reached: 1 to 3, and one more for each day it goes on."""
        level = sum(silence_ms >= limit for limit in limits_ms)
        if level == len(LEVELS):
            level += (silence_ms - limits_ms[-1]) // AGAIN_MS
        return level

    def after_return_ms(self, return_ms: int) -> tuple[int, int, int]:
        """Return each level's silence where a return was announced for so much later."""
        return (
            return_ms + self.attention_ms,
            return_ms + self.warning_ms,
            return_ms + self.emergency_ms,
        )

    def held_ms(self, tod_ms: int) -> int:
        """Return how long the night still holds back what can wait; 0: it does not."""
        night_ms = (self.quiet_to_ms - self.quiet_from_ms) % DAY_MS
        into_ms = (tod_ms - self.quiet_from_ms) % DAY_MS
        return night_ms - into_ms if into_ms < night_ms else 0


def level_name(level: int) -> str:
    """Return a level's name; above the last there is only the last.

    >>> level_name(1), level_name(5)
    ('attention', 'emergency')
    """
    return LEVELS[min(level, len(LEVELS)) - 1]


def clock_ms(text: str) -> int:
    """Return the time of day of "HH:MM".

    >>> clock_ms("22:00") == 22 * HOUR_MS
    True
    """
    hours, minutes = text.split(":")
    return int(hours) * HOUR_MS + int(minutes) * 60_000
