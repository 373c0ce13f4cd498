"""A home's local time: what is remembered of a zone never outlives its hour."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.localtime import local_clock

ZONES = ("UTC", "Asia/Seoul", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe")


def naive(wall_ms: int, zone: str) -> int:
    shown = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=wall_ms)).astimezone(
        ZoneInfo(zone)
    )
    return wall_ms + round((shown.utcoffset() or timedelta()).total_seconds() * 1000)


@pytest.mark.parametrize("zone", ZONES)
def test_a_clock_that_remembers_says_what_one_that_asks_each_time_says(zone: str) -> None:
    clock = local_clock(zone)
    chance = random.Random(1)
    now_ms = 1_761_000_000_000  # October 2025: summer time ends and begins within these steps
    for _ in range(2000):
        now_ms += chance.choice((1, 60_000, 899_999, 900_000, 40_000_000, -50_000_000))
        assert clock(now_ms) == naive(now_ms, zone)


def test_it_changes_at_the_very_millisecond_in_which_summer_time_ends() -> None:
    clock = local_clock("Europe/Berlin")
    ends_ms = round(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp() * 1000)
    before, after = (clock(ends_ms + ms) - ends_ms - ms for ms in (-1, 0))
    assert (before, after) == (7_200_000, 3_600_000)
