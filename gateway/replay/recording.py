"""Stamped packets on disk: what came in at a hub, so that it can be gone through again.

One JSON object a line. The first says what the file is; each further one is what came in, in its
order, `what` first, with its instant as `boot`, `mono_ms`, `wall_ms`, `proven`:

    packet    device, channel, uuid, hex, rssi      bytes off the radio, before any decoding
    heard     device, rssi                          a sign of life without bytes of interest
    tick
    link      link, up, device, detail, step (only where there is one)
    proven                                          the wall clock was proven right
    returned  last_seen (an instant or null)        the hub started
    memory    device, values (no instant)           replay counters from before the recording

What the centre said is not in it: its acknowledgements name messages by ids that another run does
not have. A recording is health data: the file is its owner's only.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import structlog

from gateway.core.inputs import Input
from gateway.core.model import (
    At,
    ClockProven,
    Heard,
    HubReturned,
    Link,
    LinkChange,
    Memory,
    Tick,
)
from gateway.driver import Channel, Packet
from gateway.errors import ConfigurationError

HEAD = {"what": "ansim packets", "version": 1}
LAST_MS = 4_102_444_800_000  # the year 2100

Recorded = Packet | Heard | Tick | LinkChange | ClockProven | HubReturned | Memory


class Recorder:
    """Writes what it is shown; the daemon's tap. The file must not exist: nothing is overwritten.

    Flushed with every tick, so that a crash loses a second of it. A disk that fails ends the
    recording and nothing else: what is recorded must reach the core all the same.
    """

    def __init__(self, path: Path) -> None:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as wrong:
            raise ConfigurationError(f"{path}: cannot be recorded to: {wrong.strerror}") from None
        self._path = path
        self._file = os.fdopen(handle, "w", encoding="utf-8")
        self._last: tuple[At, str] | None = None
        self._fault: OSError | None = None
        self._write(HEAD)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._file.close()

    def __call__(self, given: Packet | Input | Memory) -> None:
        """Write a packet, or an input that no packet caused."""
        if isinstance(given, Packet):
            self._last = (given.at, given.device)
        if isinstance(given, Heard) and (given.at, given.device) == self._last:
            return  # decoding the packet again will say so again
        if isinstance(given, LinkChange) and given.link is Link.KEY:
            return  # likewise
        line = as_line(given)
        if line is None or self._fault is not None:
            return
        try:
            self._write(line)
            if isinstance(given, Tick):
                self._file.flush()
        except OSError as fault:
            self._fault = fault
            structlog.get_logger().error("recording ended", file=str(self._path), error=str(fault))

    def _write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def as_line(given: Packet | Input | Memory) -> dict[str, Any] | None:
    """Return what is written of it; None for what the centre said."""
    told: dict[str, Any]
    match given:
        case Packet(device=device, channel=channel, uuid=uuid, data=data, rssi=rssi):
            told = {"device": device, "channel": channel.value, "uuid": uuid, "hex": data.hex()}
            what, told["rssi"] = "packet", rssi
        case Heard(device=device, rssi=rssi):
            what, told = "heard", {"device": device, "rssi": rssi}
        case Tick():
            what, told = "tick", {}
        case LinkChange(link=link, up=up, device=device, detail=detail, step=step):
            what = "link"
            told = {"link": link.value, "up": up, "device": device, "detail": detail}
            told |= {"step": step} if step else {}
        case ClockProven():
            what, told = "proven", {}
        case HubReturned(last_seen=last):
            what, told = "returned", {"last_seen": None if last is None else _instant(last)}
        case Memory(device=device, values=values):
            return {"what": "memory", "device": device, "values": dict(values)}
        case _:
            return None
    return {"what": what, **_instant(given.at), **told}


def read(path: Path) -> Iterator[tuple[int, Recorded]]:
    """Yield line number and what came in; ConfigurationError names file and line."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                try:
                    line = json.loads(text)
                    if number == 1:
                        _check_head(line)
                    else:
                        yield number, _READ[line["what"]](line)
                except (ValueError, KeyError, TypeError, AttributeError) as wrong:
                    raise ConfigurationError(
                        f"{path}:{number}: no line of a recording: {wrong!r}: {text.strip()[:60]}"
                    ) from None
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigurationError(f"{path}: {wrong}") from None


def _check_head(line: Mapping[str, Any]) -> None:
    if dict(line) != HEAD:
        raise ValueError(f"the first line must be {json.dumps(HEAD)}")


def _instant(at: At) -> dict[str, Any]:
    return {
        "boot": at.boot,
        "mono_ms": at.mono_ms,
        "wall_ms": at.wall_ms,
        "proven": at.proven,
    }


def _at(line: Mapping[str, Any]) -> At:
    mono_ms, wall_ms = _whole(line, "mono_ms"), _whole(line, "wall_ms")
    if not 0 <= wall_ms <= LAST_MS:
        raise ValueError(f"wall_ms {wall_ms} is no time")
    return At(_text(line, "boot"), mono_ms, wall_ms, _flag(line, "proven"))


def _text(line: Mapping[str, Any], key: str) -> str:
    value = line[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} is no text: {value!r}")
    return value


def _flag(line: Mapping[str, Any], key: str) -> bool:
    value = line[key]
    if not isinstance(value, bool):
        raise TypeError(f"{key} is neither true nor false: {value!r}")
    return value


def _whole(line: Mapping[str, Any], key: str) -> int:
    value = line[key]
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LAST_MS:
        raise TypeError(f"{key} is no whole number that can be: {value!r}")
    return value


def _rssi(line: Mapping[str, Any]) -> int | None:
    return None if line["rssi"] is None else _whole(line, "rssi")


def _packet(line: Mapping[str, Any]) -> Packet:
    data, channel = bytes.fromhex(_text(line, "hex")), Channel(line["channel"])
    device, uuid = _text(line, "device"), _text(line, "uuid")
    return Packet(_at(line), device, channel, uuid, data, _rssi(line))


def _link(line: Mapping[str, Any]) -> LinkChange:
    device, detail = _text(line, "device"), _text(line, "detail")
    step = _text(line, "step") if "step" in line else ""
    return LinkChange(_at(line), Link(line["link"]), _flag(line, "up"), device, detail, step)


def _returned(line: Mapping[str, Any]) -> HubReturned:
    seen = line["last_seen"]
    return HubReturned(_at(line), None if seen is None else _at(seen))


def _memory(line: Mapping[str, Any]) -> Memory:
    values = {str(key): value for key, value in line["values"].items()}
    if not all(isinstance(value, int | str) for value in values.values()):
        raise TypeError("memory holds whole numbers and texts only")
    return Memory(_text(line, "device"), values)


_READ: Mapping[str, Callable[[Mapping[str, Any]], Recorded]] = {
    "packet": _packet,
    "heard": lambda line: Heard(_at(line), _text(line, "device"), rssi=_rssi(line)),
    "tick": lambda line: Tick(_at(line)),
    "link": _link,
    "proven": lambda line: ClockProven(_at(line)),
    "returned": _returned,
    "memory": _memory,
}
