"""The announcer runs the technician's command, and never stands in an alarm's way."""

import sys
from pathlib import Path

import structlog

from gateway.core.alerts import Turn, begin
from gateway.core.model import Decision, Kind, Reason, Stage
from gateway.core.outputs import Announce, Sound
from gateway.edge.announce import CommandAnnouncer
from tests.fakes import at

ALERT, _ = begin(
    "A",
    Decision(Kind.FALL, Stage.SUSPECTED, at(0), "band", Reason("test.alarm")),
    Turn.SUSPECT,
    30_000,
)


async def test_the_command_hears_what_is_announced_in_order(tmp_path: Path) -> None:
    out = tmp_path / "said"
    script = f"import sys; open({str(out)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')"
    announcer = CommandAnnouncer([sys.executable, "-c", script, "{sound}", "{kind}"], None)
    for sound in (Sound.PENDING, Sound.CANCELLED):
        await announcer(Announce(at(0), sound, ALERT))
    assert out.read_text() == "pending fall\ncancelled fall\n"


async def test_a_command_that_fails_or_is_missing_is_logged_and_no_more() -> None:
    with structlog.testing.capture_logs() as lines:
        log = structlog.get_logger()
        await CommandAnnouncer([sys.executable, "-c", "raise SystemExit(3)"], log)(
            Announce(at(0), Sound.PENDING, ALERT)
        )
        await CommandAnnouncer(["/no/such/command"], log)(Announce(at(0), Sound.RAISED, ALERT))
    assert [line["event"] for line in lines] == ["announcer failed", "announcer cannot be run"]
    assert lines[0]["status"] == 3
