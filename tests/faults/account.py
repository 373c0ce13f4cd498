"""The account at the end of a run: what was caused against what the centre's database holds. Pure.

Lost: a cry that no stored message tells of. Doubled: one that two messages tell of, unless the
hub's memory of it was destroyed in between (its database deleted or broken while the button was
still held): such a cry is `again`, rung twice under two epochs, and counted apart.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Stored:
    """One message as the centre's database holds it. `seen_s`: when it was first seen there."""

    epoch: str
    stream: str
    seq: int
    id: str
    body: Mapping[str, Any]
    seen_s: float

    @property
    def cry(self) -> tuple[str, str] | None:
        """(button, press) of a message that tells of a press."""
        evid = self.body.get("evid", {})
        if self.stream != "alarm" or evid.get("reason") != "sos.pressed":
            return None
        return self.body["sensor"], evid["values"]["press"]


@dataclass(frozen=True, slots=True)
class Account:
    """What a run came to. Times in seconds, `findings`: what must not be."""

    seed: int
    theme: str
    caused: int
    stored_once: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    again: tuple[str, ...]
    findings: tuple[str, ...]
    alarms: int
    messages: int
    events: int
    to_stored_s: tuple[float, ...]
    longest_s: float
    took_s: float
    kills: Mapping[str, int] = field(default_factory=dict)
    shed: Mapping[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled, out of order or found."""
        return not (self.lost or self.doubled or self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return it as a line of the journal of runs."""
        return {**asdict(self), "good": self.good}


def balance(
    caused: Mapping[tuple[str, str], float], stored: Sequence[Stored], broken_epochs: set[str]
) -> tuple[list[str], list[str], list[str], list[float]]:
    """Return lost, doubled, rung again, and the seconds from each cry to its first `stored`."""
    found: dict[tuple[str, str], list[Stored]] = defaultdict(list)
    for message in stored:
        if message.cry is not None:
            found[message.cry].append(message)
    lost = [f"{button} {press}" for button, press in caused if (button, press) not in found]
    doubled, again, times = [], [], []
    for cry, messages in found.items():
        name = " ".join(cry)
        if cry not in caused:
            doubled.append(f"{name}: nobody pressed it")
            continue
        times.append(min(m.seen_s for m in messages) - caused[cry])
        epochs = Counter(message.epoch for message in messages)
        if any(count > 1 for count in epochs.values()) or len(epochs.keys() - broken_epochs) > 1:
            doubled.append(f"{name}: {sorted((m.epoch, m.seq, m.id) for m in messages)}")
        elif len(messages) > 1:
            again.append(name)
    return lost, doubled, again, times


def order_and_holes(
    stored: Iterable[Stored],
    high: Mapping[tuple[str, str], int],
    excused: set[str],
    decided: Mapping[str, int],
    shed: Mapping[str, int] = MappingProxyType({}),
) -> list[str]:
    """Return what is wrong with the streams: numbers missing, or given out against time's order.

    high: the hub's own last number of each (epoch, stream); excused: epochs whose database died.
    decided: the hub's own order, by message id. shed: how many of each stream the hub says that it
    threw away for want of room: so many may be missing, but of alarms none.
    """
    streams: dict[tuple[str, str], list[Stored]] = defaultdict(list)
    for message in stored:
        streams[message.epoch, message.stream].append(message)
    wrong = []
    for key in sorted(streams.keys() | high.keys()):
        epoch, stream = key
        messages = sorted(streams[key], key=lambda message: message.seq)
        have = {message.seq for message in messages}
        top = max([*have, high.get(key, 0)])
        missing = sorted(set(range(1, top + 1)) - have)
        forgone = 0 if stream == "alarm" else shed.get(stream, 0)
        if len(missing) > forgone and epoch not in excused:
            wrong.append(f"{stream} of epoch {epoch}: never came: {missing[:20]} of {top}")
        turns = [decided[m.id] for m in messages if stream == "alarm" and m.id in decided]
        if turns != sorted(turns):
            wrong.append(f"order: alarms of epoch {epoch} were decided in the order {turns}")
    ids = Counter(message.id for message in stored)
    wrong += [f"{ident} stands under {count} keys" for ident, count in ids.items() if count > 1]
    return wrong


def events_in_order(stored: Iterable[Stored]) -> list[str]:
    """Return where a stream of events goes back in the hub's own time."""
    streams: dict[tuple[str, int], list[Stored]] = defaultdict(list)
    for message in stored:
        streams[message.epoch, message.body["boot"]].append(message)
    wrong = []
    for (epoch, boot), messages in sorted(streams.items()):
        messages.sort(key=lambda message: message.seq)
        items = [item for message in messages for item in message.body["items"]]
        times = [item["mono_ms"] for item in items]
        if times != sorted(times):
            wrong.append(f"order: events of epoch {epoch}, boot {boot} go back in time")
    return wrong
