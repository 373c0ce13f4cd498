"""One hub as the centre knows it: there or gone, and when last heard.

A birth and a death (the broker's will) carry a session number. A death may come after the birth
that replaced it: the broker notices a broken connection up to 90 s late. So a death counts only
when its session is not older than the current birth's.

    birth(5) ─► online          death(5) ─► offline
    birth(6), then death(5)     still online: the old connection's will came late
    live heartbeat              online, whatever was said before (a database replaced: sessions
                                start again at 1, and the old, higher will may still come)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.centre.case import CLOCKS_AGREE_MS
from gateway.core.wire import UpMessage, parse_timestamp
from gateway.errors import CentreError

SILENT_AFTER_MS = 150_000
"""Two heartbeats and a half; the operator must know within 180 s (promise in the contract)."""

TESTED_EVERY_MS = 26 * 3_600_000
"""A test alarm goes the whole way every 24 hours; two more for a hub that was restarted."""

FLAP_MS = 30_000
"""A shorter absence is no event."""


@dataclass(frozen=True, slots=True)
class Household:
    """One hub. Times are the centre's own Unix milliseconds, 0 where never.

    heard_ms: last message that was no retained memory of the broker's. changed_ms: came or went.
    gone: the operator has been told, of an absence since gone_ms. uptime_s: for how long the hub
    had run when it last said so. offset_ms: arrival minus the hub's own time, of the newest
    message sent and received live; None before the first of this session.
    test_ms: its last test alarm, known_ms: its first word; untested: the operator has been told.
    """

    hub: str
    district: str
    online: bool = False
    boot: int = 0
    session: int = 0
    epoch: str = ""
    changed_ms: int = 0
    heard_ms: int = 0
    gone: bool = False
    gone_ms: int = 0
    uptime_s: int = 0
    proven: bool = False
    offset_ms: int | None = None
    test_ms: int = 0
    known_ms: int = 0
    untested: bool = False
    evicted: Mapping[str, int] = field(default_factory=dict)
    outbox: int = 0
    versions: Mapping[str, str] = field(default_factory=dict)
    sensors: int = 0

    @property
    def clocks_agree(self) -> bool:
        """Whether the hub's proven clock has shown, in this session, to be ours."""
        offset = self.offset_ms
        return self.proven and offset is not None and abs(offset) <= CLOCKS_AGREE_MS


def spoke(home: Household, message: UpMessage, at_ms: int, *, retained: bool) -> Household:
    """Return the hub after one message of it, whatever it says."""
    home = replace(home, district=message.district, known_ms=home.known_ms or at_ms)
    if message.leaf == "state":
        home = (
            _born(home, message, at_ms) if message.body["online"] else _died(home, message, at_ms)
        )
    if message.leaf == "hb":
        home = replace(
            home,
            online=True,
            changed_ms=home.changed_ms if home.online else at_ms,
            session=message.body["session"],
            boot=message.body["boot"],
            epoch=message.epoch,
            outbox=_count(message.body.get("outbox")),
            uptime_s=_count(message.body.get("uptime_s")),
            evicted=_counts(message.body.get("evicted")),
        )
    if retained or (message.leaf == "state" and not message.body["online"]):
        return home
    return replace(home, heard_ms=at_ms, **_compared(message, at_ms))


def _born(home: Household, message: UpMessage, at_ms: int) -> Household:
    body = message.body
    known = (home.boot, home.session, home.epoch)
    if home.online and known == (body["boot"], body["session"], message.epoch):
        return home  # the broker's memory of what we saw live
    if message.epoch == home.epoch and body["session"] < home.session:
        return home  # what another broker remembers of an earlier session
    versions, sensors = body.get("versions"), body.get("sensors")
    return replace(
        home,
        online=True,
        boot=body["boot"],
        session=body["session"],
        epoch=message.epoch,
        changed_ms=at_ms,
        offset_ms=None,
        versions={str(k): str(v) for k, v in versions.items()}
        if isinstance(versions, dict)
        else {},
        sensors=len(sensors) if isinstance(sensors, list) else 0,
        uptime_s=_count(body.get("uptime_s")),
    )


def _died(home: Household, message: UpMessage, at_ms: int) -> Household:
    if message.body["session"] < home.session or not home.online:
        return home
    return replace(home, online=False, changed_ms=at_ms)


def _compared(message: UpMessage, at_ms: int) -> dict[str, Any]:
    """Return what a birth or heartbeat, sent this moment, says of the hub's clock.

    Only these: an alarm's `t` is its onset, and a repeated message was written long ago.
    """
    if message.leaf not in ("state", "hb"):
        return {}
    try:
        offset_ms = at_ms - parse_timestamp(str(message.body.get("t")))
    except CentreError:
        return {}
    return {"offset_ms": offset_ms, "proven": message.body.get("clock") == "proven"}


def gone_since(home: Household, now_ms: int, listening_ms: int) -> int | None:
    """Return since when this hub has been gone for long enough to tell the operator, or None.

    listening_ms: since when the centre has been listening without a break; silence before that
    is the centre's own.
    """
    if not home.online and home.changed_ms and now_ms - home.changed_ms >= FLAP_MS:
        return home.changed_ms
    heard_ms = max(home.heard_ms, listening_ms)
    return heard_ms if now_ms - heard_ms >= SILENT_AFTER_MS else None


def overdue_test(home: Household, now_ms: int) -> bool:
    """Return whether the daily proof of the whole way has not come."""
    return now_ms - max(home.test_ms, home.known_ms) >= TESTED_EVERY_MS


def ran_on(home: Household) -> bool:
    """Return whether a hub that is back had run all the while: then only its link was gone."""
    return home.uptime_s * 1000 >= max(home.heard_ms, home.changed_ms) - home.gone_ms


def newly_evicted(before: Household, home: Household) -> str:
    """Return what a hub has thrown away since it last said so, for want of room; "" for nothing."""
    more = {
        lane: count - before.evicted.get(lane, 0)
        for lane, count in home.evicted.items()
        if count > before.evicted.get(lane, 0)
    }
    return ", ".join(f"{lane} {count}" for lane, count in sorted(more.items()))


def _counts(value: object) -> dict[str, int]:
    return {str(k): _count(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
