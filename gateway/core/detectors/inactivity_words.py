"""What is said of the silence that runs: the deadline, the reason, and what of it was not seen."""

from collections.abc import Iterator
from typing import Any

from gateway.core.detectors.inactivity_levels import LEVELS
from gateway.core.detectors.inactivity_standing import Standing
from gateway.core.detectors.inactivity_survey import HOUR_MS
from gateway.core.detectors.sight import LEFT_UNSEEN_MS, TOLD
from gateway.core.fields import timestamp
from gateway.core.model import Reason
from gateway.core.texts import render


def values(home: Standing) -> dict[str, int | float | str]:
    """Return the numbers of a reason: hours heard of, allowed and left, and the last sensor."""
    run = home.run
    return {
        "hours": home.length_ms / HOUR_MS,
        "allowed": run.limits_ms[max(0, run.level - 1)] / HOUR_MS,
        "left": max(0, home.left_ms) / HOUR_MS,
        "last": run.last or "-",
    }


def notes(home: Standing) -> Iterator[Reason]:
    """Yield what else must be known of the deadline: what of this silence was not seen."""
    run = home.run
    if run.unseen_ms >= LEFT_UNSEEN_MS:
        yield Reason("inactivity.unseen", {"hours": run.unseen_ms / HOUR_MS})
    if run.lost:
        yield Reason("inactivity.lost")
    faint = [one for one, sight in zip(home.sensors, home.sights(), strict=True) if sight < 1.0]
    inside = ", ".join(one.name for one in faint if not one.is_door)
    if inside and (times := home.stretched) >= TOLD:
        yield Reason("inactivity.less-seen", {"sensors": inside, "times": times})
    if doors := ", ".join(one.name for one in faint if one.is_door):
        yield Reason("inactivity.door-unseen", {"sensors": doors})


def outlook(home: Standing) -> dict[str, Any]:
    """Return when it will ask for help if nothing more is heard, and why.

    at: the first level, an RFC 3339 time; None while it is not known. held_until: when the night
    lets it out. presence, probability (of being at home); en, ko: all of it in words.
    """
    (where, at_home), blind = home.presence(), home.seen.blind
    if not home.watched:
        told = [Reason("inactivity.no-sensor")]
    else:
        told = [Reason(_code(home, where, blind=blind), values(home)), *notes(home)]
    due = held = None
    if home.at is not None and home.watched and not blind:
        due = timestamp(home.at.wall_ms + home.left_ms)
        left_ms = max(0, home.left_ms)
        if not home.run.level and (held_ms := home.held_ms(left_ms)):
            held = timestamp(home.at.wall_ms + left_ms + held_ms)
            warned = left_ms + held_ms >= home.run.limits_ms[1] - home.length_ms
            until = "held-to-warning" if warned else "held"
            told.append(Reason(f"inactivity.{until}", {"hours": held_ms / HOUR_MS}))
    words = [render(reason) for reason in told]
    return {
        "at": due,
        "held_until": held,
        "presence": where,
        "probability": round(at_home, 3),
        "en": "; ".join(english for english, _ in words),
        "ko": ". ".join(korean for _, korean in words),
    }


def _code(home: Standing, where: str, *, blind: bool) -> str:
    if blind:
        return "inactivity.blind"
    if home.run.level:
        return f"inactivity.{LEVELS[home.run.level - 1]}.{where}"
    return f"inactivity.outlook.{where}" if home.run.last else "inactivity.nothing-yet"
