"""What was said of the resident (out, home again) outlives a power cut a moment later."""

from pathlib import Path

import pytest

from gateway import registry
from gateway.core.inputs import Asked, Input
from gateway.core.model import At, Button, Contact, Heard, HubReturned, Press, Reading, Tick
from gateway.core.outputs import Outputs, Sound, Stream
from gateway.core.pipeline import Pipeline
from gateway.core.wire import Command, CommandName
from gateway.plan import plan
from gateway.replay.direct import pipeline_of
from gateway.settings import DeviceStanza, Role
from tests.homes import settings

SECOND = 1000
BUTTON = DeviceStanza("button", "bthome", "B4:35:22:F5:3D:A4", role=Role.SOS_CANCEL)
DOOR = DeviceStanza("door", "bthome", "B4:35:22:F5:3D:A5", role=Role.DOOR)


def at(seconds: int, boot: str = "b1") -> At:
    return At(boot, seconds * SECOND, 1_800_000_000_000 + seconds * SECOND, proven=True)


def home(tmp_path: Path) -> Pipeline:
    made = settings(tmp_path, "mqtt://127.0.0.1", BUTTON, DOOR)
    return pipeline_of(plan(made, registry.find))


def presence(pipeline: Pipeline) -> str:
    (watch,) = pipeline.learning
    return str(watch.outlook()["presence"])  # type: ignore[attr-defined] # the one that has it


def pressed(seconds: int, press: Press) -> Input:
    return Heard(at(seconds), "button", (Reading(at(seconds), "button", Button(press)),))


def asked(seconds: int, name: CommandName) -> Input:
    return Asked(at(seconds), Command(f"c{seconds}", name, {}, at(9999).wall_ms))


def after_a_power_cut(tmp_path: Path, outputs: Outputs) -> Pipeline:
    """Return a new run that has only what these outputs committed."""
    again = home(tmp_path)
    again.restore((), {}, dict(outputs.state))
    again.feed(HubReturned(at(600, "b2"), at(10)))
    again.feed(Tick(at(601, "b2")))
    return again


@pytest.mark.parametrize("said", [asked(5, CommandName.AWAY), pressed(5, Press.LONG)])
def test_away_is_on_the_disk_before_anything_else_can_happen(tmp_path: Path, said: Input) -> None:
    first = home(tmp_path)
    first.feed(Tick(at(1)))
    outputs = first.feed(said)
    assert outputs.urgent
    assert presence(first) == "said-away"
    assert presence(after_a_power_cut(tmp_path, outputs)) == "said-away"
    assert [told.sound for told in outputs.announcements] == [Sound.AWAY], "and is heard at home"


def test_home_again_is_too(tmp_path: Path) -> None:
    first = home(tmp_path)
    first.feed(Tick(at(1)))
    first.feed(asked(5, CommandName.AWAY))
    outputs = first.feed(asked(8, CommandName.HOME))
    assert presence(after_a_power_cut(tmp_path, outputs)) != "said-away"
    assert [told.sound for told in outputs.announcements] == [Sound.HOME]


def test_what_says_nothing_of_the_resident_waits_for_the_batch(tmp_path: Path) -> None:
    first = home(tmp_path)
    first.feed(Tick(at(1)))
    opened = Heard(at(5), "door", (Reading(at(5), "door", Contact(open=True)),))
    assert not first.feed(opened).urgent
    answered = first.feed(asked(6, CommandName.STATUS))
    assert answered.state == ()
    assert [post.stream for post in answered.posts] == [Stream.RES]
