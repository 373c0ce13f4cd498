"""A day's summary as the message that carries it: `up/routine`, below 2 KiB like every other."""

from collections.abc import Sequence
from typing import Any

from gateway.core.bodies import ENVELOPE, MAX_PAYLOAD
from gateway.core.fields import encode, instant_fields
from gateway.core.model import At
from gateway.core.routine import words
from gateway.core.routine.day import Day
from gateway.core.routine.measures import Compared, Senses, compare
from gateway.core.routine.nights import many_nights


def summary_body(
    day: Day, before: Sequence[Day], senses: Senses, at: At, *, missed: int = 0
) -> dict[str, Any]:
    """Return the `up/routine` body of a day; `missed`: days before it of which nothing is known."""
    compared = compare(day, before, senses)
    nights = many_nights(day, before, senses)
    body = {
        **instant_fields(at),
        "day": day.date.isoformat(),
        "blind_min": sum(day.blind),
        "deaf_min": day.deaf,
        "missed_days": missed,
        "unheard": [{"device": name, "min": minutes} for name, minutes in words.worst(day)],
        "items": [_item(one) for one in compared],
        "many_visits": {"nights": nights.many, "of": nights.seen},
        "alarms": len(day.alarms),
    }
    for most in range(len(compared), -1, -1):
        said = words.lines(day, compared, nights, missed, most)
        english, korean = words.sentence(day, said)
        whole = {**body, "en": english, "ko": korean}
        if len(encode(whole)) + ENVELOPE <= MAX_PAYLOAD:
            return whole
    return {**body, "en": "", "ko": ""}


def summary_line(
    day: Day, before: Sequence[Day], senses: Senses, missed: int = 0
) -> tuple[str, str]:
    """Return a day's summary in English and Korean, with all that changed."""
    return words.sentence(day, summary_lines(day, before, senses, missed))


def summary_lines(
    day: Day, before: Sequence[Day], senses: Senses, missed: int = 0
) -> list[words.Pair]:
    """Return all that is to be said of a day, in English and Korean."""
    compared, nights = compare(day, before, senses), many_nights(day, before, senses)
    return words.lines(day, compared, nights, missed, len(compared))


def _item(one: Compared) -> dict[str, Any]:
    item: dict[str, Any] = {
        "what": one.what.value,
        "unit": one.unit.value,
        "value": one.value,
        "change": one.change.value,
        "days": one.days,
    }
    if one.usual is not None:
        item |= {
            "median": round(one.usual.median, 1),
            "low": round(one.usual.low, 1),
            "high": round(one.usual.high, 1),
        }
    return item
