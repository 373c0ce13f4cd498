"""Scores the inactivity detector on the open homes, beside fixed rules.

    python scripts/evaluate_homes.py [--faults] [--references] [--only NAME,NAME] [--seed 1000]

The scorer's own table, whatever it says. The setting is fixed in gateway/core/detectors; how it was
chosen, and what it gives in homes that were left out, is scripts/fit_homes.py.
"""

import argparse
import sys

from homes_data import load_scorer, shared_homes

DETECTOR = "gateway.evaluation:new_inactivity_detector"
REFERENCES = ("timeout:8.5h", "timeout:10h", "timeout:17.5h", "cuddihy:1,4")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faults", action="store_true", help="also run the technical faults")
    parser.add_argument("--references", action="store_true", help="also score the fixed rules")
    parser.add_argument("--only", default="", help="names of homes, comma separated")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    scorer = load_scorer()
    paths = sorted((shared_homes() / "open").glob("*.npz"))
    wanted = set(asked.only.split(",")) if asked.only else {path.stem for path in paths}
    homes = [str(path) for path in paths if path.stem in wanted]
    passed = True
    for detector in (DETECTOR, *(REFERENCES if asked.references else ())):
        ours = detector == DETECTOR
        told = scorer.score(
            homes, detector, asked.seed, faults=asked.faults and ours, jobs=asked.jobs, check=ours
        )
        print(scorer.table(told), end="\n\n")
        if ours:
            passed = told["pooled"]["pass"] and told["pooled"].get("faults_pass", True)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
