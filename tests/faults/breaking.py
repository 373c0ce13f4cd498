"""What breaks: each method is one fault of a plan's steps (tests.faults.plan)."""

import asyncio
from collections.abc import Callable

import numpy as np

from gateway.virtual.wear import fall, quiet
from tests.faults.account import Stored
from tests.faults.card import fill, remount, scribble
from tests.faults.checks import centre_raised
from tests.faults.meddling import Meddler
from tests.faults.proxy import PUBACK, PUBLISH, Packet, Proxy, Weather
from tests.faults.rig import Rig
from tests.faults.themes import Step
from tests.faults.wire import Line
from tests.faults.witness import Witness


class Breaking:
    """Carries faults out on a rig. `broken_epochs`: whose databases were destroyed."""

    def __init__(self, rig: Rig, witness: Witness) -> None:
        self._rig, self._witness = rig, witness
        self.kills = {"hub": 0, "centre": 0, "broker": 0, "points": 0}
        self.epochs_may_break = False
        self._one_broker = asyncio.Lock()
        meddler = Meddler(rig)
        self._meddle, self._rival = meddler.meddle, meddler.rival
        self._insist = meddler.insist
        self._filler = rig.store / "filler"

    async def do(self, step: Step) -> None:
        """Carry one step out."""
        await getattr(self, f"_{step.what}")(**step.about)

    async def insist(self, within_s: float) -> None:
        """Ask again what the hub may never have heard, where its broker keeps nothing for it."""
        if self._rig.lent.hub_qos == 0:
            await self._insist(self._witness.answered, within_s)

    # --------------------------------------------------------------------------------- kill -9
    async def _kill_hub(self, *, power: bool, down_s: float) -> None:
        self.kills["hub"] += 1
        await self._rig.hub.down()
        if power:
            self._rig.clock.reboot()
        await asyncio.sleep(down_s)
        self._rig.hub.wanted.set()

    async def _kill_centre(self, *, down_s: float) -> None:
        self.kills["centre"] += 1
        await self._rig.centre.down()
        await asyncio.sleep(down_s)
        self._rig.centre.wanted.set()

    async def _kill_broker(self, *, down_s: float) -> None:
        async with self._one_broker:  # killed again while it is down: one after the other
            if await self._rig.broker.kill():
                self.kills["broker"] += 1
                await asyncio.sleep(down_s)
                await self._rig.broker.start()

    async def _arm(self, *, point: str, nth: int) -> None:
        self.kills["points"] += 1
        self._rig.arm.write_text(f"{point} {nth}")

    async def _arm_wire(self, *, point: str, after_s: float) -> None:
        """Let hub or centre die when a certain packet passes (in TLS nobody sees it)."""
        if self._rig.lent.identities is not None:
            return
        self.kills["points"] += 1
        rig = self._rig
        centre = point.startswith("centre-")
        net, victim = (rig.centre_net, rig.centre) if centre else (rig.hub_net, rig.hub)
        swallow = point.endswith("-lost")
        meant = MEANT[point.removesuffix("-lost").removesuffix("-out").removesuffix("-come")]
        alarm_passed = False
        loop = asyncio.get_running_loop()

        def rule(packet: Packet) -> bool:
            nonlocal alarm_passed
            alarm_passed |= packet.topic.endswith("/up/alarm")
            if not meant(packet) or (packet.kind == PUBACK and not alarm_passed):
                return True
            net.rule = None
            loop.call_later(0.0 if swallow else after_s, victim.kill)
            if swallow:
                net.rule = _nothing  # what dies in this moment sends nothing any more
                loop.call_later(0.02, _let_pass, net)
            return not swallow

        net.rule = rule

    # --------------------------------------------------------------------------------- network
    async def _weather(self, *, side: str, **weather: float) -> None:
        nets = {"hub": self._rig.hub_net, "centre": self._rig.centre_net}
        for name, net in nets.items():
            if side in (name, "both"):
                await net.change(Weather(**weather))  # type: ignore[arg-type] # by the plan's names

    async def _line(self, **line: float | str) -> None:
        """Let the kernel's own network be so."""
        assert self._rig.wire is not None
        await self._rig.wire.change(Line(**line))  # type: ignore[arg-type] # by the plan's names

    async def _twin(self) -> None:
        """Switch on a second hub that was given the same id."""
        await self._rig.start_twin()

    async def _kill_twin(self) -> None:
        self.kills["hub"] += 1
        await self._rig.twin.down()
        self._rig.twin.wanted.set()

    async def _outage(self, *, who: str, seconds: float, step_s: float) -> None:
        """Let days pass with one part away, in virtual time."""
        rig = self._rig
        if who == "net":
            await rig.hub_net.change(Weather(gone=True))
        elif who == "broker":
            await rig.broker.kill()
        else:
            await rig.centre.down()
        await asyncio.sleep(1.0)
        await rig.clock.pass_by(seconds, step_s)
        if who == "net":
            await rig.hub_net.change(Weather())
        elif who == "broker":
            await rig.broker.start()
        else:
            rig.centre.wanted.set()

    # --------------------------------------------------------------------------------- the disk
    async def _fill_disk(self) -> None:
        """Leave no byte: the hub has nothing but its ballast."""
        await asyncio.to_thread(fill, self._filler)

    async def _free_disk(self) -> None:
        self._filler.unlink(missing_ok=True)

    async def _read_only(self, *, on: bool) -> None:
        """Let a hub start on a card that was mounted read-only, as a worn one is."""
        if on:
            self.epochs_may_break = True
            await self._rig.hub.down()
        await asyncio.to_thread(remount, self._rig.store, read_only=on)
        self._rig.hub.wanted.set()

    async def _corrupt(self, *, pages: int) -> None:
        """Kill the hub and overwrite pages of its database."""
        self.kills["hub"] += 1
        self.epochs_may_break = True
        await self._rig.hub.down()
        await asyncio.to_thread(scribble, self._rig.store / "hub.db", pages, self._rig.chance)
        self._rig.hub.wanted.set()

    async def _delete_store(self, *, dead: bool) -> None:
        """Swap the card: an empty one, while the hub is off or under its feet."""
        self.epochs_may_break = True
        if dead:
            self.kills["hub"] += 1
            await self._rig.hub.down()
        for file in list(self._rig.store.iterdir()):
            if file.is_file():
                file.unlink()
        self._rig.hub.wanted.set()

    # ------------------------------------------------------------------------- the cancel window
    async def _fall_and_die(self, *, after_s: float) -> None:
        """Fall; kill the hub once the centre has the pending alarm; let the centre raise it."""
        rig = self._rig
        assert rig.band is not None
        rig.band.play(np.concatenate([quiet(4.0), fall(lying_s=40.0)]), 50.0)
        await self._witness.until(lambda: bool(self._falls("pending")), 30.0)
        await asyncio.sleep(after_s)
        self.kills["hub"] += 1
        await rig.hub.down()
        await self._witness.until(lambda: "fall" in centre_raised(rig), 15.0)

    def _falls(self, state: str) -> list[Stored]:
        return [
            message
            for message in self._witness.stored.values()
            if message.body.get("type") == "fall" and message.body.get("state") == state
        ]

    async def _time_passes(self, *, seconds: float, step_s: float) -> None:
        await self._rig.clock.pass_by(seconds, step_s)

    # --------------------------------------------------------------------------------- the clock
    async def _turn_clock(self, *, wall_off_ms: int, proven: bool, power: bool) -> None:
        if power:
            self.kills["hub"] += 1
            await self._rig.hub.down()
            self._rig.clock.reboot()
        self._rig.clock.wrong(wall_off_ms, proven=proven)
        self._rig.hub.wanted.set()

    async def _right_clock(self) -> None:
        self._rig.clock.wrong(0, proven=True)


MEANT: dict[str, Callable[[Packet], bool]] = {
    "publish": lambda p: p.up and p.topic.endswith("/up/alarm"),
    "puback": lambda p: not p.up and p.kind == PUBACK,
    "stored": lambda p: not p.up and p.topic.endswith("/dn/ack"),
    "centre-alarm": lambda p: not p.up and p.topic.endswith("/up/alarm"),
    "centre-word": lambda p: p.up and p.kind == PUBLISH and p.topic.endswith("/dn/ack"),
    "centre-puback": lambda p: p.up and p.kind == PUBACK,
}
"""What packet a wire point waits for."""


def _nothing(_packet: Packet) -> bool:
    return False


def _let_pass(net: Proxy) -> None:
    if net.rule is _nothing:
        net.rule = None
