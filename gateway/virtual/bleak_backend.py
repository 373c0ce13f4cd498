"""A bleak backend over a bumble central: plain bleak code, no kernel, no D-Bus, no hardware.

    scanner_backend, client_backend = backends(adapter)
    BleakScanner(callback, backend=scanner_backend)
    BleakClient(device, backend=client_backend)
    establish_connection(BleakClient, device, name, backend=client_backend)   # kwargs go through

Both types are made for one adapter and hold it, so two homes can live in one process.
"""

from gateway.virtual.adapter import Adapter
from gateway.virtual.bleak_client import VirtualClient
from gateway.virtual.bleak_scanner import VirtualScanner


def backends(adapter: Adapter) -> tuple[type[VirtualScanner], type[VirtualClient]]:
    """Return the two backend types that speak through this adapter."""
    scanner = type("VirtualScanner", (VirtualScanner,), {"adapter": adapter})
    client = type("VirtualClient", (VirtualClient,), {"adapter": adapter})
    return scanner, client
