"""The README's tables are those of the code."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_generated_tables_of_the_readme_are_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate_readme"), "--check"],
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, "run scripts/generate_readme"


def test_every_file_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    words = (word.strip("`.:;,()") for word in text.split())
    paths = {word for word in words if word.startswith(("config/", "scripts/", "systemd/"))}
    assert len(paths) > 8
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
