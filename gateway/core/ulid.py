"""ULIDs: 48 bits of Unix milliseconds, 80 random ones, 26 characters of Crockford's base32.

Source: github.com/ulid/spec. Sorted by name they are sorted by time, also within one millisecond:
a second id of the same (or an earlier) millisecond is the last one plus one.
"""

from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80


class Ulids:
    """A source of ids. `random_bits(n)` gives n random bits: the system's, or a seeded one's."""

    def __init__(self, random_bits: Callable[[int], int]) -> None:
        self._random_bits = random_bits
        self._last = -1

    def new(self, wall_ms: int) -> str:
        """Return an id of this Unix time, greater than every one given before."""
        made = (max(wall_ms, 0) << _RANDOM_BITS) | self._random_bits(_RANDOM_BITS)
        self._last = made if made > self._last else self._last + 1
        return "".join(ALPHABET[(self._last >> shift) & 31] for shift in range(125, -1, -5))
