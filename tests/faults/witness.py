"""Who presses the buttons, and who watches what became of it."""

import asyncio
import contextlib
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.account import Stored
from tests.faults.plan import BUTTONS, Pressing
from tests.faults.rig import TWIN, TWIN_BUTTON, Rig

ADDRESS = "B4:35:22:00:00:{:02X}"
HALL, DOOR = ADDRESS.format(99), ADDRESS.format(98)
STEP_S = 0.05
LOOK_S = 0.03
BURST_S = 0.8
"""A Shelly says a press for so long, whether or not somebody has heard it (advertiser.py)."""


@dataclass
class Residents:
    """Who presses what, and lets go once the hub (or the centre, if `hold`) has it."""

    rig: Rig
    hold: bool
    caused: dict[tuple[str, str], float] = field(default_factory=dict)
    _held: dict[str, tuple[str, str]] = field(default_factory=dict)
    _let_go: set[tuple[str, str]] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._buttons = {
            name: self.rig.world.shelly_button(ADDRESS.format(number), beacon_s=None)
            for number, name in enumerate(BUTTONS, 1)
        }
        self._buttons[TWIN] = self.rig.world.shelly_button(TWIN_BUTTON, beacon_s=None)
        for button in self._buttons.values():
            button._repeats = 10**6
        self._hall = self.rig.world.shelly_motion(HALL, beacon_s=0.5)
        self._door = self.rig.world.shelly_door(DOOR, beacon_s=None)

    async def live(self) -> None:
        """Walk about until cancelled: a home is not silent between two cries."""
        for step in itertools.count():
            await asyncio.sleep(STEP_S)
            (self._hall.clear if step % 2 else self._hall.detect)()
            if step % 2 == 0:
                (self._door.close if step % 4 else self._door.open)()

    async def press(self, one: Pressing) -> None:
        """Press as soon as this button's last press is over."""
        while one.button in self._held:
            self._changed.clear()
            await self._changed.wait()
        cry = (one.button, one.press.value)
        self._held[one.button] = cry
        self.caused[cry] = asyncio.get_running_loop().time()
        self._buttons[one.button].press(one.press)

    def heard(self, cry: tuple[str, str]) -> None:
        """Let go of a button, which has said its press for as long as such a button does."""
        if self._held.get(cry[0]) == cry and cry not in self._let_go:
            self._let_go.add(cry)
            loop = asyncio.get_running_loop()
            loop.call_at(self.caused[cry] + BURST_S, self._free, cry)

    def _free(self, cry: tuple[str, str]) -> None:
        del self._held[cry[0]]
        self._buttons[cry[0]].quiet()
        self._changed.set()


@dataclass
class Log:
    """A hub's journal, read as it grows."""

    path: Path
    _at: int = 0
    _rest: bytes = b""

    def lines(self, troubles: list[str]) -> Iterator[dict[str, Any]]:
        """Yield what is new; a line that is none (a traceback's) goes to `troubles`."""
        with contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
            file.seek(self._at)
            data = self._rest + file.read()
            self._at = file.tell()
            *whole, self._rest = data.split(b"\n")
            for line in whole:
                try:
                    yield json.loads(line)
                except ValueError:
                    troubles.append(line.decode(errors="replace"))


class Witness:
    """Reads the hub's journal and the centre's database while both live."""

    def __init__(self, rig: Rig, residents: Residents) -> None:
        self._rig, self._residents = rig, residents
        self._logs = [Log(rig.hub_log), Log(rig.twin_log)]
        self._cries: dict[str, tuple[str, str]] = {}
        self.decided: dict[str, int] = {}
        self.stored: dict[tuple[str, str, int], Stored] = {}
        self.cries: set[tuple[str, str]] = set()
        self.took: dict[tuple[str, str], float] = {}
        self.troubles: list[str] = []
        self.changed = asyncio.Event()

    def answered(self) -> set[str]:
        """Return the ids of the commands that the hub has answered."""
        return {m.body["cmd"] for m in self.stored.values() if m.stream == "res"}

    async def until(self, done: Callable[[], bool], within_s: float) -> bool:
        """Wait until something is so, looking again and again; say whether it is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not done():
                    self.changed.clear()
                    await self.changed.wait()
        return done()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Look once."""
        for log in self._logs:
            for line in log.lines(self.troubles):
                self._hub_said(line)
        for message in self._news():
            self.stored[message.epoch, message.stream, message.seq] = message
            if message.cry is not None:
                self.cries.add(message.cry)
                self._rig.subscribed = True  # who published had subscribed before
                began = self._residents.caused.get(message.cry, message.seen_s)
                self.took.setdefault(message.cry, message.seen_s - began)
                self._residents.heard(message.cry)
        self.changed.set()

    def _hub_said(self, line: Mapping[str, Any]) -> None:
        event, message = line.get("event"), str(line.get("message", ""))
        if event == "alarm decided":
            self.decided.setdefault(message, len(self.decided))
            if line["kind"] == "pers":
                press = str(line["why"]).rpartition("(")[2].rstrip(")")
                self._cries[message] = (line["device"], press)
        if event == "alarm durable" and not self._residents.hold and message in self._cries:
            self._residents.heard(self._cries[message])

    def _news(self) -> Iterator[Stored]:
        now = asyncio.get_running_loop().time()
        path = self._rig.centre_db
        if not path.exists():
            return
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
            known = len(self.stored)
            if db.execute("SELECT count(*) FROM message").fetchone()[0] == known:
                return
            for epoch, stream, seq, ident, body in db.execute(
                "SELECT epoch, stream, seq, id, body FROM message"
            ):
                if (epoch, stream, seq) not in self.stored:
                    yield Stored(epoch, stream, seq, ident, json.loads(body), now)
