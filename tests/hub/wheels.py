"""Wheel folders: the project's own, and versions of it that are newer or broken."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
Change = Callable[[str, str], str]


def fill(folder: Path, *arguments: str) -> Path:
    """Fill a folder with `scripts/build_wheels`."""
    script = ROOT / "scripts" / "build_wheels"
    environment = {**os.environ, "PYTHON": sys.executable}
    subprocess.run([script, folder, *arguments], check=True, env=environment)
    return folder


def index_of(folder: Path, *arguments: str) -> Path:
    """Fill a folder with all that building from source asks an index for."""
    fill(folder, *arguments)
    for own in folder.glob("ansim_gateway-*.whl"):
        own.unlink()
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    wanted = ("--only-binary", ":all:", "--dest", str(folder), "hatchling>=1.27")  # pyproject.toml
    subprocess.run((*pip, "download", *wanted), check=True)
    return folder


def other_version(wheels: Path, folder: Path, version: str, change: Change) -> Path:
    """Copy a wheel folder with the project at another version; `change`: (path, text) -> text."""
    folder.mkdir()
    for wheel in wheels.glob("*.whl"):
        if not wheel.name.startswith("ansim_gateway-"):
            os.link(wheel, folder / wheel.name)
            continue
        old = wheel.name.split("-")[1]
        with (
            zipfile.ZipFile(wheel) as given,
            zipfile.ZipFile(folder / wheel.name.replace(old, version, 1), "w") as made,
        ):
            for entry in given.infolist():
                data = given.read(entry)
                name = entry.filename.replace(f"ansim_gateway-{old}", f"ansim_gateway-{version}")
                if name.endswith(("METADATA", "RECORD", ".py", ".service")):
                    text = data.decode().replace(f"ansim_gateway-{old}", f"ansim_gateway-{version}")
                    text = text.replace(f"Version: {old}\n", f"Version: {version}\n")
                    data = change(name, text).encode()
                made.writestr(name, data)
    return folder
