"""What a guest's console says: what was judged, and how the guest ended.

A guest can die of its own kernel. That says nothing about the hub, so it is kept apart from what
was judged: an end without a verdict is PANICKED when the kernel said so, else SILENT.
Only the standard library is used: this runs under the bare machine's own python3.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_VERDICT = re.compile(r"HUB-LAB-EXIT rc=(\d+)")
_SAID = re.compile(r"^\[ *[\d.]+\] (planned:|outside:|begin|ok|FAILED) (.*)")
_SEQUENCE = re.compile(r"sequence (\d+)(?: \(([\d.]+) s\): (.*))?")
_PANIC = "Kernel panic - not syncing"
# The kernel's first words of what ends in a panic: the place is told after these, not by the panic.
_WRONG = re.compile(r"BUG|Oops|general protection|lockup|mode fault|corruption|invalid opcode")
_TOLD = re.compile(rf"{_WRONG.pattern}|CPU: |Workqueue|\+0x[0-9a-f]+/")
TOLD_MOST = 24


class End(StrEnum):
    """How a guest ended."""

    JUDGED = "judged"
    PANICKED = "panicked"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Sequence:
    """One sequence of faults that was judged."""

    seed: int
    passed: bool
    took_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Console:
    """What was read. planned: the steps that were to run. begun: what the guest was at last.

    outside: how many alerts of a kind a centre outside must hold; None: it was not asked.
    text: the kernel's own words, when it panicked.
    """

    end: End
    status: int | None = None
    planned: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    begun: str = ""
    outside: dict[str, int] | None = None
    text: tuple[str, ...] = ()


def read(lines: Iterable[str]) -> Console:
    """Read a whole console."""
    kept = list(lines)
    status: int | None = None
    planned: tuple[str, ...] = ()
    steps: dict[str, list[str]] = {"ok": [], "FAILED": []}
    sequences: list[Sequence] = []
    begun = ""
    outside: dict[str, int] | None = None
    for line in kept:
        if found := _VERDICT.search(line):
            status = int(found[1])
        if not (found := _SAID.match(line)):
            continue
        how, what = found[1], found[2]
        sequence = _SEQUENCE.match(what)
        if how == "planned:":
            planned = tuple(what.split())
        elif how == "outside:":
            pairs = (one.partition("=") for one in what.split())
            outside = {kind: int(count) for kind, _, count in pairs}
        elif how == "begin":
            begun = sequence[1] if sequence else what
        elif sequence:
            seed, took, text = sequence.groups()
            sequences.append(Sequence(int(seed), how == "ok", float(took or 0), text or ""))
        else:
            steps[how].append(what.split()[0])
    text = last_words(kept)
    return Console(
        end=End.JUDGED if status is not None else End.PANICKED if text else End.SILENT,
        status=status,
        planned=planned,
        passed=tuple(steps["ok"]),
        failed=tuple(steps["FAILED"]),
        sequences=tuple(sequences),
        begun=begun,
        outside=outside,
        text=text,
    )


def last_words(lines: list[str]) -> tuple[str, ...]:
    """Return what the kernel said of the fault it panicked for, without registers and code."""
    panic = next((n for n, line in enumerate(lines) if _PANIC in line), None)
    if panic is None:
        return ()
    first = next((n for n, line in enumerate(lines[:panic]) if _WRONG.search(line)), panic)
    told = [line.strip() for line in lines[first:panic] if _TOLD.search(line)]
    return (*told[:TOLD_MOST], lines[panic].strip())
