"""What a hub says: the bodies of its messages, without the envelope.

The store adds v, id, hub, epoch, stream, seq, boot and durable to a row; the uplink adds `attempt`.
`up/state` and `up/hb` are in no stream: they carry no seq, and the uplink adds `session`. A death
whose session is below that of the last birth is an old connection's (gateway.edge.uplink).
A payload stays below 2 KiB (contract, rule 4), so batches are cut here, where they are made.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from gateway.core.alerts import SEVERITY, Alert, Msg
from gateway.core.fields import encode, instant_fields, timestamp
from gateway.core.model import AccelerationBlock, At, Kind

VERSION = 1
MAX_PAYLOAD = 2048
ENVELOPE = 330  # bytes that store and uplink add, at the longest names and numbers
SAMPLES_A_PART = 180  # 6 bytes each, 8 in base64

# ISO/IEEE 11073-10471, partition 130: the sensor's code of each kind of alarm (0: none fits).
MDC: Mapping[Kind, int] = MappingProxyType(
    dict.fromkeys(Kind, 0)
    | {
        Kind.FALL: 1,
        Kind.PERS: 2,
        Kind.SMOKE: 3,
        Kind.CO: 4,
        Kind.WATER: 5,
        Kind.GAS: 6,
        Kind.INACTIVITY: 7,
        Kind.EXIT: 8,
    }
)

# The same standard's places: 10-bit type, 6-bit instance. The YAML names them by these words.
PLACES: Mapping[str, int] = MappingProxyType(
    {
        "": 0,
        "bedroom": 3072,
        "toilet": 3200,
        "shower": 3392,
        "kitchen": 3456,
        "living": 3648,
        "hall": 3840,
        "frontdoor": 9216,
        "fridge": 9344,
        "medicine": 9408,
        "bed": 11264,
        "chair": 11328,
        "toiletseat": 11456,
    }
)


def alarm_body(
    alert: Alert, msg: Msg, at: At, *, loc: int, evid: Mapping[str, Any], refs: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return an `up/alarm` message without its envelope.

    `t` is the onset of the matter, `sent_t` the instant of this message.
    """
    return {
        "msg": msg.value,
        "type": alert.kind.value,
        "state": alert.matter.value,
        "due": timestamp(alert.due.wall_ms) if alert.due else None,
        "mdc": MDC[alert.kind],
        "loc": loc,
        "sev": SEVERITY[alert.kind],
        "cert": round(alert.probability, 3),
        **instant_fields(alert.onset),
        "sent_t": timestamp(at.wall_ms),
        "sensor": alert.device,
        "evid": dict(evid),
        "refs": list(refs),
    }


def event_item(at: At, device: str, what: str, value: Any) -> dict[str, Any]:
    """Return one event of a batch: `what` happened at `device`."""
    return {**instant_fields(at), "device": device, "what": what, "value": value}


def event_bodies(items: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield `up/event` bodies of the items in order, each small enough for one message."""
    batch: list[Mapping[str, Any]] = []
    size = ENVELOPE
    for item in items:
        more = len(encode(item)) + 1
        if batch and size + more > MAX_PAYLOAD:
            yield {"items": batch}
            batch, size = [], ENVELOPE
        batch.append(item)
        size += more
    if batch:
        yield {"items": batch}


def summary_item(device: str, what: str, values: Sequence[float]) -> dict[str, Any]:
    """Return one line of an `up/sum`: how many values, lowest, highest, mean."""
    return {
        "device": device,
        "what": what,
        "count": len(values),
        "min": min(values),
        "max": max(values),
        "mean": round(sum(values) / len(values), 3),
    }


def summary_body(at: At, span_s: int, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return an `up/sum` body: what the `span_s` seconds up to `at` held."""
    return {**instant_fields(at), "span_s": span_s, "items": list(items)}


def acceleration_bodies(
    alert_id: str, at: At, device: str, blocks: Sequence[AccelerationBlock]
) -> Iterator[dict[str, Any]]:
    """Yield `up/evidence` bodies of the samples around a fall, in parts.

    data: int16 little-endian x, y, z of each sample in milli-g, base64. The first sample is at
    `first_ms` and the last at `last_ms` since boot; between them they are evenly spaced.
    """
    t_ms = np.concatenate([block.t_ms for block in blocks])
    acc_mg = np.concatenate([block.acc_mg for block in blocks])
    parts = -(-len(t_ms) // SAMPLES_A_PART)
    for part in range(parts):
        cut = slice(part * SAMPLES_A_PART, (part + 1) * SAMPLES_A_PART)
        yield {
            "alert": alert_id,
            "part": part + 1,
            "parts": parts,
            "what": "acceleration",
            **instant_fields(at),
            "device": device,
            "first_ms": int(t_ms[cut][0]),
            "last_ms": int(t_ms[cut][-1]),
            "data": base64.b64encode(acc_mg[cut].astype("<i2").tobytes()).decode(),
        }


def home_bodies(
    alert_id: str, at: At, items: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield `up/evidence` bodies of what the home's sensors said around an alarm."""
    batches = list(event_bodies([{**item} for item in items]))
    for number, batch in enumerate(batches, 1):
        yield {
            "alert": alert_id,
            "part": number,
            "parts": len(batches),
            "what": "home",
            **instant_fields(at),
            **batch,
        }


def result_body(
    command_id: str, at: At, *, ok: bool, reason: str = "", result: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return an `up/res` body: what became of a command; `reason` says why it was refused."""
    return {
        **instant_fields(at),
        "cmd": command_id,
        "ok": ok,
        "reason": reason[:200],
        "result": dict(result or {}),
    }


def presence(hub: str, at: At, *, boot: int) -> dict[str, Any]:
    """Return the head of what is in no stream: birth and heartbeat."""
    return {"v": VERSION, "hub": hub, "boot": boot, **instant_fields(at)}


def birth_body(
    at: At,
    *,
    hub: str,
    boot: int,
    epoch: str,
    versions: Mapping[str, str],
    last_seq: Mapping[str, int],
    sensors: Sequence[Mapping[str, Any]],
    clock_offset_ms: int | None = None,
    language: str = "ko",
    uptime_s: int = 0,
) -> dict[str, Any]:
    """Return the retained `up/state` birth."""
    return {
        **presence(hub, at, boot=boot),
        "online": True,
        "epoch": epoch,
        "versions": dict(versions),
        "last_seq": dict(last_seq),
        "sensors": list(sensors),
        "clock_offset_ms": clock_offset_ms,
        "language": language,
        "uptime_s": uptime_s,
    }


def will_body(hub: str, boot: int, session: int) -> dict[str, Any]:
    """Return the retained `up/state` that the broker publishes when the hub is gone."""
    return {"v": VERSION, "hub": hub, "online": False, "boot": boot, "session": session}


def heartbeat_body(
    at: At,
    *,
    hub: str,
    boot: int,
    epoch: str,
    high: Mapping[str, int],
    uptime_s: int,
    rss_kib: int,
    outbox: int,
    open_alerts: int = 0,
    clock_offset_ms: int | None = None,
    evicted: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return an `up/hb`: the high-water seq of every stream, so that a lost tail is seen."""
    return {
        **presence(hub, at, boot=boot),
        "epoch": epoch,
        "high": dict(high),
        "uptime_s": uptime_s,
        "rss_kib": rss_kib,
        "outbox": outbox,
        "open_alerts": open_alerts,
        "clock_offset_ms": clock_offset_ms,
        **({"evicted": dict(evicted)} if evicted else {}),
    }
