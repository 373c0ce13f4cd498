"""Whatever clocks, restarts and sensors do: a day is told at most once, in a valid message."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.model import Link, LinkChange
from gateway.core.outputs import Stream
from gateway.core.routine.measures import REMEMBERED
from gateway.core.wire import Topics
from tests.contract import assert_valid
from tests.core.test_wire_schemas import HUB, sealed
from tests.fakes_routine import DAY, HOUR, MINUTE, Living, block, pulse

TOPIC = Topics("1168010100", HUB).up("routine")

steps = st.one_of(
    st.tuples(st.just("live"), st.integers(1, 2000)),
    st.tuples(st.just("hear"), st.sampled_from(["hall", "bath", "nobody's"])),
    st.tuples(st.just("band"), st.integers(30, 200)),
    st.tuples(
        st.just("out"),
        st.sampled_from(["home", "away", "arrived", "ambiguous", "unknown", "said-away"]),
    ),
    st.tuples(st.just("deaf"), st.booleans()),
    st.tuples(st.just("proven"), st.booleans()),
    st.tuples(st.just("jump"), st.sampled_from([-DAY, -9 * HOUR, 0, 9 * HOUR, 40 * DAY])),
    st.tuples(st.just("off"), st.integers(0, 5000)),
    st.tuples(st.just("restart"), st.booleans()),
)


def take(home: Living, what: str, value: int | str | bool) -> None:  # noqa: FBT001 - drawn
    match what, value:
        case "live", int(minutes):
            home.until(home.now_ms + minutes * MINUTE)
        case "hear", str(device):
            home.hear(device)
        case "band", int(bpm):
            home.hear("band", pulse(bpm))
            home.hear("band", block(moving=bpm % 2 == 0))
        case "out", str(presence):
            home.watch.presence = presence
        case "deaf", bool(deaf):
            home.diary.feed(LinkChange(home.at, Link.ADAPTER, up=not deaf))
        case "proven", bool(proven):
            home.proven = proven
        case "jump", int(ahead_ms):
            home.ahead_ms = ahead_ms
        case "off", int(minutes):
            home.restarted(off_ms=minutes * MINUTE, boot=f"boot-{home.now_ms}")
        case _:
            home.restarted()


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, min_size=3, max_size=25))
def test_a_day_is_told_at_most_once_and_memory_stays_bounded(
    drawn: list[tuple[str, int | str | bool]],
) -> None:
    home = Living(now_ms=400 * DAY + 10 * HOUR)
    for what, value in drawn:
        take(home, what, value)
    home.proven, home.ahead_ms = True, 0
    home.until(home.now_ms + 2 * DAY)
    told = [body["day"] for body in home.told]
    assert len(told) == len(set(told))
    assert told, "two days of a hub that knows the time are told in the end"
    assert len(home.diary.days) <= REMEMBERED + 10
    for day in home.diary.days:
        assert all(0 <= minutes <= 60 for minutes in (*day.blind, *day.out))
    for body in home.told:
        assert_valid(TOPIC, sealed(Stream.ROUTINE, body))
