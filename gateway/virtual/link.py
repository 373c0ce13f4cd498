"""The air: bumble's virtual controllers and the link between them, mended.

    device (Host) ── HCI ── AirController ┐
    advertiser (no controller) ───────────┤ Air ├ AirController ── HCI ── central (Host) ── bleak
    block of flats (no controller) ───────┘

bumble 0.0.236 has no radio: no signal strength, no distance, no loss. What a hub's code can meet
in a home and bumble cannot say is added here, and what bumble gets wrong is put right; each change
names its reason. An advertiser that never accepts a connection needs no controller of its own: it
puts `Advert`s straight on the air, so a sensor costs a timer and not a Bluetooth stack.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bumble import hci, ll
from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink

RSSI_DBM = -60
DATA_BYTES = 251  # Core Specification, Volume 6, Part B, 4.5.10
SUPERVISION_TIMEOUT = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
POWERED_OFF = hci.HCI_ErrorCode.REMOTE_DEVICE_TERMINATED_CONNECTION_DUE_TO_POWER_OFF_ERROR
AS_THEY_ARE = (hci.HCI_AclDataPacket, hci.HCI_Number_Of_Completed_Packets_Event)


@dataclass(slots=True)
class Advert(ll.AdvInd):  # type: ignore[misc] # bumble is untyped to us
    """One advertising PDU, with what bumble's own lacks: signal strength and kind."""

    advertiser_address: Address
    data: bytes
    rssi: int = RSSI_DBM
    connectable: bool = False
    scan_response: bytes = b""


