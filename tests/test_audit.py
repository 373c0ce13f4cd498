"""The audit of what the daemon stands on: it says what it did not ask, and finds what is wrong."""

import json
from importlib.metadata import distribution
from pathlib import Path

import pytest

from scripts import audit


@pytest.mark.parametrize(
    ("licence", "forbidden", "lesser"),
    [
        ("GPL-3.0-or-later", True, False),
        ("GNU General Public License v3 (GPLv3)", True, False),
        ("AGPL-3.0", True, False),
        ("LGPL-2.1-or-later", False, True),
        ("GNU Lesser General Public License v3 (LGPLv3)", False, True),
        ("MIT OR Apache-2.0", False, False),
        ("EPL-2.0 OR BSD-3-Clause", False, False),
    ],
)
def test_a_licence_is_known_by_its_names(licence: str, *, forbidden: bool, lesser: bool) -> None:
    assert bool(audit.FORBIDDEN.search(audit.LESSER.sub("", licence))) is forbidden
    assert bool(audit.LESSER.search(licence)) is lesser


def test_everything_that_an_installation_brings_is_pinned() -> None:
    pinned = audit.pins(Path(audit.__file__).parent / "constraints.txt")
    needed = audit.closure()
    assert {"bleak", "numba", "paho-mqtt", "sqlite-utils"} <= needed.keys()
    assert needed.keys() - pinned.keys() <= {audit.INSTALLER}


def test_files_as_the_wheel_recorded_them_are_whole() -> None:
    assert list(audit.altered(distribution("structlog"))) == []


def test_a_vulnerability_is_told_and_a_service_that_knows_nothing_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    vulnerable = {
        "name": "paho-mqtt",
        "version": "2.2.0",
        "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["2.2.1"]}],
    }
    unknown = {"name": "bleak", "skip_reason": "Dependency not found on PyPI"}
    report = json.dumps({"dependencies": [vulnerable, unknown]})
    assert audit.judged(report, 2, "") == ["paho-mqtt 2.2.0: PYSEC-2026-1, mended in ['2.2.1']"]
    assert "1 of 2" in capsys.readouterr().out
    for nothing in (json.dumps({"dependencies": [unknown]}), "", "no network"):
        assert audit.judged(nothing, 1, "no route to host") == []
        assert "NOT ASKED" in capsys.readouterr().out
