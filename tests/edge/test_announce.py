"""The announcer runs the technician's command, and never stands in an alarm's way."""

import sys
from pathlib import Path

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
    health: list[tuple[bool, str]] = []
    announcer = CommandAnnouncer(
        [sys.executable, "-c", script, "{sound}", "{kind}"], lambda *told: health.append(told)
    )
    for sound in (Sound.PENDING, Sound.CANCELLED):
        await announcer(Announce(at(0), sound, ALERT))
    assert out.read_text() == "pending fall\ncancelled fall\n"
    assert health == [(True, "")], "once, not at every announcement"


async def test_a_command_that_fails_or_is_missing_is_told_and_stops_nothing() -> None:
    health: list[tuple[bool, str]] = []
    for command in ([sys.executable, "-c", "raise SystemExit(3)"], ["/no/such/command"]):
        announcer = CommandAnnouncer(command, lambda *told: health.append(told))
        await announcer(Announce(at(0), Sound.PENDING, ALERT))
    assert [works for works, _ in health] == [False, False]
    assert health[0][1] == "exit status 3"
    assert "/no/such/command" in health[1][1]
