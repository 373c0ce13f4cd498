"""One light hub: what it says, and what still waits for `stored`. No socket, no clock.

It says what a hub says, in the hub's own words (gateway.core.wire): a birth with a will, a
heartbeat a minute, a summary of five minutes, and an alarm that is repeated after 5, 10, 20, 40 and
then every 60 s until the centre has stored it. What it has of a hub's memory is what it must have.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from gateway.core.alerts import Turn, begin, repeat_after_s
from gateway.core.model import At, Decision, Kind, Reason, Stage
from gateway.core.ulid import Ulids
from gateway.core.wire import (
    Topics,
    alarm_body,
    birth_body,
    encode,
    event_bodies,
    event_item,
    heartbeat_body,
    summary_body,
    summary_item,
    will_body,
)

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
BULK_REPEAT_S = 60.0
ROOMS = ("bedroom", "kitchen", "hall")
EVENTS = 12  # in a batch, at a home's load: 1.5 kB
EPOCH_MS = 1_790_000_000_000
SENSORS = tuple(
    {"name": name, "driver": "bthome", "loc": loc}
    for name, loc in (("bedroom", 3072), ("kitchen", 3456), ("hall", 3840), ("sos", 0), ("band", 0))
)


def pseudonym(seed: int, number: int) -> str:
    """Return a hub's id: 26 letters of base32, as a hub's are."""
    return "".join(
        ALPHABET[_hashed(f"fleet {seed} {number}") >> 5 * place & 31] for place in range(26)
    )


def order(hub: str, brokers: Sequence[tuple[str, int]]) -> list[int]:
    """Return the brokers in this hub's own order (rendezvous hashing)."""
    weights = [hashlib.sha256(f"{hub} {host}:{port}".encode()).digest() for host, port in brokers]
    return sorted(range(len(brokers)), key=weights.__getitem__)


class Waiting:
    """One message that the centre has not stored."""

    __slots__ = ("attempt", "body", "due", "since")

    def __init__(self, body: dict[str, Any], now: float) -> None:
        self.body, self.since, self.due, self.attempt = body, now, now, 0

    def sent(self, now: float) -> bytes:
        """Return the payload to send now, and when it is to be sent again."""
        self.attempt += 1
        alarm = self.body["stream"] == "alarm"
        self.due = now + (repeat_after_s(self.attempt) if alarm else BULK_REPEAT_S)
        return encode({**self.body, "attempt": self.attempt} if alarm else self.body)


class LightHub:
    """A hub's identity, its counters, and what waits."""

    __slots__ = ("alarms", "district", "events", "id", "session", "sums", "waiting")

    def __init__(self, seed: int, number: int, district: str) -> None:
        self.id = pseudonym(seed, number)
        self.district = district
        self.session = self.alarms = self.sums = self.events = 0
        self.waiting: dict[str, Waiting] | None = None

    @property
    def epoch(self) -> str:
        """Return the one epoch of its life: worked out, for it need not be kept."""
        return Ulids(lambda bits: _hashed(self.id) >> (256 - bits)).new(EPOCH_MS)

    @property
    def topics(self) -> Topics:
        """Return its topics."""
        return Topics(self.district, self.id)

    def will(self) -> bytes:
        """Return the will of its present session."""
        return encode(will_body(self.id, 1, self.session))

    def birth(self, at: At) -> bytes:
        """Return the birth of its present session."""
        body = birth_body(
            at,
            hub=self.id,
            boot=1,
            epoch=self.epoch,
            versions={"gateway": "0.1.0", "python": "3.11.7"},
            last_seq=self._high(),
            sensors=SENSORS,
            uptime_s=at.mono_ms // 1000,
        )
        return encode({**body, "session": self.session})

    def heartbeat(self, at: At) -> bytes:
        """Return a heartbeat."""
        body = heartbeat_body(
            at,
            hub=self.id,
            boot=1,
            epoch=self.epoch,
            high=self._high(),
            uptime_s=at.mono_ms // 1000,
            rss_kib=185_000,
            outbox=len(self.waiting or ()),
        )
        return encode({**body, "session": self.session})

    def press(self, at: At, now: float, ident: str) -> Waiting:
        """Press its SOS button: an alarm that waits from `now` on."""
        self.alarms += 1
        reason = Reason("sos.press", {"device": "sos"})
        decision = Decision(Kind.PERS, Stage.CONFIRMED, at, "sos", reason)
        alert, msg = begin(ident, decision, Turn.CONFIRM, 0)
        evid = {
            "reason": "sos.press",
            "en": "SOS button pressed",
            "ko": "응급호출 버튼을 눌렀습니다",
        }
        return self._waits(
            "alarm", self.alarms, ident, alarm_body(alert, msg, at, loc=0, evid=evid), now
        )

    def summary(self, at: At, now: float, ident: str) -> Waiting:
        """Sum up five minutes."""
        self.sums += 1
        items = [
            summary_item("band", "heart_rate", (61, 66, 74)),
            summary_item("band", "moving", (1, 0)),
        ]
        return self._waits("sum", self.sums, ident, summary_body(at, 300, items), now)

    def batch(self, at: At, now: float, ident: str) -> Waiting:
        """Tell a batch of what the rooms' sensors saw."""
        self.events += 1
        items = [
            event_item(
                at.plus(-4000 * turn), ROOMS[turn % 3], "motion", {"detected": turn % 2 == 0}
            )
            for turn in range(EVENTS, 0, -1)
        ]
        (body,) = event_bodies(items)
        return self._waits("event", self.events, ident, body, now)

    def due(self, now: float) -> Iterator[Waiting]:
        """Give what is to be sent now."""
        return (one for one in list((self.waiting or {}).values()) if one.due <= now)

    def next_due(self) -> float | None:
        """Return when something is to be sent again."""
        return min((one.due for one in (self.waiting or {}).values()), default=None)

    @property
    def urgent(self) -> bool:
        """Return whether an alarm waits."""
        return any(one.body["stream"] == "alarm" for one in (self.waiting or {}).values())

    def again(self, now: float) -> None:
        """Everything is due: a new connection."""
        for one in (self.waiting or {}).values():
            one.due = now

    def heard(self, payload: bytes) -> list[Waiting]:
        """Take a `dn/ack`; return what it finishes."""
        ack = json.loads(payload)
        if self.waiting is None or ack["status"] != "stored" or ack["epoch"] != self.epoch:
            return []
        upto = ack.get("upto", 0)
        done = [ident for ident in ack.get("ids", ()) if ident in self.waiting]
        done += [
            ident
            for ident, one in self.waiting.items()
            if one.body["stream"] == ack["stream"] and one.body["seq"] <= upto
        ]
        finished = [self.waiting.pop(ident) for ident in done]
        self.waiting = self.waiting or None
        return finished

    def _waits(
        self, stream: str, seq: int, ident: str, body: dict[str, Any], now: float
    ) -> Waiting:
        head = {"v": 1, "id": ident, "hub": self.id, "epoch": self.epoch, "stream": stream}
        one = Waiting({**head, "seq": seq, "boot": 1, "durable": True, **body}, now)
        self.waiting = {**(self.waiting or {}), ident: one}
        return one

    def _high(self) -> dict[str, int]:
        return {"alarm": self.alarms, "sum": self.sums, "event": self.events}


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest())
