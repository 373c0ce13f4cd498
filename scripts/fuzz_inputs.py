"""Feed what people and the centre write, damaged: `fuzz_inputs.py --yaml 20000 --messages 200000`.

    yaml       gateway.yaml and minimal.yaml, lines and bytes mutated   -> settings and `check`, or
                                                                           ConfigurationError
    messages   acknowledgements, commands, the centre's state, and what the centre reads of hubs
                                                                        -> a value, or CentreError
                                                                           (HubMessageError)
    pipeline   the same through the hub's own door into a running pipeline, between presses,
               sensors, ticks, restarts; its outputs must be messages that the centre can read, and
               every press must have become an alarm

Anything else is printed and exits with 1. Counts for each outcome.
"""

import argparse
import copy
import json
import random
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import structlog

from gateway import registry
from gateway.check.report import check
from gateway.config.loading import load_bytes
from gateway.core.inputs import Input
from gateway.core.model import (
    At,
    Battery,
    Button,
    ClockProven,
    Contact,
    Hazard,
    HazardState,
    Heard,
    HeartRate,
    HubReturned,
    Link,
    LinkChange,
    Memory,
    Motion,
    Press,
    Reading,
    Tick,
    Value,
    Worn,
)
from gateway.core.outputs import Outputs, Stream
from gateway.core.pipeline import Pipeline
from gateway.core.wire import (
    Ack,
    AckStatus,
    Cause,
    CentreState,
    Command,
    CommandName,
    Topics,
    ack_payload,
    centre_state_payload,
    command_payload,
    parse_ack,
    parse_centre_state,
    parse_command,
    parse_up,
)
from gateway.edge.downlink import Downlink
from gateway.edge.mqtt import Received
from gateway.edge.records import payload, to_json
from gateway.errors import AnsimError, CentreError, ConfigurationError, HubMessageError
from gateway.plan import plan
from gateway.settings import Settings
from tests.fakes import WALL_MS, counting_ids
from tests.homes import DISTRICT, HUB

ROOT = Path(__file__).resolve().parent.parent
FILES = tuple((ROOT / "config" / name).read_bytes() for name in ("gateway.yaml", "minimal.yaml"))
SHOWN, SELDOM, HALF = 10, 0.02, 0.5
STRANGE_TEXT = (
    "~", "null", "no", "[]", "{}", "[a, b", "{a: 1", "&x", "*x", "!!python/object:os.system x",
    "1e999", "-1", "0x1F", "22:00", "2026-11-21", "'", '"', "|", ">-", "- - -", "<<: *x", "\t",
    "é", "안심", "\u202e", "\ufeff", "%YAML 9.9", "---", "...", "? a", ": b", "a: b: c", "@", "`",
)  # fmt: skip
STRANGE_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**63 - 1, 2**63, 10**400, 1.5, -0.0, 1e308, "", " ", "x" * 5000, "\x00",
    "안심", "\ud800", [], {}, [[]], {"a": {}}, ["a"] * 300, "2026-11-21T00:00:00Z",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "stored", "closed", "alarm", "false",
)  # fmt: skip


