"""The radio on a real BlueZ under faults; a program for the lab's guest, no pytest.

What it proves, each step within a time limit: sensors and a band are heard; every notification
comes once after each reconnect; an adapter switched off, a bluetoothd killed and a link that a
killed process left behind are noticed and recovered from; the goodbye leaves bluetoothd alive.
The lab's world behind /dev/vhci has the sensors; it is commanded over its socket.

    python -m tests.hub.radio_faults [drop] [power] [restart] [reload] [kill]
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable

from gateway.clock import SystemClock
from gateway.core.model import Heard, HeartRate, Link, LinkChange
from gateway.driver import DeviceSettings
from gateway.edge.radio import Radio, RadioDevice
from gateway.registry import find
from gateway.settings import DeviceStanza, RadioSettings

ADAPTER = "F0:F1:F2:F3:F4:F5"
DEVICES = (
    ("heart", "C0:00:00:00:01:00", "heart_rate"),
    ("motion", "C0:00:00:00:03:00", "bthome"),
    ("door", "C0:00:00:00:03:01", "bthome"),
    ("button", "C0:00:00:00:03:02", "bthome"),
)
RESTART = "(/usr/libexec/bluetooth/bluetoothd -n >/run/btd2.log 2>&1 &); sleep 4"


def say(*words: object) -> None:
    """Print a line of the job's log."""
    print(f"[{asyncio.get_running_loop().time():7.2f}]", *words, flush=True)  # noqa: T201 - a job's log


def configured(name: str, address: str, driver: str) -> RadioDevice:
    """Return a device served by one of the project's own drivers."""
    chosen = find(driver)
    decoder = chosen.new_decoder(DeviceSettings(name, address), None)
    return RadioDevice(DeviceStanza(name, driver, address), chosen, decoder)


async def shell(command: str) -> None:
    """Run a command in the guest."""
    process = await asyncio.create_subprocess_shell(command)
    say(f"$ {command} -> {await process.wait()}")


async def world(command: str) -> None:
    """Command the lab's world."""
    reader, writer = await asyncio.open_unix_connection("/run/world.sock")
    writer.write(f"{command}\n".encode())
    say(f"world {command}:", (await asyncio.wait_for(reader.readline(), 10)).decode().strip())
    writer.close()


class Hub:
    """A running radio and what it delivered."""

    def __init__(self) -> None:
        self.packets: Counter[str] = Counter()
        self.beats: list[int | None] = []
        self.up: dict[Link, bool] = {}
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with a new radio, as after a reload."""
        self.up.clear()
        radio = Radio(
            [configured(*device) for device in DEVICES],
            RadioSettings(adapter=ADAPTER, deaf_after_s=30.0),
            SystemClock(),
            self._take,
        )
        self._task = asyncio.create_task(radio.run())

    async def stop(self) -> None:
        """Stop as the daemon does; 5 s are allowed."""
        assert self._task is not None
        self._task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait([self._task])
        await shell("pidof bluetoothd")

    def _take(self, said: Heard | LinkChange) -> None:
        if isinstance(said, LinkChange):
            self.up[said.link] = said.up
            say("***", said.link, "up" if said.up else "DOWN", said.device, said.detail)
        else:
            self.packets[said.device] += 1
            values = [reading.value for reading in said.readings]
            self.beats += [value.bpm for value in values if isinstance(value, HeartRate)]
        self._more.set()

    async def until(self, what: str, true: Callable[[], bool], limit_s: float = 90) -> None:
        """Wait for it; TimeoutError ends the job."""
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(limit_s):
            while not true():
                self._more.clear()
                await self._more.wait()
        say(f"{what} after {asyncio.get_running_loop().time() - began:.1f} s")

    async def link(self, link: Link, *, up: bool) -> None:
        """Wait until this link is up or down."""
        await self.until(f"{link} {'up' if up else 'down'}", lambda: self.up.get(link) is up)

    async def everything(self) -> None:
        """Wait until every device is heard, and each beat of the heart once."""
        self.packets.clear()
        self.beats.clear()
        await self.until("all heard", lambda: all(self.packets[name] for name, _, _ in DEVICES))
        await self.until("the heart beats", lambda: len(self.beats) >= 4)
        assert len(set(self.beats)) == len(self.beats), f"doubled: {self.beats}"


async def killed_run() -> None:
    """Leave a link behind as a killed daemon does."""
    program = (sys.executable, "-m", "tests.hub.radio_faults", "child")
    child = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    while (line := await child.stdout.readline()) and b"band up" not in line:
        pass
    child.kill()
    await child.wait()
    await shell("bluetoothctl devices Connected")


async def faults(wanted: list[str]) -> None:
    """Go through the wanted faults, everything heard after each."""
    hub = Hub()
    hub.start()
    await hub.everything()
    for _ in range(2 if "drop" in wanted else 0):
        await world("drop hr")
        await hub.link(Link.BAND, up=False)
        await hub.link(Link.BAND, up=True)
        await hub.everything()
    if "power" in wanted:
        await shell("bluetoothctl power off")
        await hub.link(Link.ADAPTER, up=False)
        await shell("bluetoothctl power on")
        await hub.everything()
    if "restart" in wanted:
        await shell("kill $(pidof bluetoothd)")
        await hub.link(Link.ADAPTER, up=False)
        await shell(RESTART)
        await shell("bluetoothctl power on")
        await hub.everything()
    if "reload" in wanted:
        await hub.stop()
        hub.start()
        await hub.everything()
    if "kill" in wanted:
        await hub.stop()
        await killed_run()
        hub.start()
        await hub.everything()
    await hub.stop()
    say("RADIO-FAULTS-OK")


async def child() -> None:
    """Connect and stay so until killed."""
    hub = Hub()
    hub.start()
    await hub.link(Link.BAND, up=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    every = ["drop", "power", "restart", "reload", "kill"]
    asyncio.run(child() if "child" in sys.argv else faults(sys.argv[1:] or every))
