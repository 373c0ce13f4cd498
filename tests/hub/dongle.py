"""Virtual controllers that the guest's kernel takes for Bluetooth dongles (/dev/vhci).

    kernel, bluetoothd ── /dev/vhci ── DongleController ── Air ── the devices of gateway.virtual

What breaks a real dongle is played here: pulled out, deaf until it is reset in one of three ways.
Closing /dev/vhci is what pulling is to the kernel.
"""

import asyncio
from typing import Any

from bumble import hci
from bumble.hci import Address
from bumble.transport import open_transport

from gateway.virtual.link import Air, AirController

FEATURES_S = 0.03  # a radio needs one connection interval for it; see send_hci_packet
GONE = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR


class DongleController(AirController):
    """What lies behind one /dev/vhci.

    deaf_until: "scan", "reset" or "plug": what makes it hear again. "": it hears.
    commands: how often each HCI command came, by name.
    """

    deaf_until = ""

    def __init__(self, name: str, air: Air, address: str) -> None:
        super().__init__(name, air)
        self.public_address = Address(address, Address.PUBLIC_DEVICE_ADDRESS)
        self.random_address = Address(address)
        self.resets = 0

    def send_hci_packet(self, packet: Any) -> None:
        """Hand a packet to the kernel.

        bumble answers LE Read Remote Features within a millisecond; bluetoothd may then see the ATT
        socket before it is told of the connection, and bleak loses one connection in seven.
        """
        if isinstance(packet, hci.HCI_LE_Read_Remote_Features_Complete_Event):
            asyncio.get_running_loop().call_later(FEATURES_S, super().send_hci_packet, packet)
        else:
            super().send_hci_packet(packet)

    def on_hci_packet(self, packet: Any) -> None:
        """Obey the kernel; some of its commands end a played deafness."""
        if isinstance(packet, hci.HCI_Reset_Command):
            self.resets += 1
            self._hear_again("reset", "scan")
        if isinstance(packet, hci.HCI_LE_Set_Scan_Enable_Command) and packet.le_scan_enable:
            self._hear_again("scan")
        super().on_hci_packet(packet)

    def _hear_again(self, *cures: str) -> None:
        if self.deaf_until in cures:
            self.deafen("")

    def deafen(self, until: str) -> None:
        """Hear nothing until that happens; empty: hear."""
        self.deaf_until = until
        self.deaf = bool(until)


class Dongle:
    """One dongle, in or out of its socket."""

    def __init__(self, name: str, air: Air, address: str) -> None:
        self.name, self.address = name, address
        self._air = air
        self._transport: Any = None
        self.controller: DongleController | None = None

    async def plug(self) -> None:
        """Put it in."""
        if self.controller is not None:
            return
        self._transport = await open_transport("vhci")
        self.controller = DongleController(self.name, self._air, self.address)
        self.controller.host = self._transport.sink
        self._transport.source.set_packet_sink(self.controller)

    async def unplug(self) -> None:
        """Pull it out: every peripheral loses its link."""
        controller, self.controller = self.controller, None
        if controller is None:
            return
        controller.host = None  # from here on nobody is told
        controller.cut(GONE)
        controller.le_scan_enable = 0
        self._air.remove_controller(controller)
        await self._transport.close()
