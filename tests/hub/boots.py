"""Boots the lab's guest until what it was asked for is judged: `python3 -m tests.hub.boots`.

    steps        one boot. If the guest's own kernel panicked, and only then, the steps that are not
                 judged yet run in a second boot; the panic is shown and counted.
    sequences    boot after boot. A guest that dies, by a panic or by silence, is told and counted
                 apart, and the sequence it died in is repeated from its seed. One in which three
                 guests died stays open, which is no success.

What was judged is kept in a file, a line each, so that a long job goes on where it was interrupted.
"""

import argparse
import json
import statistics
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.hub.beyond import Beyond, beyond
from tests.hub.booting import Guest, say
from tests.hub.console import Console, End

PANICS_FORGIVEN = 1
DEATHS_OF_ONE = 3
SEQUENCE_MOST_S = 240.0
FIRST_STEP = "start"  # of every boot


class Boots(Protocol):
    """What boots a guest."""

    def boot(self, words: list[str]) -> Console:
        """Boot with these words for tests.hub.guest."""


def steps(guest: Boots, wanted: list[str], centre: Beyond | None = None) -> int:
    """Run the wanted steps (none: the suite); return 0 if every one of them held."""
    panics, words = 0, wanted
    failed: list[str] = []
    where = [f"--beyond={centre.port}"] if centre else []
    while True:
        told = guest.boot([*words, *where])
        failed += told.failed
        if centre and told.outside is not None and (held := centre.alarms()) != told.outside:
            say(f"the centre outside holds {held}, the hub knows of {told.outside}")
            failed.append("outside")
        if told.end is not End.PANICKED:
            break
        panics += 1
        for line in told.text:
            say(f"  {line}")
        say(f"panic {panics} of the guest's own kernel, in {told.begun}: no verdict on the hub")
        if panics > PANICS_FORGIVEN:
            break
        done = {*told.passed, *told.failed, FIRST_STEP}
        words = [one for one in told.planned if one not in done] or [FIRST_STEP]
        say(f"ONCE MORE, in a new guest: {' '.join(words)}")
    if told.end is not End.JUDGED:
        say(f"the guest ended without a verdict ({told.end}), in {told.begun or 'its start'}")
        return 1
    say(f"kernel panics: {panics}; failed: {' '.join(failed) or 'nothing'}")
    return 1 if failed else told.status or 0


@dataclass
class Judged:
    """What is known of each sequence; kept in a file of JSON lines."""

    path: Path | None
    wanted: list[int]

    def __post_init__(self) -> None:
        self.passed: dict[int, dict[str, Any]] = {}
        self.failed: dict[int, dict[str, Any]] = {}
        self.deaths: list[dict[str, Any]] = []
        if self.path is not None and self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                self._count(json.loads(line))

    def note(self, **what: Any) -> None:
        """Take it down."""
        self._count(what)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(what) + "\n")

    def _count(self, what: dict[str, Any]) -> None:
        if "death" in what:
            self.deaths.append(what)
        else:
            (self.passed if what["passed"] else self.failed)[what["seed"]] = what

    def left(self) -> list[int]:
        """Return the seeds that are still to be judged."""
        died = Counter(one["seed"] for one in self.deaths)
        return [
            seed
            for seed in self.wanted
            if seed not in self.passed and seed not in self.failed and died[seed] < DEATHS_OF_ONE
        ]

    def summary(self) -> str:
        """Say it in a line."""
        passed = [self.passed[seed] for seed in self.wanted if seed in self.passed]
        failed = [seed for seed in self.wanted if seed in self.failed]
        took = sorted(one["took_s"] for one in passed) or [0.0]
        deaths = Counter(one["death"] for one in self.deaths)
        died = ", ".join(f"{count} {how}" for how, count in sorted(deaths.items())) or "none"
        return (
            f"sequences: {len(passed)} of {len(self.wanted)} recovered, "
            f"failed: {failed or 'none'}, "
            f"open: {len(self.wanted) - len(passed) - len(failed)}; "
            f"{statistics.median(took):.0f} s each (longest {took[-1]:.0f}); "
            f"guests that died of themselves: {died}"
        )


def sequences(guest: Boots, judged: Judged, *, most_boots: int, until_s: float) -> int:
    """Go through the sequences that are left; return 0 if every one of them recovered.

    until_s: uptime after which a guest begins no other.
    """
    for _ in range(most_boots):
        left = judged.left()
        if not left:
            break
        seeds = "+".join(str(seed) for seed in left)
        told = guest.boot([f"--seeds={seeds}", f"--until-s={until_s:g}"])
        for one in told.sequences:
            judged.note(**asdict(one))
        if told.end is not End.JUDGED:
            for line in told.text:
                say(f"  {line}")
            seed = int(told.begun) if told.begun.isdigit() else left[0]
            say(f"the guest died ({told.end}) in sequence {seed}, which is repeated")
            judged.note(death=told.end.value, seed=seed, text=list(told.text))
        say(judged.summary())
    return 0 if all(seed in judged.passed for seed in judged.wanted) else 1


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="scripts/hub_lab")
    parser.add_argument("steps", nargs="*", metavar="STEP")
    parser.add_argument("--sequences", type=int, metavar="N", help="so many random ones instead")
    parser.add_argument("--seed", type=int, default=1, help="of the first")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="what is judged")
    parser.add_argument("--boots", type=int, default=1000, help="at most so many guests now")
    for name in ("work", "vmlinuz", "root", "console"):
        parser.add_argument(f"--{name}", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--uml", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--limit-s", type=float, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--silent-s", type=float, required=True, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    guest = Guest(
        asked.work, asked.vmlinuz, asked.uml, asked.limit_s, asked.silent_s, asked.console
    )
    if asked.sequences is None:
        if asked.uml:  # which has no network
            return steps(guest, asked.steps)
        with beyond(asked.root) as centre:
            return steps(guest, asked.steps, centre)
    wanted = list(range(asked.seed, asked.seed + asked.sequences))
    judged = Judged(asked.resume, wanted)
    until_s = asked.limit_s - SEQUENCE_MOST_S
    return sequences(guest, judged, most_boots=asked.boots, until_s=until_s)


if __name__ == "__main__":
    sys.exit(main())
