"""What the hub recorded, held against what the world put on the air.

The hub's recordings (`ansim run --record`) have every packet it stamped, the world's notes every
value and advert that was sent. From both follow, with nothing taken on trust:

    invented   a packet that nobody sent
    doubled    a frame of acceleration, which carries the band's own time, that came in twice
    gaps       samples that are missing between two frames of one stream
    heard      when each device was heard last, in seconds of the guest's clock
"""

import json
import struct
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PMD_DATA = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"
HEAD_BYTES, SAMPLE_BYTES, PLAIN_16 = 10, 6, 0x01


class Tail:
    """The whole lines that a file has gained since it was asked last."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def lines(self) -> Iterator[str]:
        """Yield them."""
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = data.rfind(b"\n") + 1
        self._at += whole
        yield from data[:whole].decode().splitlines()


@dataclass
class Account:
    """Follows both sides; `look` reads what is new."""

    sent_path: Path
    recordings: Path
    name_of: dict[str, str]
    heard_ms: dict[str, int] = field(default_factory=dict)
    frames: dict[str, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    adverts: set[tuple[str, str]] = field(default_factory=set)
    invented: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    links: list[tuple[int, str, bool, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sent: set[tuple[str, str, str]] = set()
        self._unproven: list[tuple[str, str, str]] = []
        self._seen: Counter[tuple[str, str]] = Counter()
        self._tails: dict[Path, Tail] = {self.sent_path: Tail(self.sent_path)}

    def look(self) -> None:
        """Read what is new: first what was heard, then what was sent, which is never later."""
        for path in sorted(self.recordings.glob("*.packets")):
            for line in self._tails.setdefault(path, Tail(path)).lines():
                self._came_in(json.loads(line))
        for line in self._tails[self.sent_path].lines():
            address, uuid, value = json.loads(line)
            self._sent.add((self.name_of.get(address, ""), uuid, value))
        self.invented += [f"{one}" for one in self._unproven if one not in self._sent]
        self._unproven.clear()

    def _came_in(self, line: dict[str, Any]) -> None:
        if line["what"] == "link":
            self.links.append((line["mono_ms"], line["device"], line["up"], line["detail"]))
        if line["what"] != "packet":
            return
        device, uuid, value = line["device"], line["uuid"], line["hex"]
        if line["channel"] != "read":
            self._unproven.append((device, uuid, value))
        if uuid == PMD_DATA:
            self._frame(device, line["mono_ms"], bytes.fromhex(value))
        if line["channel"] == "advert":
            self.adverts.add((device, value))
        if uuid == PMD_DATA or line["channel"] == "advert":
            self.heard_ms[device] = line["mono_ms"]

    def _frame(self, device: str, at_ms: int, data: bytes) -> None:
        (stamp_ns,) = struct.unpack_from("<Q", data, 1)
        self._seen[device, data.hex()] += 1
        if self._seen[device, data.hex()] > 1:
            self.doubled.append(f"{device} {stamp_ns}")
            return
        samples = (len(data) - HEAD_BYTES) // SAMPLE_BYTES if data[9] == PLAIN_16 else 0
        self.frames[device].append((at_ms, stamp_ns, samples))

    def rate_hz(self, device: str, since_ms: int) -> tuple[float, int]:
        """Return the rate of a band's stream by its own stamps since then, and the missing samples.

        The first frame gives the beginning only.
        """
        frames = [one for one in self.frames[device] if one[0] >= since_ms]
        if len(frames) < 2:  # two ends
            return 0.0, 0
        came = sum(samples for _, _, samples in frames[1:])
        spent_s = (frames[-1][1] - frames[0][1]) / 1e9
        return came / spent_s, round(spent_s * 50) - came
