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


def run(nobody: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script as somebody who is not root: it must never install anything here."""
    (nobody / "id").write_text("#!/bin/sh\necho 1000\n")
    (nobody / "id").chmod(0o755)
    return subprocess.run(
        ["/bin/bash", str(SCRIPTS / script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": f"{nobody}:/usr/bin:/bin", "LANG": "en_US.UTF-8", "PYTHON": "/bin/false"},
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--lang",),
        ("--lang", "fr"),
        ("--ready-within",),
        ("--ready-within", "0"),
        ("--config",),
        ("--frob",),
        ("upgrade",),
    ],
    ids=" ".join,
)
def test_wrong_use_is_said_before_anything_is_done(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    done = run(tmp_path, "install.sh", *arguments)
    assert done.returncode == 2
    assert "install.sh rollback" in done.stderr


def test_help_is_no_wrong_use(tmp_path: Path) -> None:
    done = run(tmp_path, "install.sh", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "install.sh rollback" in done.stdout


@pytest.mark.parametrize("option", ["--wheels", "--config"])
def test_a_file_that_is_not_there_is_named(option: str, tmp_path: Path) -> None:
    done = run(tmp_path, "install.sh", option, "/not/there")
    assert done.returncode == 1
    assert "/not/there" in done.stderr


@pytest.mark.parametrize("script", ["build_deb", "build_wheels"])
def test_an_option_without_its_value_builds_nothing(script: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run(tmp_path, script, str(out), "--python")
    assert done.returncode == 2
    assert "--python" in done.stderr
    assert not out.exists()


def test_a_removal_that_was_broken_off_is_finished_by_the_next(tmp_path: Path) -> None:
    """The units are gone, so that systemctl cannot stop them and says so by its status."""
    done = bash(
        "set -e; root=$1; state=/nowhere unit=ansim-gateway.service data=keep; booted() { true; }\n"
        "systemctl() { case $1 in is-active) return 3 ;; stop) return 5 ;; esac; }\n"
        "remove_program() { echo program removed; }\n"
        "uninstall",
        tmp_path,
    )
    assert "program removed" in done.stdout
    assert done.returncode == 0


CONFIGURE = """set -e; root=$1/opt etc=$1/etc config=$1/etc/gateway.yaml
given_config=$2 config_placed=''
install() { cp "$5" "$6"; }
mkdir -p "$root/versions/new/share/ansim/config" "$etc"
echo "  id: template" > "$root/versions/new/share/ansim/config/minimal.yaml"
"""


def test_a_prepared_configuration_that_is_refused_is_not_left_in_the_way(tmp_path: Path) -> None:
    given = tmp_path / "mine.yaml"
    given.write_text("wrong")
    done = bash(CONFIGURE + "place_config new; refuse new ''", tmp_path, given)
    assert done.returncode == 1
    assert not (tmp_path / "etc/gateway.yaml").exists()
    assert not (tmp_path / "opt/versions/new").exists()


def test_a_configuration_that_was_there_before_is_never_taken_away(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/gateway.yaml").write_text("the home's")
    bash(CONFIGURE + "place_config new; refuse new ''", tmp_path, "")
    assert (tmp_path / "etc/gateway.yaml").read_text() == "the home's"


def test_the_template_counts_as_edited_by_its_content_whatever_its_date(tmp_path: Path) -> None:
    script = CONFIGURE + "place_config new; unedited && echo template\n"
    script += "echo edited > $config; touch -d 2020-01-01 $config; unedited || echo edited"
    assert bash(script, tmp_path, "").stdout.split() == ["template", "edited"]
