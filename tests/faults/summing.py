"""What a sitting comes to, in lines for whoever reads it, and as an exit status. Pure.

A seed's plan is always the same, so a sum over seeds may mix sittings.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LINK_UP = "calm"
P50_S, P99_S, LONGEST_S = 0.5, 2.0, 10.0


def line(account: Mapping[str, Any]) -> Iterator[str]:
    """Yield a run's line, and what is wrong with it."""
    yield (
        f"{'ok  ' if account['good'] else 'BAD '} seed {account['seed']:<6}"
        f" {account['theme']:<10} caused {account['caused']:>3} once {account['stored_once']:>3}"
        f" lost {len(account['lost'])} doubled {len(account['doubled'])}"
        f" again {len(account['again'])} longest {account['longest_s']:>7.2f} s"
        f"  took {account['took_s']:>6.1f} s  {account['kills']}"
    )
    for what in ("lost", "doubled", "findings"):
        for one in account[what]:
            yield f"     {what}: {one}"


def spans(seeds: Sequence[int]) -> str:
    """Return rising seeds in few words.

    >>> spans([3, 7, 8, 9])
    '3, 7 to 9'
    """
    said: list[str] = []
    for number, group in itertools.groupby(enumerate(seeds), lambda one: one[1] - one[0]):
        run = [number + at for at, _ in group]
        said.append(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}")
    return ", ".join(said)


def rank(times: Sequence[float], share: float) -> float:
    """Return the smallest of sorted times that `share` of them do not exceed."""
    return times[max(0, -(-int(len(times) * share * 1000) // 1000) - 1)]


def summary(accounts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the sum over all runs."""
    total: Counter[str] = Counter()
    times: dict[str, list[float]] = defaultdict(list)
    for each in accounts:
        total.update(runs=1, bad=not each["good"], caused=each["caused"])
        total.update(once=each["stored_once"], again=len(each["again"]))
        total.update(lost=len(each["lost"]), doubled=len(each["doubled"]))
        total.update(messages=each["messages"], events=each.get("events", 0))
        total.update({f"kill: {k}": v for k, v in each["kills"].items()})
        total.update({f"shed: {k}": v for k, v in each["shed"].items()})
        times[each["theme"]] += each["to_stored_s"]
    yield "  ".join(f"{name} {count}" for name, count in total.items())
    yield "longest to `stored`: " + "  ".join(
        f"{theme} {max(each, default=0.0):.1f} s" for theme, each in sorted(times.items())
    )
    every = sorted(time for each in times.values() for time in each)
    if every:
        yield (
            f"to `stored`, whatever was broken: p50 {rank(every, 0.5):.3f} s,"
            f" p99 {rank(every, 0.99):.3f} s, maximum {every[-1]:.3f} s, {len(every)} alarms"
        )
    calm = sorted(times.get(LINK_UP, ()))
    if calm:
        p50, p99, longest = rank(calm, 0.5), rank(calm, 0.99), calm[-1]
        over = p50 > P50_S or p99 > P99_S or longest > LONGEST_S
        yield (
            f"link up: p50 {p50:.3f} s (<= {P50_S:g}), p99 {p99:.3f} s (<= {P99_S:g}),"
            f" maximum {longest:.3f} s (<= {LONGEST_S:g}), {len(calm)} alarms"
            f"{'   OVER' if over else ''}"
        )


def status(accounts: Sequence[Mapping[str, Any]], missing: Sequence[int]) -> int:
    """Return the exit status: 0 only if every run was done and was good."""
    return 1 if missing or any(not each["good"] for each in accounts) else 0
