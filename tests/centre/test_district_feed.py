"""A feed hands each message on once and in order, or says that it cannot; without a server."""

import asyncio
from contextlib import suppress
from typing import Any, Self, cast

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeoutError

from gateway.centre.district import feed as feeds
from gateway.centre.district.feed import ROOM, Arrival, Feed, Position
from gateway.centre.district.streams import Lane


class NoServer:
    """A client that has nothing to say."""

    def jetstream(self, *, timeout: float) -> None:
        """Return nothing that could be asked."""


@pytest.fixture
def taken() -> list[Arrival]:
    return []


@pytest.fixture
def feed(taken: list[Arrival]) -> Feed:
    client = cast("Client", NoServer())
    return Feed(client, Lane.ALARM, 3, Position("monday", 6), taken.append, now=lambda: 0.0)


def message(number: int, stream_seq: int, pending: int = 0) -> Msg:
    reply = f"$JS.ACK.ansim-alarm.c.1.{stream_seq}.{number}.1790000000000000000.{pending}"
    client = cast("Client", NoServer())
    return Msg(client, subject="ansim-in.alarm.3.d.h.alarm", reply=reply, data=b"{}")


def told(status: str) -> Msg:
    headers: dict[str, Any] = {"Status": status}
    return Msg(cast("Client", NoServer()), subject="_INBOX.x", headers=headers)


class Leaderless:
    """A stream without a leader: every question is in vain. Notes when it was asked."""

    def __init__(self, answers: int) -> None:
        self.left = answers
        self.all_asked = asyncio.Event()

    def jetstream(self, *, timeout: float) -> Self:
        return self

    async def stream_info(self, _name: str) -> None:
        self.left -= 1
        if not self.left:
            self.all_asked.set()
        raise NatsTimeoutError


async def test_while_a_stream_has_no_leader_it_is_asked_again_without_growing_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[int] = []

    def noted(failures: int, _chance: float) -> float:
        pauses.append(failures)
        return 0.0

    monkeypatch.setattr(feeds, "pause_s", noted)
    stream = Leaderless(answers=20)
    feed = Feed(cast("Client", stream), Lane.ALARM, 3, Position(), lambda _: None, now=lambda: 0.0)
    running = asyncio.create_task(feed.run())
    await stream.all_asked.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert set(pauses) == {0}


async def test_messages_carry_their_position_and_the_brokers_time(
    feed: Feed, taken: list[Arrival]
) -> None:
    current = []
    for one in (message(1, 9, pending=4), message(2, 12)):
        await feed._on_message(one)
        current.append(feed.current)
    assert current == [False, True]
    assert [one.position for one in taken] == [Position("monday", 9), Position("monday", 12)]
    assert taken[0].stored_ms == 1_790_000_000_000


async def test_a_message_that_is_not_the_next_one_ends_the_consumer(
    feed: Feed, taken: list[Arrival]
) -> None:
    await feed._on_message(message(1, 9))
    await feed._on_message(message(3, 11))
    await feed._on_message(message(4, 12))
    assert [one.position.seq for one in taken] == [9]
    assert "2 was the next" in feed._why


async def test_a_feed_that_was_stopped_hands_on_nothing_that_comes_late(
    feed: Feed, taken: list[Arrival]
) -> None:
    """A worker died of it: the partition was another's when the message came."""
    await feed._on_message(message(1, 9))
    feed.stop()
    await feed._on_message(message(2, 10))
    assert len(taken) == 1


@pytest.mark.parametrize(("status", "ends"), [("100", False), ("408", False), ("409", True)])
async def test_what_the_server_says_besides(feed: Feed, status: str, *, ends: bool) -> None:
    await feed._on_message(told(status))
    assert bool(feed._why) is ends


async def test_what_is_not_committed_bounds_what_is_asked_for(
    feed: Feed, taken: list[Arrival]
) -> None:
    for number in range(1, 51):
        await feed._on_message(message(number, number + 10))
    assert feed._undone == 50
    feed.done(20)
    assert ROOM - feed._undone == ROOM - 30
