"""A recording of stamped packets through the drivers and the pipeline: the same each time.

    line ─► Ear (the radio's own: decode, count, drop) ─► pipeline.feed ─► outputs

No clock, socket or disk is asked, and the ids of messages are seeded: two runs give the same
outputs to the last bit. A hub that started in the middle of the recording begins with what the
recording says of it, not with the alerts that its own disk would have given back.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import structlog

from gateway.app import radio_device
from gateway.core.inputs import Input
from gateway.core.model import At, Heard, LinkChange, Memory
from gateway.core.outputs import Outputs
from gateway.core.pipeline import Pipeline
from gateway.driver import Packet
from gateway.edge.decoding import Ear
from gateway.errors import ConfigurationError
from gateway.replay.direct import new_pipeline
from gateway.replay.recording import read
from gateway.settings import Settings


def replay(
    path: Path,
    settings: Settings,
    *,
    pipeline: Pipeline | None = None,
    saw: Callable[[Input, Outputs], None] = lambda _given, _outputs: None,
) -> Iterator[tuple[At, Outputs]]:
    """Yield what each input of a recording causes, where it causes anything.

    saw: is shown every input with what it caused.
    """
    pipeline = pipeline or new_pipeline(settings)
    ears = _Ears(settings)
    for number, came in read(path):
        match came:
            case Memory():
                ears.remember(came)
            case Packet(device=device) | Heard(device=device) if device not in ears.known:
                raise ConfigurationError(
                    f"{path}:{number}: {device!r} is not among the devices of the configuration:"
                    f" {', '.join(sorted(ears.known))}"
                )
            case Packet():
                ears.take(came)
            case _:
                ears.told.append(came)
        for given in ears.told:
            outputs = pipeline.feed(given)
            saw(given, outputs)
            if outputs != Outputs():
                yield given.at, outputs
        ears.told.clear()


class _Ears:
    """The configured devices' ears, and what they told."""

    def __init__(self, settings: Settings) -> None:
        self.known = frozenset(stanza.name for stanza in settings.devices)
        self.told: list[Input] = []
        self._stanzas = {stanza.name: stanza for stanza in settings.devices}
        self._memories: dict[str, Mapping[str, int | str]] = {}
        self._ears: dict[str, Ear] = {}

    def remember(self, memory: Memory) -> None:
        """Let a device's decoder begin with what it knew."""
        self._memories[memory.device] = memory.values
        self._ears.pop(memory.device, None)

    def take(self, packet: Packet) -> None:
        """Decode a packet."""
        ear = self._ears.get(packet.device)
        if ear is None:
            stanza = self._stanzas[packet.device]
            device = radio_device(stanza, self._memories.get(packet.device))
            ear = self._ears[packet.device] = Ear(device, self._deliver, structlog.get_logger())
        ear.packet(packet)

    def _deliver(self, told: Heard | LinkChange) -> None:
        self.told.append(told)


def lines(at: At, outputs: Outputs) -> Iterator[str]:
    """Yield outputs as JSON lines: messages to the centre, and what the resident is told."""
    for post in outputs.posts:
        told: dict[str, Any] = {"mono_ms": at.mono_ms, "stream": post.stream.value, "id": post.id}
        yield _dumped({**told, "alert": post.alert, "body": dict(post.body)})
    for announce in outputs.announcements:
        alert = announce.alert.id if announce.alert else None
        yield _dumped({"mono_ms": at.mono_ms, "announce": announce.sound.value, "alert": alert})
    for memory in outputs.memories:
        yield _dumped(
            {"mono_ms": at.mono_ms, "memory": memory.device, "values": dict(memory.values)}
        )


def _dumped(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
