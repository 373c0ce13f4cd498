"""The home's local time: what its people read on a clock, and what a routine is made of."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def local_time(wall_ms: int, timezone: str) -> datetime:
    """Return an instant (Unix ms) in a zone."""
    return (EPOCH + timedelta(milliseconds=wall_ms)).astimezone(ZoneInfo(timezone))


def local_clock(timezone: str) -> Callable[[int], int]:
    """Return a function from Unix ms to the zone's local ms, counted as if it were UTC."""

    def local_ms(wall_ms: int) -> int:
        offset = local_time(wall_ms, timezone).utcoffset() or timedelta()
        return wall_ms + round(offset.total_seconds() * 1000)

    return local_ms
