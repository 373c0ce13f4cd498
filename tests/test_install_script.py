"""The installer's parts that need no root: its texts, its view of the machine, what it places."""

import re
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
UNITS = SCRIPTS.parent / "systemd"
PARTS = [SCRIPTS / "install.sh", *sorted((SCRIPTS / "install").glob("*.sh"))]
TEXTS = re.compile(r"^(en|ko)\[([a-z0-9-]+)\]='((?:[^'])*)'", re.MULTILINE)


def bash(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script with all parts of the installer read, but its `main`."""
    parts = "\n".join(f". {part}" for part in PARTS[1:])
    return subprocess.run(
        [
            "/bin/bash",
            "-c",
            f"set -u; root=/opt/ansim\n{parts}\n{script}",
            "-",
            *map(str, arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def texts() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {"en": {}, "ko": {}}
    for language, key, words in TEXTS.findall((SCRIPTS / "install" / "texts.sh").read_text()):
        found[language][key] = words
    return found


def test_every_text_is_there_in_english_and_korean_with_the_same_values() -> None:
    english, korean = texts()["en"], texts()["ko"]
    assert english.keys() == korean.keys()
    for key, words in english.items():
        assert words.count("%s") == korean[key].count("%s"), key
        assert "%" not in words.replace("%s", ""), "bash's printf knows no positions"


def test_every_text_that_is_said_exists_and_none_is_left_over() -> None:
    code = "\n".join(part.read_text() for part in PARTS)
    said = set(re.findall(r"\b(?:say|fail) ([a-z][a-z0-9-]+)", code))
    assert said == texts()["en"].keys()


@pytest.mark.parametrize("part", PARTS, ids=lambda path: path.name)
def test_bash_can_read_every_part(part: Path) -> None:
    assert subprocess.run(["/bin/bash", "-n", part], check=False).returncode == 0


def test_a_kernel_without_the_memory_cgroup_is_noticed_in_both_of_its_versions(
    tmp_path: Path,
) -> None:
    second, first = tmp_path / "cgroup.controllers", tmp_path / "cgroups"
    first.write_text(
        "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t1\t1\nmemory\t0\t1\t0\n"
    )
    assert bash('memory_cgroup "$@"', second, first).returncode == 1
    first.write_text("memory\t4\t32\t1\n")
    assert bash('memory_cgroup "$@"', second, first).returncode == 0
    second.write_text("cpuset cpu io pids\n")
    assert bash('memory_cgroup "$@"', second, first).returncode == 1
    second.write_text("cpuset cpu io memory pids\n")
    assert bash('memory_cgroup "$@"', second, first).returncode == 0


def test_every_file_of_the_systemd_folder_has_a_place() -> None:
    placed = bash('system_files_in "$@"', UNITS).stdout.split("\n")[:-1]
    assert {Path(line.split()[0]).name for line in placed} == {p.name for p in UNITS.iterdir()}
    assert len({line.split()[1] for line in placed}) == len(placed)


def test_the_reader_gets_korean_unless_the_terminal_speaks_english() -> None:
    assert bash("reader=en_GB.UTF-8; say not-installed").stdout == "Nothing is installed here.\n"
    assert bash("reader=C; say not-installed").stdout == "설치된 것이 없습니다.\n"
