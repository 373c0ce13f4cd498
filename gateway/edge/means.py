"""The means of the recovery ladder that lie outside the scanner: D-Bus, root's units, the process.

The daemon's sandbox has no capability and no device, so what needs root is a oneshot unit of its
own, started through polkit (systemd/51-ansim-radio.rules):

    ansim-bluetoothd.service        bluetoothd is killed and started anew
    ansim-radio-reset@hciN.service  the controller is reset (gateway.edge.controller_reset); @lost:
                                    those that have no hciN
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.edge.adapter import power
from gateway.edge.recovery import Rung
from gateway.errors import RadioError

UNIT_S = 40.0  # a oneshot; its own TimeoutStartSec is shorter
DAEMON_UNIT = "ansim-bluetoothd.service"
RESET_UNIT = "ansim-radio-reset@{name}.service"
DEFAULT_ADAPTER = "hci0"
# An adapter that BlueZ does not have is no hciN: that number may be a healthy one's by now.
LOST = "lost"


class Means(Protocol):
    """What can be done here about a deaf adapter."""

    can: frozenset[Rung]

    async def do(self, rung: Rung, name: str) -> None:
        """Do it to the adapter `name` (hciN or LOST); RadioError when it cannot be done."""
        ...


class ScanOnly:
    """A radio that is no BlueZ: the scan is all that can be started anew."""

    can = frozenset({Rung.SCAN})

    async def do(self, rung: Rung, name: str) -> None:
        """Do nothing: the scanner itself starts its scan."""


class BlueZMeans:
    """A hub on BlueZ and systemd. `hand_over`: ends the process with an error."""

    can = frozenset(Rung) - {Rung.SPARE}

    def __init__(
        self, hand_over: Callable[[str], None], systemctl: Sequence[str] = ("systemctl",)
    ) -> None:
        self._hand_over, self._systemctl = hand_over, tuple(systemctl)

    async def do(self, rung: Rung, name: str) -> None:
        """Do it; RadioError when it cannot be done."""
        match rung:
            case Rung.POWER:
                await self._power_cycle(name or DEFAULT_ADAPTER)
            case Rung.DAEMON:
                await self._unit(DAEMON_UNIT)
            case Rung.RESET:
                await self._unit(RESET_UNIT.format(name=name or DEFAULT_ADAPTER))
            case Rung.SYSTEMD:
                self._hand_over("the Bluetooth adapter stays deaf")
            case Rung.SCAN | Rung.SPARE:
                pass  # the scanner's own business

    @staticmethod
    async def _power_cycle(name: str) -> None:
        try:
            await power(name, on=False)
        finally:
            await power(name, on=True)

    async def _unit(self, unit: str) -> None:
        command = (*self._systemctl, "start", "--no-ask-password", unit)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as wrong:
            raise RadioError(f"{unit}: {wrong}") from wrong
        try:
            async with asyncio.timeout(UNIT_S):
                _, said = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise RadioError(f"{unit}: no end within {UNIT_S:g} s") from None
        if process.returncode:
            last = said.decode(errors="replace").strip().splitlines()[-1:]
            raise RadioError(f"{unit}: {' '.join(last) or f'status {process.returncode}'}")