class Tally:
    """Counts outcomes and keeps failures."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []

    def run(
        self,
        what: str,
        given: object,
        work: Callable[[], object],
        allowed: type[AnsimError],
    ) -> Any:
        """Do it and count what came of it; return the result, None if there was none."""
        try:
            result = work()
        except allowed as refused:
            self.counts[f"{what:10} {type(refused).__name__}"] += 1
            str(refused)  # an error that cannot be said is none
        except Exception:  # noqa: BLE001 - what this script looks for
            self.failed(what, given)
        else:
            self.counts[f"{what:10} accepted"] += 1
            return result
        return None

    def failed(self, what: str, given: object) -> None:
        """Keep a failure with the traceback of what is being handled."""
        self.counts[f"{what:10} FAILED"] += 1
        self.failures.append(f"{what}: {given!r:.2000}\n{traceback.format_exc()}")


# ------------------------------------------------------------------------------------- damage
def damage(chance: random.Random, data: bytes) -> bytes:
    """Return the bytes with some flipped, cut, doubled, or replaced by noise."""
    raw = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(5):
            case 0 if raw:
                raw[at % len(raw)] ^= 1 << chance.randrange(8)
            case 1:
                raw[at:at] = chance.randbytes(chance.randrange(1, 6))
            case 2:
                del raw[at : at + chance.randrange(1, 40)]
            case 3:
                raw[at:at] = raw[at : at + chance.randrange(1, 200)]
            case _:
                raw = raw[:at]
    return bytes(raw)


def damage_yaml(chance: random.Random, data: bytes) -> bytes:
    """Return the file as a hurried technician, or a bad disk, leaves it."""
    if chance.random() < SELDOM:
        return chance.randbytes(chance.randrange(300))
    lines = [line for line in data.decode().splitlines() if not line.lstrip().startswith("#")]
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(lines))
        line = lines[at]
        match chance.randrange(7):
            case 0:
                lines[at] = line[: line.find(":") + 1] + " " + chance.choice(STRANGE_TEXT)
            case 1:
                lines[at] = " " * chance.randrange(5) + line
            case 2:
                lines[at] = line.lstrip()
            case 3:
                del lines[at]
                lines = lines or [""]
            case 4:
                lines.insert(at, chance.choice(lines))
            case 5:
                lines.insert(at, chance.choice(STRANGE_TEXT))
            case _:
                lines[at] = line.replace(chance.choice(line or " "), chance.choice("abc:-'\" "), 1)
    text = "\n".join(lines).encode()
    return damage(chance, text) if chance.random() < HALF / 2 else text


def strange(chance: random.Random) -> Any:
    """Return a value nobody expects, for this message alone."""
    return copy.deepcopy(chance.choice(STRANGE_VALUES))


def damage_json(chance: random.Random, message: bytes) -> bytes:
    """Return a message with fields lost, added or turned strange, or its bytes damaged."""
    if chance.random() < HALF / 2:
        return damage(chance, message)
    whole = json.loads(message)
    for _ in range(chance.randrange(1, 3)):
        place = whole
        while nested := [v for v in place.values() if isinstance(v, dict) and v]:
            if chance.random() < HALF:
                break
            place = chance.choice(nested)
        key = chance.choice(sorted(place)) if place else "v"
        match chance.randrange(4):
            case 0:
                place.pop(key, None)
            case 1:
                place[chance.choice(("v", "id", "ids", "upto", "cause", "new"))] = strange(chance)
            case _:
                place[key] = strange(chance)
    return json.dumps(whole).encode("utf-8", "surrogatepass")


# ------------------------------------------------------------------------------------- the YAML
def fuzz_yaml(chance: random.Random, tally: Tally, count: int) -> None:
    """Read damaged files, and check what is accepted."""
    for _ in range(count):
        data = damage_yaml(chance, chance.choice(FILES))
        loaded = tally.run("yaml", data, partial(read_yaml, data), ConfigurationError)
        if loaded is not None:
            tally.run("check", data, partial(checked, loaded), ConfigurationError)


def read_yaml(data: bytes) -> Any:
    """Read a file as the daemon does."""
    return load_bytes(
        data, ROOT / "fuzzed.yaml", registry.find, driver_names=registry.available(), environ={}
    )


def checked(loaded: Any) -> None:
    """Check settings and put every finding into words."""
    for finding in check(loaded.settings, registry.find, places=loaded.places, environ={}):
        str(finding)


# ------------------------------------------------------------------------------------- messages
def spoken(chance: random.Random, ids: list[str]) -> tuple[str, bytes]:
    """Return a valid message of the centre: its leaf and its bytes."""
    some = tuple(chance.sample(ids, min(len(ids), chance.randrange(1, 4)))) or ("01K",)
    status = chance.choice(list(AckStatus))
    cause = chance.choice(list(Cause)) if status is AckStatus.CLOSED else None
    match chance.randrange(8):
        case 0:
            return "state", centre_state_payload(CentreState(chance.random() < HALF, WALL_MS))
        case 1 | 2 | 3:
            return "ack", ack_payload(Ack("E", "alarm", status, some, cause=cause))
        case _:
            name = chance.choice(list(CommandName))
            args: dict[str, Any] = {}
            if name is CommandName.ACKNOWLEDGE:
                args = {"ids": list(some), "status": status.value}
                args |= {"cause": cause.value} if cause else {}
            elif name is CommandName.RESEND:
                args = {"epoch": "E", "stream": "alarm", "from": 1, "to": chance.randrange(1, 9)}
            ident = f"cmd-{chance.randrange(10**6)}"
            return "cmd", command_payload(Command(ident, name, args, WALL_MS + 10**9))


def fuzz_messages(chance: random.Random, tally: Tally, count: int, said: list[bytes]) -> None:
    """Parse damaged messages, each by every reader there is."""
    topic = Topics(DISTRICT, HUB).up("alarm")
    readers = {"ack": parse_ack, "cmd": parse_command, "state": parse_centre_state}
    for _ in range(count):
        leaf, message = spoken(chance, ["01K1", "01K2", "01K3"])
        data = damage_json(chance, message)
        tally.run(leaf, data, partial(readers[leaf], data), CentreError)
        if said:
            up = damage_json(chance, chance.choice(said))
            tally.run("up", up, partial(parse_up, topic, up), HubMessageError)


# ------------------------------------------------------------------------------------- pipeline
class Home:
    """A pipeline with every rule, fed by the hub's own door for what comes down."""

    def __init__(self, settings: Settings, tally: Tally) -> None:
        self.settings, self.tally = settings, tally
        self.mono_ms, self.boot = 1_000_000, "b0" * 16
        self.topics = Topics(settings.hub.district, settings.hub.id)
        self.ids: list[str] = []
        self.said: list[bytes] = []
        self.memory: Outputs = Outputs()
        self.came: list[Input] = []
        self.born()

    def now(self) -> At:
        """Be the daemon's clock."""
        return At(self.boot, self.mono_ms, WALL_MS + self.mono_ms, proven=True)

    async def sleep(self, seconds: float) -> None:
        """Be the daemon's clock; nobody here waits."""
        raise NotImplementedError

    def born(self) -> None:
        """Start a new run, with nothing but its plan."""
        ids = counting_ids()
        ids_of = f"{len(self.ids):06d}"
        self.pipeline = Pipeline(
            plan(self.settings, registry.find), lambda at: ids_of + ids.new(at.wall_ms)[6:]
        )
        self.pipeline.restore((), {}, {})
        self.downlink = Downlink(
            self.topics,
            self,
            self.came.append,
            on_ack=lambda _ack: None,
            on_state=lambda _state, _retained: None,
            on_resend=lambda: None,
        )
        self.feed(HubReturned(self.now(), None, self.pipeline.book.matters))

    def feed(self, given: Input) -> Outputs:
        """Feed one input and read its messages as the centre would."""
        outputs = self.pipeline.feed(given)
        for number, post in enumerate(outputs.posts, start=1):
            message = payload(
                hub=self.settings.hub.id, epoch="E", stream=post.stream, seq=number, id=post.id,
                boot=1, durable=True, body=to_json(post.body),
            )  # fmt: skip
            if post.stream is Stream.ALARM:
                message["attempt"] = 1
            data = json.dumps(message, ensure_ascii=False, default=dict).encode()
            parse_up(self.topics.up(post.stream.value), data)
            if post.stream is Stream.ALARM:
                self.ids = [*self.ids[-200:], post.alert or post.id, post.id]
                self.said = [*self.said[-50:], data]
        return outputs

    def hear(self, chance: random.Random, device: str, value: Value) -> Outputs:
        """Let a device speak."""
        now = self.now()
        memory = Memory(device, {"packet": chance.randrange(256)})
        return self.feed(Heard(now, device, (Reading(now, device, value),), memory))

    def turn(self, chance: random.Random) -> str:  # noqa: PLR0911 - one for each thing
        """Let something happen; return what."""
        self.mono_ms += chance.choice((10, 500, 1000, 30_000, 3_600_000))
        names = [device.name for device in self.settings.devices]
        match chance.randrange(10):
            case 0:
                how = chance.choice([press for press in Press if press is not Press.RELEASE])
                outputs = self.hear(chance, "sos-button", Button(how))
                if not any(post.stream is Stream.ALARM for post in outputs.posts):
                    raise AssertionError(f"a press ({how}) made no alarm")
                return "press"
            case 1 | 2:
                self.hear(chance, chance.choice([*names, "nobody"]), chance.choice(VALUES))
                return "sensor"
            case 3:
                link, up = chance.choice(list(Link)), chance.random() < HALF
                self.feed(LinkChange(self.now(), link, up, device="", detail="x" * 300))
                return "link"
            case 4 if chance.random() < SELDOM:
                self.boot = f"{chance.getrandbits(128):032x}"
                self.mono_ms = chance.randrange(10**6)
                self.born()
                return "restart"
            case 4:
                self.feed(ClockProven(self.now()))
                return "clock"
            case 5 | 6:
                self.feed(Tick(self.now()))
                return "tick"
            case _:
                return self.down(chance)

    def down(self, chance: random.Random) -> str:
        """Let something come down from the broker, mostly damaged."""
        leaf, data = spoken(chance, self.ids or ["01K"])
        if chance.random() < HALF:
            data = damage_json(chance, data)
        topic = self.topics.centre if leaf == "state" else self.topics.dn(leaf)
        self.came.clear()
        self.downlink.receive(Received(topic, data, leaf == "state", 1, 1))
        for given in tuple(self.came):
            self.feed(given)
        return f"down {leaf}" + ("" if self.came else ", refused or nothing to do")


