"""How the inactivity detector holds where the open homes are too few: side by side.

    python scripts/robust_homes.py [--orders 4] [--simulated 36] [--left-out SECONDS]

The open homes as recorded; the same with their days in other orders; SIMULATED homes, which nobody
lives in; and, when asked for, each open home with constants that were searched without it. Last,
what a better set of sensors would do in SIMULATED homes of the same people. False alarms are told
for seven months, delays as median/90 % in hours and the share later than 12 h.
"""

import argparse
from types import ModuleType
from typing import Any

from fit_homes import ORDERS, Search
from homes_data import (
    FEWER,
    Home,
    Result,
    line,
    load_scorer,
    open_homes,
    pooled,
    shuffled_homes,
    simulated_homes,
)
from homes_simulated import simulated

from gateway.core.detectors.inactivity_limits import limits

SEVEN_MONTHS = 7.0
# The same people with other sensors. One way out in three is a second door.
SETS: dict[str, dict[str, Any]] = {
    "motion sensors, no door": {"door": False},
    "motion sensors, front door": {},
    "- no sensor in the bedroom": {"bedroom": 0.0, "stirs": 0.0},
    "+ bed contact": {"bed": True},
    "+ band (a moving arm)": {"band": True},
    "one outing in three by a back door": {"back_door": 0.33},
    "+ its contact": {"back_door": 0.33, "back_seen": True},
}


def show(scorer: ModuleType, name: str, homes: list[Home], results: list[Result]) -> None:
    """Print one row."""
    months = sum(one.home.months for one in homes)
    alarms = sum(r.alarms for r in results)
    rate = alarms / months * SEVEN_MONTHS
    print(f"{name:36s} {months:5.1f} months  {alarms:3d} alarms ({rate:4.1f} in seven)", end="  ")
    print(f"score {pooled(scorer, results):.2f}  {line(scorer, results)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=4)
    parser.add_argument("--simulated", type=int, default=36)
    parser.add_argument("--left-out", type=float, default=0.0, metavar="SECONDS")
    asked = parser.parse_args()
    scorer, p = load_scorer(), limits()
    homes = open_homes(scorer)
    show(scorer, "open homes", homes, [one.result(p) for one in homes])
    orders = [one for row in shuffled_homes(scorer, homes, asked.orders) for one in row]
    show(scorer, "open homes, days in other orders", orders, [one.result(p) for one in orders])
    if asked.left_out:
        search = Search(seed=1)
        search.run(asked.left_out, from_chosen=False)
        held = [trial for _, trial in search.best[:-1]]
        found = [trial.homes[i] for i, trial in enumerate(held)]
        show(scorer, "open homes, each left out", search.homes, found)
        moved = shuffled_homes(scorer, homes, ORDERS)
        found = [one for i, trial in enumerate(held) for one in trial.orders[i]]
        show(scorer, "each left out, in other orders", [h for row in moved for h in row], found)
    made = simulated_homes(scorer, range(asked.simulated))
    show(scorer, "SIMULATED homes", made, [one.result(p) for one in made])
    print("\nSIMULATED: the same people, other sensors")
    for name, told in SETS.items():
        seeds = range(asked.simulated // 2)
        made = [Home(scorer, simulated(scorer, seed, **told), FEWER) for seed in seeds]
        show(scorer, name, made, [one.result(p) for one in made])


if __name__ == "__main__":
    main()
