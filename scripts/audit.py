"""What the daemon stands on: `audit.py [--advisories]`. Exits non-zero if anything is wrong.

closure      every distribution that `pip install ansim-gateway` brings, by its own metadata
pinned       stands in scripts/constraints.txt with ==, and that version is the installed one
licence      stated, and not GPL or AGPL; LGPL only for what the daemon does not import
whole        each installed file has the SHA-256 that its wheel recorded
advisories   pip-audit asks PyPI for known vulnerabilities; where the service does not answer,
             that is said, and is no failure: the other checks need no network
"""

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = re.compile(r"\bA?GPL|(?<!Lesser )General Public|Affero", re.IGNORECASE)
LESSER = re.compile(r"\bLGPL|Lesser General Public|Library General Public", re.IGNORECASE)
INSTALLER = "pip"  # sqlite-utils asks for it; scripts/setup brings the newest
DAEMON = "import sys, gateway.service, gateway.registry as r; r.every(); print(*sys.modules)"


def plain(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def closure() -> dict[str, Distribution]:
    """Return what `pip install` of this project brings on this machine, itself left out."""
    found: dict[str, Distribution] = {}
    left: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "dependencies"
    ]
    while left:
        wanted = Requirement(left.pop())
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        if plain(wanted.name) not in found:
            found[plain(wanted.name)] = distribution(wanted.name)
            left += found[plain(wanted.name)].requires or ()
    return found


def pins(path: Path) -> dict[str, str]:
    """Return the pinned versions by name."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    pairs = (line.split("==") for line in lines if "==" in line)
    return {plain(name): version for name, version in pairs}


def licence(dist: Distribution) -> str:
    """Return what a distribution says of its licence: expression, classifiers, or first line."""
    told = dist.metadata
    classes = [c for c in told.get_all("Classifier") or () if c.startswith("License ::")]
    expression = "".join(told.get_all("License-Expression") or ())
    text = expression or "; ".join(c.split(" :: ")[-1] for c in classes)
    return text or "".join(told.get_all("License") or ()).strip().partition("\n")[0][:80]


def imported() -> set[str]:
    """Return the top-level modules that a running daemon has imported, drivers included."""
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", DAEMON], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def modules(dist: Distribution) -> set[str]:
    """Return the top-level modules that a distribution installs."""
    parts = (file.parts[0] for file in dist.files or () if file.suffix in (".py", ".so"))
    return {part.partition(".")[0] for part in parts}


def altered(dist: Distribution) -> Iterator[str]:
    """Yield the files that are not what the wheel recorded."""
    for file in dist.files or ():
        if file.hash is None or file.suffix == ".pyc":
            continue
        try:
            data = Path(str(file.locate())).read_bytes()
        except OSError:
            yield f"{file}: gone"
            continue
        found = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, data).digest())
        if found.rstrip(b"=").decode() != file.hash.value:
            yield f"{file}: altered"


def offline() -> list[str]:
    """Return what is wrong, after a line for each distribution."""
    wrong: list[str] = []
    pinned, used = pins(ROOT / "scripts" / "constraints.txt"), imported()
    for name, dist in sorted(closure().items()):
        says, here = licence(dist), bool(modules(dist) & used)
        print(f"{name:26} {dist.version:12} {'daemon' if here else '':7} {says}")
        if pinned.get(name) != dist.version and name != INSTALLER:
            wrong.append(f"{name} {dist.version} is installed, pinned is {pinned.get(name)}")
        if not says:
            wrong.append(f"{name}: says nothing of its licence")
        if FORBIDDEN.search(LESSER.sub("", says)) or (here and LESSER.search(says)):
            wrong.append(f"{name}: {says}{', and the daemon imports it' if here else ''}")
        wrong += [f"{name}: {one}" for one in altered(dist)]
    return wrong


def advisories() -> list[str]:
    """Return known vulnerabilities; say so where nobody could be asked."""
    needed = [f"{name}=={dist.version}" for name, dist in sorted(closure().items())]
    with tempfile.TemporaryDirectory(prefix="ansim-audit-") as name:
        python = Path(name, "venv", "bin", "python")
        listed = Path(name, "needed.txt")
        listed.write_text("\n".join(needed) + "\n")
        pip = (str(python), "-m", "pip", "install", "--quiet", "pip-audit")
        for command in ((sys.executable, "-m", "venv", str(python.parent.parent)), pip):
            done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - ours
            if done.returncode:
                print(f"advisories: NOT ASKED, pip-audit cannot be had: {done.stderr[-200:]}")
                return []
        done = subprocess.run(  # noqa: S603 - ours
            [
                *(str(python), "-m", "pip_audit", "-r", str(listed), "--no-deps"),
                *("--disable-pip", "--format", "json", "--progress-spinner", "off"),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
    return judged(done.stdout, len(needed), done.stderr)


def judged(report: str, asked: int, stderr: str) -> list[str]:
    """Return the vulnerabilities in pip-audit's report, and say how many it knew nothing of."""
    try:
        told = json.loads(report)["dependencies"]
    except (ValueError, KeyError):
        print(f"advisories: NOT ASKED, the service did not answer: {stderr.strip()[-200:]}")
        return []
    known = [each for each in told if "vulns" in each]
    if not known:
        print(f"advisories: NOT ASKED, the service knows none of the {asked} distributions")
        return []
    print(f"advisories: {len(known)} of {asked} distributions asked about")
    return [
        f"{each['name']} {each['version']}: {one['id']}, mended in {one['fix_versions']}"
        for each in known
        for one in each["vulns"]
    ]


def main() -> int:
    """Audit and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--advisories", action="store_true", help="ask PyPI too")
    args = parser.parse_args()
    try:
        wrong = offline()
    except PackageNotFoundError as missing:
        print(f"not installed here: {missing}")
        return 1
    if args.advisories:
        wrong += advisories()
    for one in wrong:
        print(f"WRONG  {one}")
    print("audit: " + (f"{len(wrong)} wrong" if wrong else "nothing wrong"))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
