"""Which silences of normal life look like the emergency, in the open homes: two tables.

    python scripts/explain_homes.py [--least 0.75]

1. Hour by hour: silences of more than 4 h that begin in this hour, by what the door machine says,
   with the longest; beside them the allowance that these silences force upon whoever collapses then
   (median and 90 % over the moments of collapse of that hour, whatever their class).
2. The silences nearest to a false alarm, or beyond: how long, how long was allowed, after what, and
   what was believed when the allowance ran out. A collapse at that moment shows exactly the same.
"""

import argparse
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from homes_data import HOUR, Home, load_scorer, open_homes

from gateway.core.detectors.inactivity import Belief, Routine
from gateway.core.detectors.presence import ARRIVED, BED, HOME, LEFT

DAY = 24 * HOUR
LONG_H = 4.0
REGIME_NAMES = {HOME: "home", BED: "in bed or chair", LEFT: "door", ARRIVED: "arrived"}
KINDS = ("motion", "front door", "inner door", "contact", "pressure", "flush", "float", "activity")
LABELS = ("asleep", "away")


@dataclass(frozen=True)
class Silence:
    """One long silence of normal life."""

    home: str
    start: int
    hours: float
    allowed: float
    regime: int
    kind: int
    belief: Belief
    label: str


def silences(home: Home) -> tuple[list[Silence], np.ndarray]:
    """Replay a home; return its long silences, and the allowance after each event, in hours."""
    data, found = home.home, []
    routine = Routine([str(i) for i in range(len(data.kinds))])
    allowed = np.zeros(len(data.t))
    events = data.events()
    for i, ((t, s, kind, state), (following, *_)) in enumerate(pairwise(events)):
        allowed_ms = routine.sign(t, t % DAY, s, kind, state)
        allowed[i] = allowed_ms / HOUR
        hours = (following - t) / HOUR
        if hours > LONG_H and t >= data.score_from:
            belief = routine.belief(t, min(allowed_ms, following - t))
            label = _label(home, (t + following) // 2)
            found.append(
                Silence(home.name, t, hours, allowed[i], routine.regime, kind, belief, label)
            )
    return found, allowed


def _label(home: Home, t: int) -> str:
    for code, start, end in zip(*home.home.iv, strict=True):
        if start <= t <= end and code < len(LABELS):
            return LABELS[code]
    return "-"


def by_hour(found: list[Silence], moments: dict[int, list[float]]) -> None:
    """Print the first table."""
    print("hour   silences > 4 h: n (longest h)                      a collapse then waits, h")
    print("       home              in bed or chair   door            median   90 %")
    for hour in range(24):
        cells = []
        for regime in (HOME, BED, LEFT):
            mine = [s.hours for s in found if s.regime == regime and s.start % DAY // HOUR == hour]
            cells.append(f"{len(mine)} ({max(mine):.1f})" if mine else "-")
        waits = moments.get(hour, [])
        told = [f"{np.quantile(waits, q):6.1f}" for q in (0.5, 0.9) if waits]
        print(f"{hour:02d}     {cells[0]:17s} {cells[1]:17s} {cells[2]:15s} {'   '.join(told)}")


def nearest(found: list[Silence], least: float) -> None:
    """Print the second table."""
    print("\nratio  home        hour     h  allowed  after        state            believed  label")
    for s in sorted(found, key=lambda s: -s.hours / s.allowed):
        ratio = s.hours / s.allowed
        if ratio < least:
            break
        believed = f"{s.belief.home:.2f}/{s.belief.asleep:.2f}/{s.belief.away:.2f}"
        hour = s.start % DAY / HOUR
        print(
            f"{ratio:5.2f}  {s.home:11s} {hour:4.1f} {s.hours:6.1f} {s.allowed:7.1f}"
            f"   {KINDS[s.kind]:12s} {REGIME_NAMES[s.regime]:16s} {believed}  {s.label}"
        )
    print("believed: at home awake / asleep / away when the allowance, or the silence, ended")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--least", type=float, default=0.75, help="ratio from which to show")
    asked = parser.parse_args()
    found: list[Silence] = []
    moments: dict[int, list[float]] = {}
    for home in open_homes(load_scorer()):
        mine, allowed = silences(home)
        found += mine
        for start, hours in home.waits(allowed):
            moments.setdefault(int(start % DAY // HOUR), []).append(hours)
    by_hour(found, moments)
    nearest(found, asked.least)


if __name__ == "__main__":
    main()
