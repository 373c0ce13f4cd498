"""What the centre's tests stand in for: a hub's messages, a shelf, a clock that is set by hand."""

import json
from dataclasses import replace
from typing import Any

from gateway.centre.case import Case
from gateway.clock import SystemClock
from gateway.core.model import At
from gateway.core.wire import UpMessage, parse_up, timestamp

T0 = 1_790_000_000_000
HUB = "mfrggzdfmztwq2lknnwg23tpoa"
DISTRICT = "11200"
EPOCH = "01JEPOCH00000000000000000A"


def alarm(
    seq: int,
    *,
    ident: str = "",
    msg: str = "new",
    state: str = "raised",
    refs: tuple[str, ...] = (),
    due_ms: int | None = None,
    sent_ms: int = T0,
    hub: str = HUB,
    epoch: str = EPOCH,
    **more: Any,
) -> dict[str, Any]:
    """Return an `up/alarm` as a hub sends it."""
    return {
        "v": 1,
        "id": ident or f"A{seq}",
        "hub": hub,
        "epoch": epoch,
        "stream": "alarm",
        "seq": seq,
        "boot": 1,
        "durable": True,
        "attempt": 1,
        "msg": msg,
        "type": "fall",
        "state": state,
        "due": None if due_ms is None else timestamp(due_ms),
        "mdc": 1,
        "loc": 3392,
        "sev": 4,
        "cert": 0.93,
        "t": timestamp(sent_ms - 2000),
        "mono_ms": 1000,
        "clock": "proven",
        "sent_t": timestamp(sent_ms),
        "sensor": "band",
        "evid": {"reason": "fall.impact", "en": "hard impact", "ko": "강한 충격"},
        "refs": list(refs),
    } | more


def counted(stream: str, seq: int, *, ident: str = "", epoch: str = EPOCH) -> dict[str, Any]:
    """Return a message of another stream."""
    return {
        "v": 1,
        "id": ident or f"{stream}-{seq}",
        "hub": HUB,
        "epoch": epoch,
        "stream": stream,
        "seq": seq,
        "boot": 1,
        "durable": True,
        "attempt": 1,
        "items": [],
    }


def birth(session: int = 1, *, at_ms: int = T0, epoch: str = EPOCH, **more: Any) -> dict[str, Any]:
    """Return an `up/state` birth."""
    return {
        "v": 1,
        "hub": HUB,
        "boot": 1,
        "t": timestamp(at_ms),
        "mono_ms": 1000,
        "clock": "proven",
        "online": True,
        "session": session,
        "epoch": epoch,
        "versions": {"gateway": "0.1.0"},
        "last_seq": {},
        "sensors": [{"name": "band"}],
    } | more


def death(session: int = 1) -> dict[str, Any]:
    """Return the will a broker publishes."""
    return {"v": 1, "hub": HUB, "online": False, "boot": 1, "session": session}


def heartbeat(session: int = 1, *, at_ms: int = T0, **high: int) -> dict[str, Any]:
    """Return an `up/hb` with the hub's own high-water of its streams."""
    return birth(session, at_ms=at_ms) | {"high": high, "outbox": 0}


def received(body: dict[str, Any]) -> UpMessage:
    """Return the body as the centre reads it off the wire."""
    return parse_up(topic(body), json.dumps(body).encode())


def topic(body: dict[str, Any]) -> str:
    """Return where a hub publishes this body."""
    leaf = body.get("stream") or ("hb" if "high" in body else "state")
    return f"ansim/1/{DISTRICT}/{body['hub']}/up/{leaf}"


class FakeShelf:
    """What was committed, in a dictionary."""

    def __init__(self) -> None:
        self.ids: dict[tuple[str, str, str, int], str] = {}
        self.cases: dict[str, Case] = {}

    def message_id(self, hub: str, epoch: str, stream: str, seq: int) -> str | None:
        return self.ids.get((hub, epoch, stream, seq))

    def case(self, alert_id: str) -> Case | None:
        return self.cases.get(alert_id)


class HandClock:
    """The centre's time, which goes on only when a test says so."""

    def __init__(self, wall_ms: int = T0) -> None:
        self.wall_ms = wall_ms

    def now(self) -> At:
        return At("boot", max(0, self.wall_ms - T0), self.wall_ms, proven=True)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a test moves this clock itself")


class AheadClock:
    """The machine's own clock, ahead by as much as a test says."""

    def __init__(self) -> None:
        self.ahead_ms = 0
        self._own = SystemClock("boot")

    def now(self) -> At:
        at = self._own.now()
        return replace(at, wall_ms=at.wall_ms + self.ahead_ms)

    async def sleep(self, seconds: float) -> None:
        await self._own.sleep(seconds)
