"""What breaks in a run, and when: a theme each, drawn from the seed's chance. Pure."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tests.faults.points import INSIDE

HOUR_S = 3600.0
YEAR_MS = 365 * 24 * 3_600_000
CERTIFICATE_S = 12.0

WIRE = (
    "publish-lost",  # the hub dies with its alarm on the way to the broker
    "puback-lost",  # the broker has the alarm, the hub dies without the PUBACK
    "puback",  # the hub dies with the PUBACK in its socket
    "stored-lost",  # the centre has it, the hub dies without hearing so
    "stored-come",  # the hub dies with `stored` in its socket
    "centre-alarm",  # the centre dies with the alarm in its socket
    "centre-word-lost",  # the centre has committed and dies before its `stored` is out
    "centre-word-out",  # the centre dies when its `stored` is out
    "centre-puback-lost",  # the centre dies before the broker knows that it has the alarm
)
"""Crash points seen from outside, by the packets that pass."""


@dataclass(frozen=True, slots=True)
class Step:
    """At `at_s` of the run, do `what` (a method of tests.faults.breaking.Breaking)."""

    at_s: float
    what: str
    about: Mapping[str, float | int | str | bool] = field(default_factory=dict)


Steps = Iterator[Step]


# ------------------------------------------------------------------------------------- the themes
def _calm(_chance: random.Random) -> Steps:
    yield from ()


def _kills(chance: random.Random) -> Steps:
    for _ in range(chance.randint(4, 7)):
        power = chance.random() < 0.3
        down_s = chance.choice((0.0, 0.0, 0.2, 1.0))
        yield Step(chance.uniform(0.2, 4.5), "kill_hub", {"power": power, "down_s": down_s})


def _points(chance: random.Random) -> Steps:
    for number, point in enumerate(chance.sample(INSIDE, 5)):
        about: dict[str, str | int] = {"point": point, "nth": chance.randint(1, 2)}
        yield Step(0.1 + number * 0.9 + chance.uniform(0, 0.3), "arm", about)


def _wire(chance: random.Random) -> Steps:
    for number, point in enumerate(chance.sample(WIRE, 5)):
        about: dict[str, str | float] = {
            "point": point,
            "after_s": chance.choice((0.0, 0.002, 0.01)),
        }
        yield Step(0.1 + number * 0.9 + chance.uniform(0, 0.3), "arm_wire", about)


def _centre(chance: random.Random) -> Steps:
    for _ in range(chance.randint(3, 5)):
        down_s = chance.choice((0.0, 0.1, 1.0, 2.0))
        yield Step(chance.uniform(0.2, 4.5), "kill_centre", {"down_s": down_s})


def _broker(chance: random.Random) -> Steps:
    for number in range(3):
        down_s = chance.choice((0.0, 0.1, 0.5, 1.0))
        at_s = 0.2 + number * 1.5 + chance.uniform(0, 1.0)
        yield Step(at_s, "kill_broker", {"down_s": down_s})


def _everything(chance: random.Random) -> Steps:
    for each in (_kills, _points, _wire, _centre, _broker):
        steps = list(each(chance))
        yield from chance.sample(steps, min(2, len(steps)))


def _network(chance: random.Random) -> Steps:
    for number in range(3):
        at_s = 0.2 + number * 1.6
        side = chance.choice(("hub", "hub", "centre", "both"))
        weather = chance.choice(
            (
                {"loss": 0.3},
                {"half_open": True},
                {"gone": True},
                {"latency_s": 0.3, "loss": 0.3},
                {"bytes_per_s": 8000.0},
            )
        )
        yield Step(at_s, "weather", {"side": side, **weather})
        yield Step(at_s + chance.uniform(0.5, 1.5), "weather", {"side": side})
        if chance.random() < 0.3:
            yield Step(at_s + chance.uniform(0, 1.5), "kill_hub", {"power": False, "down_s": 0.0})


def _slow(chance: random.Random) -> Steps:
    weather = chance.choice(
        (
            {"latency_s": 2.0},
            {"bytes_per_s": 1000.0},
            {"loss": 0.3},
            {"latency_s": 1.0, "loss": 0.3},
        )
    )
    yield Step(0.1, "weather", {"side": "hub", **weather})
    yield Step(8.0, "weather", {"side": "hub"})


def _outage(chance: random.Random) -> Steps:
    days = chance.choice((0.25, 1.0, 3.0))
    who = chance.choice(("net", "broker", "centre"))
    yield Step(1.0, "outage", {"who": who, "seconds": days * 24 * HOUR_S, "step_s": 600.0})


def _disk(chance: random.Random) -> Steps:
    yield Step(chance.uniform(0.2, 1.5), "fill_disk", {})
    yield Step(chance.uniform(2.5, 4.0), "free_disk", {})


def _read_only(chance: random.Random) -> Steps:
    yield Step(chance.uniform(0.2, 1.0), "read_only", {"on": True})
    yield Step(chance.uniform(2.5, 4.0), "read_only", {"on": False})


def _corrupt(chance: random.Random) -> Steps:
    for number in range(2):
        pages = chance.randint(1, 3)
        yield Step(0.8 + number * 2.0 + chance.uniform(0, 1), "corrupt", {"pages": pages})


def _new_card(chance: random.Random) -> Steps:
    yield Step(chance.uniform(0.5, 2.0), "delete_store", {"dead": True})
    yield Step(chance.uniform(2.5, 4.0), "delete_store", {"dead": chance.random() < 0.5})


def _clock(chance: random.Random) -> Steps:
    turns = [
        {"wall_off_ms": -55 * YEAR_MS, "proven": False, "power": True},
        {"wall_off_ms": 9 * 3_600_000, "proven": True, "power": False},
        {"wall_off_ms": -3_600_000, "proven": True, "power": False},
        {"wall_off_ms": -YEAR_MS, "proven": False, "power": True},
    ]
    for number, turn in enumerate(chance.sample(turns, 2)):
        at_s = 0.3 + number * 2.2 + chance.uniform(0, 0.4)
        yield Step(at_s, "turn_clock", turn)
        yield Step(at_s + chance.uniform(0.6, 1.5), "right_clock", {})


def _window(chance: random.Random) -> Steps:
    yield Step(0.1, "fall_and_die", {"after_s": chance.uniform(0.0, 2.0)})


def _unseen(chance: random.Random) -> Steps:
    if chance.random() < 0.5:
        yield Step(chance.uniform(1.0, 4.0), "kill_hub", {"power": False, "down_s": 0.0})
    yield Step(6.0, "time_passes", {"seconds": 75.0, "step_s": 1.0})


def _early_certificate(chance: random.Random) -> Steps:
    yield Step(0.0, "turn_clock", {"wall_off_ms": -YEAR_MS, "proven": False, "power": True})
    yield Step(CERTIFICATE_S + chance.uniform(0.2, 1.0), "right_clock", {})
    yield Step(CERTIFICATE_S + 8.0, "right_clock", {})  # the hub asks every 5 s


def _meddler(chance: random.Random) -> Steps:
    for _ in range(12):
        what = chance.choice(("repeat_acks", "foreign_acks", "nonsense", "commands"))
        yield Step(
            chance.uniform(0.2, 4.5), "meddle", {"how": what, "seed": chance.randrange(10**6)}
        )
    if chance.random() < 0.6:
        yield Step(chance.uniform(0.5, 2.5), "rival", {"times": chance.randint(1, 4)})
    if chance.random() < 0.5:
        yield Step(chance.uniform(0.5, 4.0), "kill_hub", {"power": False, "down_s": 0.0})


def _twin(chance: random.Random) -> Steps:
    yield Step(chance.uniform(0.0, 1.0), "twin", {})
    for _ in range(chance.randint(0, 2)):
        what = chance.choice(("kill_twin", "kill_hub"))
        about = {} if what == "kill_twin" else {"power": False, "down_s": 0.0}
        yield Step(chance.uniform(1.5, 4.5), what, about)


def _line(chance: random.Random) -> Steps:
    lines: tuple[dict[str, float], ...] = (
        {"loss": 0.3},
        {"latency_s": 2.0},
        {"bytes_per_s": 1000.0},
        {"loss": 0.3, "latency_s": 0.5},
    )
    yield Step(chance.uniform(0.1, 2.0), "line", chance.choice(lines))
    yield Step(12.0, "line", {})


def _names(chance: random.Random) -> Steps:
    """Let the line die in ways that the hub is not told of, and the resolver with it."""
    for number in range(2):
        at_s = 0.3 + number * 3.0 + chance.uniform(0.0, 0.5)
        how: dict[str, str | bool] = dict(
            chance.choice(({"forget": True}, {"forget": True}, {"cut": True}))
        )
        how["names"] = chance.choice(("silent", "fail", "nowhere", "answer"))
        yield Step(at_s, "line", how)
        yield Step(at_s + chance.uniform(1.0, 2.0), "line", {})


@dataclass(frozen=True, slots=True)
class Theme:
    """How a theme's steps are drawn, and what it asks of its runs (see Plan)."""

    steps: Callable[[random.Random], Steps]
    hold: bool = False
    pace: float = 0.1
    present: bool = True
    fall: bool = False
    tls: bool = False
    disk_mb: int = 0
    wired: bool = False
    twin: bool = False


