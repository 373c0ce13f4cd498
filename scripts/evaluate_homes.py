"""Scores the inactivity detector on the open homes, beside fixed rules.

    python scripts/evaluate_homes.py [--faults] [--references] [--only NAME,NAME] [--seed 1000]
                                     [--robust]

The scorer's own tables, each from a process of its own (it refuses a detector that was imported
before its guard stood). The setting is fixed in gateway/core/detectors/inactivity_limits.py; how it
was chosen, and what it gives in homes that were left out, is scripts/fit_homes.py. `--robust` adds
the same homes with their days in other orders, and SIMULATED homes (scripts/robust_homes.py).
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DETECTOR = "gateway.evaluation:new_inactivity_detector"
REFERENCES = ("timeout:8.5h", "timeout:10h", "timeout:17.5h", "cuddihy:1,4")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faults", action="store_true", help="also run the technical faults")
    parser.add_argument("--references", action="store_true", help="also score the fixed rules")
    parser.add_argument("--only", help="names of homes, comma separated")
    parser.add_argument("--seed", default="1000")
    parser.add_argument("--jobs", default="1")
    parser.add_argument("--robust", action="store_true", help="also other orders and simulations")
    asked = parser.parse_args()
    homes = Path(os.environ.get("ANSIM_SHARED", ROOT.parent / "shared")) / "data" / "homes"
    if not (homes / "score_inactivity.py").is_file():
        sys.exit(f"{homes} has no scorer: the homes are not part of this repository")
    command = [sys.executable, str(homes / "score_inactivity.py"), "--homes", str(homes / "open")]
    command += ["--seed", asked.seed, "--jobs", asked.jobs]
    command += ["--only", asked.only] if asked.only else []
    ours = [*command, "--detector", DETECTOR, *(["--faults"] if asked.faults else [])]
    status = subprocess.run(ours, cwd=ROOT, check=False).returncode  # noqa: S603 - our own words
    for reference in REFERENCES if asked.references else ():
        print(flush=True)
        theirs = [*command, "--detector", reference, "--no-check"]
        subprocess.run(theirs, cwd=ROOT, check=False)  # noqa: S603 - our own words
    if asked.robust:
        print(flush=True)
        robust = [sys.executable, str(ROOT / "scripts" / "robust_homes.py")]
        subprocess.run(robust, cwd=ROOT, check=False)  # noqa: S603 - our own words
    return status


if __name__ == "__main__":
    sys.exit(main())