class AirController(Controller):  # type: ignore[misc] # bumble is untyped to us
    """bumble's controller, mended.

    hear: when set, adverts are handed to it as they are instead of being written as an HCI event
          and parsed again on the same page of memory (12 and 163 microseconds were measured).
    deaf: the receiver is dead and says nothing: no adverts, no new connections; links stay.
    silent: nobody hears this one: battery empty or out of range.
    awaited: each is resolved when a connectable advert of its address is heard.
    rssi: the strength with which others hear this one.
    """

    pending_le_connection: Any  # bumble's command under way, or None

    def __init__(self, name: str, air: "Air") -> None:
        super().__init__(name, link=air)
        self.air = air
        self.hear: Callable[[Advert], None] | None = None
        self.deaf = False
        self.silent = False
        self.awaited: set[tuple[Address, asyncio.Future[None]]] = set()
        self.rssi = RSSI_DBM
        # Data length extension: bumble's 27 bytes cut a band's frame into 9 packets.
        # LL_PRIVACY: bumble never sends the Enhanced Connection Complete that a host then awaits.
        # LE_EXTENDED_ADVERTISING: legacy adverts carry a scan response and can change in place.
        self.le_acl_data_packet_length = DATA_BYTES
        self.le_features &= ~(
            hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        )

    def listens_to(self, packet: ll.AdvertisingPdu) -> bool:
        """Return whether the PDU moves this controller at all (bumble wakes every one for each)."""
        if isinstance(packet, ll.ConnectInd):
            mine = packet.advertiser_address == self.le_legacy_advertiser.address
            return bool(mine and not self.silent)
        wanted = self.awaited or self.le_scan_enable or self.pending_le_connection is not None
        return bool(wanted) and not self.deaf

    def send_hci_packet(self, packet: Any) -> None:
        """Hand a packet to the host: as it is to a host of ours, as bytes to any other."""
        if self.host is not None:
            ours = isinstance(self.host, AirHost) and isinstance(packet, AS_THEY_ARE)
            asyncio.get_running_loop().call_soon(
                self.host.on_packet, packet if ours else bytes(packet)
            )

    def on_packet(self, packet: Any) -> None:
        """Take a packet from the host."""
        self.on_hci_packet(
            packet if isinstance(packet, AS_THEY_ARE) else hci.HCI_Packet.from_bytes(packet)
        )

    def on_hci_packet(self, packet: Any) -> None:
        """Obey a packet from the host."""
        if isinstance(packet, hci.HCI_AclDataPacket):
            self.on_hci_acl_data_packet(packet)
        else:
            super().on_hci_packet(packet)

    def send_advertising_pdu(self, packet: ll.AdvertisingPdu) -> None:
        """Send; a legacy advert goes out with its strength and its scan response."""
        if self.silent:
            return
        if type(packet) is ll.AdvInd:
            packet = Advert(
                packet.advertiser_address,
                packet.data,
                self.rssi,
                connectable=True,
                scan_response=self.le_legacy_advertiser.scan_response_data,
            )
        super().send_advertising_pdu(packet)

    def on_advertising_pdu(self, pdu: ll.AdvertisingPdu) -> None:
        """Hear an advert.

        bumble reports every advert as connectable at -50 dBm, and once more as a scan response
        with the same data; and it "connects" to whatever advertises under the wanted address.
        """
        if not isinstance(pdu, Advert):
            super().on_advertising_pdu(pdu)
            return
        if self.le_scan_enable:
            if self.hear is not None:
                self.hear(pdu)
            else:
                self._report(pdu)
        if not pdu.connectable:
            return
        for address, heard in self.awaited:
            if address == pdu.advertiser_address and not heard.done():
                heard.set_result(None)
        wanted = self.pending_le_connection
        if wanted and wanted.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report(self, pdu: Advert) -> None:
        kinds = hci.HCI_LE_Advertising_Report_Event.EventType
        first = kinds.ADV_IND if pdu.connectable else kinds.ADV_NONCONN_IND
        reports = [(first, pdu.data)]
        if self.le_scan_type == 1 and pdu.scan_response:
            reports.append((kinds.SCAN_RSP, pdu.scan_response))
        for kind, data in reports:
            report = hci.HCI_LE_Advertising_Report_Event.Report(
                event_type=kind,
                address_type=pdu.advertiser_address.address_type,
                address=pdu.advertiser_address,
                data=data,
                rssi=pdu.rssi,
            )
            self.send_hci_packet(hci.HCI_LE_Advertising_Report_Event([report]))

    def on_hci_le_create_connection_cancel_command(
        self,
        command: Any,  # noqa: ARG002 - bumble is untyped to us
    ) -> hci.HCI_StatusReturnParameters:
        """Really cancel: bumble says yes and keeps waiting, so every later connect is refused."""
        if self.pending_le_connection is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.fail_pending(hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def fail_pending(self, status: int) -> None:
        """End the connection attempt that is under way, if any, with this status."""
        pending, self.pending_le_connection = self.pending_le_connection, None
        if pending is None:
            return
        failed = hci.HCI_LE_Connection_Complete_Event(
            status=status,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address.address_type,
            peer_address=pending.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, failed)

    def cut(self, reason: int = SUPERVISION_TIMEOUT) -> None:
        """Lose every link of this controller at once, on both sides, as radios out of reach do."""
        for link in list(self.le_connections.values()):
            other = self.air.find_le_controller(link.peer_address)
            theirs = other.le_connections.get(link.self_address) if other else None
            self.on_le_disconnected(link, reason)
            if other is not None and theirs is not None:
                other.on_le_disconnected(theirs, reason)


class AirHost(Host):  # type: ignore[misc] # bumble is untyped to us
    """bumble's host beside its controller in one process.

    bumble writes every packet as bytes and as two lines of coloured text, logged or not. For data
    packets, which are most, both are left out: a band's notification costs a third.
    """

    def __init__(self, controller: AirController) -> None:
        super().__init__(controller_source=controller, controller_sink=controller)

    def send_hci_packet(self, packet: Any) -> None:
        """Hand a packet to the controller."""
        self.hci_sink.on_packet(packet if isinstance(packet, AS_THEY_ARE) else bytes(packet))

    def on_packet(self, packet: Any) -> None:
        """Take a packet from the controller."""
        if isinstance(packet, hci.HCI_AclDataPacket):
            self.on_hci_acl_data_packet(packet)
        elif isinstance(packet, hci.HCI_Number_Of_Completed_Packets_Event):
            self.on_hci_number_of_completed_packets_event(packet)
        else:
            super().on_packet(packet)


class Air(LocalLink):  # type: ignore[misc] # bumble is untyped to us
    """bumble's link, mended; `mute` addresses are connected, and what they send never arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.mute: set[Address] = set()

    def send_advertising_pdu(
        self, sender_controller: AirController | None, packet: ll.AdvertisingPdu
    ) -> None:
        """Deliver to those that listen; None sends for a device without a controller."""
        loop = asyncio.get_running_loop()
        for controller in self.controllers:
            if controller is not sender_controller and controller.listens_to(packet):
                loop.call_soon(controller.on_ll_advertising_pdu, packet)

    def send_acl_data(
        self,
        sender_controller: AirController,
        destination_address: Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Carry data under the address the link was made with.

        bumble always names the sender's random address; a BlueZ central uses its public one.
        """
        link = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if link is None or receiver is None or link.self_address in self.mute:
            return
        asyncio.get_running_loop().call_soon(
            receiver.on_link_acl_data, link.self_address, transport, data
        )
