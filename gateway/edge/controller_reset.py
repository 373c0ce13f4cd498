"""Resetting a Bluetooth controller: `python -m gateway.edge.controller_reset hciN`, in root's unit.

Where the controller sits decides how (sysfs knows):

    USB      its port's `authorized` is taken away and given back: the driver lets go, the kernel
             enumerates the device anew and loads its firmware again, as after replugging
    serial   a Raspberry Pi's own controller: its driver (hci_uart_bcm) is unbound and bound again;
             older systems attach it by hciuart.service, which is restarted instead
    lost     no such hciN: the Bluetooth devices that USB or the serial bus still shows without any
             controller; where each has one, all of them (BlueZ may have failed to set one up)

A soft block (rfkill) is lifted in any case. The folders are arguments so that tests can play them.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import RadioError

SYS = Path("/sys")
AWAY_S = 0.5
BLUETOOTH_CLASS, BLUETOOTH_PROTOCOL = ("e0", "01"), "01"  # USB: wireless, radio, Bluetooth
HCIUART = ("systemctl", "restart", "hciuart.service")


@dataclass(frozen=True, slots=True)
class Write:
    """One line into one file of sysfs."""

    path: Path
    text: str


def plan(name: str, sys_root: Path = SYS) -> list[list[Write]]:
    """Return what to write, in groups with a pause after each; RadioError if there is nothing."""
    device = sys_root / "class/bluetooth" / name / "device"
    if not device.exists():
        groups = _lost(sys_root)
        if not groups:
            raise RadioError(f"{name}: not on USB, not on a serial bus: nothing to reset")
        return groups
    real = device.resolve()
    usb = next((one for one in (real, *real.parents) if _is_usb_device(one)), None)
    if usb is not None:
        return _usb(usb)
    if (real / "driver").exists():
        return _serial(real)
    raise RadioError(f"{name}: no driver to reset at {real}")


def _is_usb_device(folder: Path) -> bool:
    """Return whether it is a device's folder, and not one of its interfaces'.

    An interface has an `authorized` of its own, but giving that back probes no driver (Linux,
    Documentation/usb/authorization): the dongle would be dead until it is replugged.
    """
    return (folder / "authorized").exists() and (folder / "bDeviceClass").exists()


def _usb(device: Path) -> list[list[Write]]:
    return [[Write(device / "authorized", "0")], [Write(device / "authorized", "1")]]


def _serial(device: Path) -> list[list[Write]]:
    driver = (device / "driver").resolve()
    return [[Write(driver / "unbind", device.name)], [Write(driver / "bind", device.name)]]


def _lost(sys_root: Path) -> list[list[Write]]:
    """Return the reset of every Bluetooth device whose controller the kernel has lost."""
    found = [
        (device, _usb(device.resolve()))
        for device in sorted((sys_root / "bus/usb/devices").glob("*"))
        if _is_usb_device(device) and _is_bluetooth(device)
    ]
    for driver in sorted((sys_root / "bus/serial/drivers").glob("hci_uart*")):
        for device in sorted((sys_root / "bus/serial/devices").glob("serial*")):
            of_tree = device / "of_node" / "compatible"
            if (device / "driver").exists() and (device / "driver").resolve() == driver.resolve():
                found.append((device, _serial(device)))
            elif not (device / "driver").exists() and of_tree.exists():
                found.append((device, [[Write(driver / "bind", device.name)]]))
    bare = [groups for device, groups in found if not _has_controller(device)]
    chosen = bare or [groups for _, groups in found]
    return [group for groups in chosen for group in groups]


def _has_controller(device: Path) -> bool:
    """Return whether an hciN hangs on it, or on one of its interfaces."""
    return any(device.glob("bluetooth/hci*")) or any(device.glob("*/bluetooth/hci*"))


def _is_bluetooth(device: Path) -> bool:
    def said(name: str) -> str:
        path = device / name
        return path.read_text().strip() if path.exists() else ""

    kinds = (said("bDeviceClass"), said("bDeviceSubClass"))
    return kinds == BLUETOOTH_CLASS and said("bDeviceProtocol") == BLUETOOTH_PROTOCOL


def unblocked(sys_root: Path = SYS) -> Iterator[Write]:
    """Yield what lifts every soft block of Bluetooth."""
    for switch in sorted((sys_root / "class/rfkill").glob("rfkill*")):
        if (switch / "type").read_text().strip() == "bluetooth":
            yield Write(switch / "soft", "0")


def reset(
    name: str,
    sys_root: Path = SYS,
    *,
    pause: Callable[[float], None] = time.sleep,
    run: Callable[[tuple[str, ...]], int] = lambda command: (
        subprocess.run(  # noqa: S603 - ours
            command, check=False
        ).returncode
    ),
) -> str:
    """Reset it and lift its blocks; say what was done. RadioError when nothing can be done."""
    for write in unblocked(sys_root):
        write.path.write_text(write.text)
    try:
        groups = plan(name, sys_root)
    except RadioError:
        if run(HCIUART) == 0:
            return f"{name}: hciuart.service restarted"
        raise
    for group in groups:
        for write in group:
            write.path.write_text(write.text)
        pause(AWAY_S)
    return f"{name}: " + ", ".join(str(write.path) for group in groups for write in group)


def main(arguments: list[str]) -> int:
    """Reset the controller that the first argument names."""
    try:
        sys.stdout.write(reset(arguments[0] if arguments else "hci0") + "\n")
    except (RadioError, OSError) as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
