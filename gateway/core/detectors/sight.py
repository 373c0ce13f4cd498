"""What is allowed where not all is seen: a sensor that is gone, and a time that nobody watched.

A learnt silence is one between the signs of all sensors. With some of them gone the same life shows
longer silences: if signs came at random, as much longer as fewer are left (1 / share). But the long
silences that set a deadline are nights, and a night is as long for every sensor: so the root of it,
and half as much again at most. (Chosen before it was scored; the busiest motion sensor of the open
homes, dead, gave no false alarm even without it.)

After a time without hearing nobody knows whether the resident has left meanwhile. In ten minutes
hardly anybody does; after half an hour the allowance is what an absence that began now would have,
under the ceiling for a presence that is not known.
"""

from typing import Final

LEFT_UNSEEN_MS: Final = 30 * 60_000
STRETCH_MOST: Final = 1.5
TOLD: Final = 1.05
"""A smaller stretch is not worth a word."""


def stretch(share: float) -> float:
    """Return by how much a silence may last longer where this share of the usual signs is seen.

    >>> [stretch(share) for share in (1.0, 0.64, 0.1, 0.0)]
    [1.0, 1.25, 1.5, 1.5]
    """
    least = STRETCH_MOST**-2
    return float(max(share, least) ** -0.5)
