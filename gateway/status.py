"""What the hub knows of itself: for `ansim status`, for the centre's birth and heartbeat."""

import platform
import resource
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from gateway import __version__
from gateway.clock import Clock
from gateway.core.instants import elapsed_ms
from gateway.core.model import At
from gateway.core.outputs import Stream
from gateway.core.pipeline import Pipeline
from gateway.core.texts import render
from gateway.core.wire import PLACES, birth_body, heartbeat_body, parse_timestamp
from gateway.edge.radio import Radio
from gateway.edge.store import Store
from gateway.edge.uplink import Uplink
from gateway.inbox import Inbox
from gateway.localtime import local_time
from gateway.settings import Settings

BATTERY = "battery"
STATM = Path("/proc/self/statm")


class Parts(Protocol):
    """What is read: the daemon's parts, as gateway.app.Daemon has them."""

    settings: Settings
    store: Store
    pipeline: Pipeline
    inbox: Inbox
    radio: Radio
    uplink: Uplink


class Status:
    """Reads every part; changes none."""

    def __init__(self, daemon: Parts, clock: Clock) -> None:
        self._daemon = daemon
        self._clock = clock
        self._started = clock.now()

    def birth(self) -> dict[str, Any]:
        """Return the retained `up/state` birth (the uplink adds the session)."""
        daemon = self._daemon
        return birth_body(
            self._clock.now(),
            hub=daemon.settings.hub.id,
            boot=daemon.store.boot_number,
            epoch=daemon.store.epoch,
            versions={"gateway": __version__, "python": platform.python_version()},
            last_seq=daemon.store.high_water,
            sensors=[
                {"name": stanza.name, "driver": stanza.driver, "loc": PLACES[stanza.place]}
                for stanza in daemon.settings.devices
            ],
            language=daemon.settings.hub.language.value,
            uptime_s=self._uptime_s(self._clock.now()),
        )

    def heartbeat(self) -> dict[str, Any]:
        """Return an `up/hb`."""
        daemon = self._daemon
        now = self._clock.now()
        return heartbeat_body(
            now,
            hub=daemon.settings.hub.id,
            boot=daemon.store.boot_number,
            epoch=daemon.store.epoch,
            high=daemon.store.high_water,
            uptime_s=self._uptime_s(now),
            rss_kib=rss_kib(),
            outbox=daemon.uplink.status().alarms_waiting,
            open_alerts=sum(alert.open for alert in daemon.pipeline.book),
            evicted=daemon.store.evicted,
        )

    async def full(self) -> dict[str, Any]:
        """Return everything, as JSON values."""
        daemon = self._daemon
        now = self._clock.now()
        return {
            "hub": daemon.settings.hub.id,
            "version": __version__,
            "now": local_time(now.wall_ms, daemon.settings.hub.timezone).isoformat(" ", "seconds"),
            "clock": "proven" if now.proven else "estimated",
            "uptime_s": self._uptime_s(now),
            "rss_kib": rss_kib(),
            "adapter": self._adapter(now),
            "devices": self._devices(now),
            "uplink": plain(asdict(daemon.uplink.status())),
            "store": {
                "healthy": daemon.store.healthy,
                "epoch": daemon.store.epoch,
                **plain(asdict(await daemon.store.depth())),
            },
            "alerts": self._alerts(now),
            "inbox": {"waiting": len(daemon.inbox), "shed": dict(daemon.inbox.shed)},
            "deadline": self.deadline(),
            "summary": await self.summary(),
        }

    def deadline(self) -> Mapping[str, Any] | None:
        """Return when the inactivity detector will ask for help if nothing more is heard."""
        outlook = self._daemon.pipeline.outlook
        if outlook is None:
            return None
        zone = self._daemon.settings.hub.timezone
        local = {
            key: local_time(parse_timestamp(outlook[key]), zone).isoformat(" ", "seconds")
            for key in ("at", "held_until")
            if outlook[key] is not None
        }
        return {**outlook, **local}

    async def summary(self) -> Mapping[str, Any] | None:
        """Return the last day told, and whether the centre has stored it; None: nobody can know."""
        daemon = self._daemon
        told = daemon.pipeline.diary.latest() if daemon.pipeline.diary else None
        if told is None:
            return None
        waiting = {row.payload["day"] for row in await daemon.store.unfinished(Stream.ROUTINE)}
        stored: bool | None = told["day"] not in waiting
        if stored and (not daemon.store.healthy or daemon.store.evicted.get(Stream.ROUTINE.value)):
            stored = None
        return {**told, "stored": stored}

    def _uptime_s(self, now: At) -> int:
        return (elapsed_ms(self._started, now) or 0) // 1000

    def _adapter(self, now: At) -> dict[str, Any]:
        radio = self._daemon.radio.status()
        return {
            "name": radio.adapter,
            "scanning": radio.scanning,
            "detail": radio.detail,
            "adverts": radio.adverts,
            "heard_s_ago": seconds_ago(radio.last_heard, now),
            "using": radio.using,
            "recoveries": dict(radio.recoveries),
        }

    def _devices(self, now: At) -> list[dict[str, Any]]:
        last = self._daemon.pipeline.telemetry.last
        stanzas = {stanza.name: stanza for stanza in self._daemon.settings.devices}
        told = []
        for device in self._daemon.radio.status().devices:
            battery = last.get((device.name, BATTERY), {}).get("percent")
            told.append(
                {
                    "name": device.name,
                    "driver": stanzas[device.name].driver,
                    "place": stanzas[device.name].place,
                    "heard_s_ago": seconds_ago(device.last_heard, now),
                    "rssi": device.rssi,
                    "battery": battery,
                    "connected": device.connected,
                    "detail": device.detail,
                    "packets": device.packets,
                    "malformed": device.malformed,
                    "replayed": device.replayed,
                    "wrong_key": device.wrong_key,
                }
            )
        return told

    def _alerts(self, now: At) -> list[dict[str, Any]]:
        told = []
        for alert in self._daemon.pipeline.book:
            english, korean = render(alert.reason)
            told.append(
                {
                    "id": alert.id,
                    "kind": alert.kind.value,
                    "device": alert.device,
                    "matter": alert.matter.value,
                    "word": alert.word.value,
                    "ended": alert.ended,
                    "since_s": seconds_ago(alert.onset, now),
                    "en": english,
                    "ko": korean,
                }
            )
        return told


def seconds_ago(then: At | None, now: At) -> float | None:
    """Return how long ago an instant was; None when nobody knows."""
    passed = elapsed_ms(then, now) if then is not None else None
    return None if passed is None else round(passed / 1000, 1)


def rss_kib() -> int:
    """Return the process's resident memory in KiB: what it holds now, not its peak."""
    pages = int(STATM.read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def plain(value: Any) -> Any:
    """Return a value of dataclasses as JSON values."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