THEMES: Mapping[str, Theme] = MappingProxyType(
    {
        "calm": Theme(_calm, pace=1.0),
        "kills": Theme(_kills),
        "points": Theme(_points),
        "wire": Theme(_wire),
        "centre": Theme(_centre),
        "broker": Theme(_broker),
        "everything": Theme(_everything),
        "network": Theme(_network),
        "slow": Theme(_slow, pace=1.0),
        "outage": Theme(_outage),
        "disk": Theme(_disk, hold=True, disk_mb=8),
        "read-only": Theme(_read_only, hold=True, disk_mb=8),
        "corrupt": Theme(_corrupt, hold=True),
        "new-card": Theme(_new_card, hold=True),
        "clock": Theme(_clock),
        "meddler": Theme(_meddler),
        "window": Theme(_window, fall=True),
        "unseen": Theme(_unseen, present=False),
        "tls": Theme(_early_certificate, tls=True),
        "twin": Theme(_twin, twin=True),
        "line": Theme(_line, pace=1.0, wired=True),
        "names": Theme(_names, wired=True),
    }
)
ORDER = (
    "kills", "points", "wire", "centre", "broker", "everything", "network", "calm", "disk",
    "corrupt", "kills", "points", "wire", "everything", "clock", "new-card", "meddler", "outage",
    "read-only", "slow", "unseen", "tls", "window", "twin", "line", "names",
)  # fmt: skip
