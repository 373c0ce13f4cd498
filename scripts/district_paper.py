"""A district and a country on paper: `district_paper.py`, from a home's load and measured figures.

What a home says in a day comes out of the real pipeline (scripts/home_day.py), the sizes out of the
contract's own builders; what a message and a connection cost was measured with scripts/fleet on the
machine named in the README, and is written here with its row of the table there.
"""

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.core.wire import encode
from scripts.home_day import DAY_S, at, outputs
from tests.fleet.light import LightHub

DAYS = 2
ENVELOPE = 190  # v, id, hub, epoch, stream, seq, boot, durable around a body
TOPIC = 52  # of an MQTT PUBLISH: topic, packet id, fixed header
BACK_S = 600  # all hubs back within this after everything was gone
EMERGENCIES_A_YEAR = 0.65  # of a home; municipal figures of 2023
KEPT_DAYS = 90
TEN = 10
USED = 0.5  # how much of anything is planned to be used


@dataclass(frozen=True, slots=True)
class Measured:
    """With 20,000 hubs that said 569 messages/s (scripts/fleet, quiet).

    On two cores of a shared x86 machine with a load of 14 to 18: 0.21 cores of workers, 0.05 of
    PostgreSQL, 0.48 of three nodes, and 2.1 GB of theirs.
    """

    worker_ms: float = 0.37  # processor time a message
    postgres_ms: float = 0.09
    nats_ms: float = 0.84  # of all three nodes together, three copies of everything
    nats_kib: int = 106  # memory of all three nodes a hub
    overhead: float = 1.7  # PostgreSQL's bytes for a byte of payload: row, keys, two indexes


@dataclass(frozen=True, slots=True)
class Home:
    """What one home sends in a day."""

    messages: Counter[str]
    sizes: Counter[str]

    @property
    def a_second(self) -> float:
        """Return messages a second."""
        return sum(self.messages.values()) / DAY_S

    @property
    def bytes_a_day(self) -> int:
        """Return payload and topic bytes."""
        return sum(self.sizes.values()) + TOPIC * sum(self.messages.values())

    @property
    def kept_a_day(self) -> int:
        """Return the bytes of what is kept: heartbeats are not."""
        return sum(size for what, size in self.sizes.items() if what != "hb")


def home() -> Home:
    """Return a home's day."""
    messages: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for _, out in outputs(DAYS, band_every_s=60):
        for post in out.posts:
            messages[post.stream.value] += 1
            sizes[post.stream.value] += len(encode(post.body)) + ENVELOPE
    for counts in (messages, sizes):
        for what in counts:
            counts[what] //= DAYS
    messages["hb"] = DAY_S // 60
    sizes["hb"] = messages["hb"] * len(LightHub(1, 1, "1120000000").heartbeat(at(0)))
    return Home(messages, sizes)


def table(one: Home, measured: Measured) -> str:
    """Return the arithmetic as Markdown."""
    homes = (1, 50_000, 3_000_000)
    rows: list[tuple[str, list[float], str]] = [
        ("messages from hubs, a second", [one.a_second * n for n in homes], ",.2f"),
        ("of them heartbeats", [n / 60 for n in homes], ",.2f"),
        ("real emergencies a day", [n * EMERGENCIES_A_YEAR / 365 for n in homes], ",.3f"),
        ("Mbit/s in", [one.bytes_a_day * n * 8 / DAY_S / 1e6 for n in homes], ",.4f"),
        ("GB of telemetry and alarms a day", [one.kept_a_day * n / 1e9 for n in homes], ",.4f"),
        (
            f"TB in PostgreSQL, {KEPT_DAYS} days kept",
            [one.kept_a_day * n * KEPT_DAYS * measured.overhead / 1e12 for n in homes],
            ",.4f",
        ),
        ("cores of workers", [_cores(one, n, measured.worker_ms) for n in homes], ",.3f"),
        ("cores of PostgreSQL", [_cores(one, n, measured.postgres_ms) for n in homes], ",.3f"),
        ("cores of NATS", [_cores(one, n, measured.nats_ms) for n in homes], ",.3f"),
        ("GB of NATS' memory", [n * measured.nats_kib / 1024**2 for n in homes], ",.3f"),
        (f"connects a second, all back in {BACK_S} s", [n / BACK_S for n in homes], ",.2f"),
    ]
    lines = ["| | 1 home | 50,000 | 3 million |", "|---|---|---|---|"]
    for what, values, form in rows:
        lines.append(f"| {what} | " + " | ".join(_told(v, form) for v in values) + " |")
    return "\n".join(lines)


def _cores(one: Home, homes: int, cost_ms: float) -> float:
    return one.a_second * homes * cost_ms / 1000 / USED


def _told(value: float, form: str) -> str:
    return format(value, form if value < 1 else ",.1f" if value < TEN else ",.0f")


def main() -> None:
    """Print it."""
    one = home()
    for what, count in one.messages.most_common():
        print(f"{what:<8} {count:>6} a day, {one.sizes[what] / max(1, count):>6.0f} bytes each")
    print(f"together {one.bytes_a_day / 1e6:.2f} MB a day with topics\n")
    print(table(one, Measured()))


if __name__ == "__main__":
    main()
