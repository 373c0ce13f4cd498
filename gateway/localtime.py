"""The home's local time: what its people read on a clock, and what a routine is made of."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER_MS = 900_000


def local_time(wall_ms: int, timezone: str) -> datetime:
    """Return an instant (Unix ms) in a zone."""
    return (EPOCH + timedelta(milliseconds=wall_ms)).astimezone(ZoneInfo(timezone))


def local_clock(timezone: str) -> Callable[[int], int]:
    """Return a function from Unix ms to the zone's local ms, counted as if it were UTC.

    It is asked with every packet: a quarter of an hour with one offset at both of its ends is
    remembered (no zone has ever changed twice within one).
    """
    begins_ms, ends_ms, offset_ms = 0, 0, 0

    def local_ms(wall_ms: int) -> int:
        nonlocal begins_ms, ends_ms, offset_ms
        if begins_ms <= wall_ms < ends_ms:
            return wall_ms + offset_ms
        quarter_ms = wall_ms - wall_ms % QUARTER_MS
        here = _offset_ms(wall_ms, timezone)
        if (
            here
            == _offset_ms(quarter_ms, timezone)
            == _offset_ms(quarter_ms + QUARTER_MS, timezone)
        ):
            begins_ms, ends_ms, offset_ms = quarter_ms, quarter_ms + QUARTER_MS, here
        return wall_ms + here

    return local_ms


def _offset_ms(wall_ms: int, timezone: str) -> int:
    offset = local_time(wall_ms, timezone).utcoffset() or timedelta()
    return round(offset.total_seconds() * 1000)