VALUES: tuple[Value, ...] = (
    Motion(detected=True),
    Motion(detected=False),
    Contact(open=True),
    Contact(open=False),
    Button(Press.HOLD),
    Button(Press.RELEASE),
    Worn(worn=False),
    Worn(worn=True),
    HeartRate(60, contact=None),
    Battery(3, low=True),
    Battery(90, low=False),
    *(HazardState(hazard, present=present) for hazard in Hazard for present in (True, False)),
)


def fuzz_pipeline(chance: random.Random, tally: Tally, count: int) -> list[bytes]:
    """Run a home; return what it said to the centre."""
    settings = read_yaml(FILES[0]).settings
    home = Home(replace(settings), tally)
    for _ in range(count):
        try:
            tally.counts[f"{'pipeline':10} {home.turn(chance)}"] += 1
        except Exception:  # noqa: BLE001 - what this script looks for
            tally.failed("pipeline", home.came)
            home.born()
    return home.said


def main(arguments: Iterable[str] | None = None) -> int:
    """Run until the numbers are used up."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--yaml", type=int, default=5_000)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--pipeline", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    quiet = structlog.make_filtering_bound_logger(50)  # refusals are counted, not read
    structlog.configure(wrapper_class=quiet)
    chance, tally = random.Random(chosen.seed), Tally()  # noqa: S311 - it must repeat
    said = fuzz_pipeline(chance, tally, chosen.pipeline)
    fuzz_messages(chance, tally, chosen.messages, said)
    fuzz_yaml(chance, tally, chosen.yaml)
    for name, count in sorted(tally.counts.items()):
        print(f"{count:10,}  {name}")
    print(f"seed {chosen.seed}, {len(tally.failures)} failures")
    for failure in tally.failures[:SHOWN]:
        print(failure, file=sys.stderr)
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(main())
