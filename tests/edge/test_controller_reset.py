"""Resetting a controller, on a sysfs of folders and files."""

from pathlib import Path

import pytest

from gateway.edge.controller_reset import Write, plan, reset
from gateway.errors import RadioError


class Sys:
    """A sysfs to be filled."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, path: str, text: str = "") -> Path:
        made = self.root / path
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(text + "\n")
        return made

    def link(self, path: str, to: str) -> None:
        made = self.root / path
        made.parent.mkdir(parents=True, exist_ok=True)
        (self.root / to).mkdir(parents=True, exist_ok=True)
        made.symlink_to(self.root / to)

    def usb(self, hci: str | None = "hci0") -> Path:
        """Put a USB dongle in, attached as this controller; None: the kernel has lost it."""
        port = "devices/platform/usb1/1-1/1-1.4"
        authorized = self.file(f"{port}/authorized", "1")
        for name, value in (("Class", "e0"), ("SubClass", "01"), ("Protocol", "01")):
            self.file(f"{port}/bDevice{name}", value)
        self.link("bus/usb/devices/1-1.4", port)
        self.file(f"{port}/1-1.4:1.0/authorized", "1")  # the interface's own: no reset
        if hci:
            self.link(f"class/bluetooth/{hci}/device", f"{port}/1-1.4:1.0")
            (self.root / f"{port}/1-1.4:1.0/bluetooth/{hci}").mkdir(parents=True)
        return authorized

    def raspberry(self, hci: str | None = "hci0") -> Path:
        """Attach a Raspberry Pi's own controller."""
        device, driver = "devices/platform/soc/serial0/serial0-0", "bus/serial/drivers/hci_uart_bcm"
        self.file(f"{driver}/unbind")
        self.file(f"{driver}/bind")
        self.file(f"{device}/of_node/compatible", "brcm,bcm43438-bt")
        self.link("bus/serial/devices/serial0-0", device)
        if hci:
            self.link(f"{device}/driver", driver)
            self.link(f"class/bluetooth/{hci}/device", device)
            (self.root / f"{device}/bluetooth/{hci}").mkdir(parents=True)
        return self.root / driver


@pytest.fixture
def sysfs(tmp_path: Path) -> Sys:
    return Sys(tmp_path)


def test_a_usb_dongle_loses_its_authorisation_and_gets_it_back(sysfs: Sys) -> None:
    authorized = sysfs.usb()
    assert plan("hci0", sysfs.root) == [[Write(authorized, "0")], [Write(authorized, "1")]]


def test_a_raspberry_pis_serial_driver_is_unbound_and_bound(sysfs: Sys) -> None:
    driver = sysfs.raspberry()
    assert plan("hci0", sysfs.root) == [
        [Write(driver / "unbind", "serial0-0")],
        [Write(driver / "bind", "serial0-0")],
    ]


def test_a_dongle_whose_controller_is_lost_is_found_by_its_class(sysfs: Sys) -> None:
    authorized = sysfs.usb(hci=None)
    sysfs.file("devices/keyboard/authorized", "1")
    sysfs.file("devices/keyboard/bDeviceClass", "03")
    sysfs.link("bus/usb/devices/1-1.2", "devices/keyboard")
    assert plan("hci0", sysfs.root) == [[Write(authorized, "0")], [Write(authorized, "1")]]


def test_a_serial_controller_that_no_driver_holds_is_bound_again(sysfs: Sys) -> None:
    driver = sysfs.raspberry(hci=None)
    assert plan("hci0", sysfs.root) == [[Write(driver / "bind", "serial0-0")]]


def test_a_lost_dongle_is_reset_and_the_healthy_controller_beside_it_is_not(sysfs: Sys) -> None:
    sysfs.raspberry("hci0")
    authorized = sysfs.usb(hci=None)
    assert plan("lost", sysfs.root) == [[Write(authorized, "0")], [Write(authorized, "1")]]


def test_where_each_device_has_its_controller_all_of_them_may_be_the_one_bluez_lacks(
    sysfs: Sys,
) -> None:
    authorized, driver = sysfs.usb("hci1"), sysfs.raspberry("hci0")
    written = [write.path for group in plan("lost", sysfs.root) for write in group]
    assert written == [authorized, authorized, driver / "unbind", driver / "bind"]


def test_a_virtual_controller_has_nothing_to_reset(sysfs: Sys) -> None:
    with pytest.raises(RadioError, match="nothing to reset"):
        plan("hci0", sysfs.root)


def test_resetting_writes_in_order_and_lifts_soft_blocks(sysfs: Sys) -> None:
    authorized = sysfs.usb()
    sysfs.file("class/rfkill/rfkill0/type", "bluetooth")
    soft = sysfs.file("class/rfkill/rfkill0/soft", "1")
    sysfs.file("class/rfkill/rfkill1/type", "wlan")
    wlan = sysfs.file("class/rfkill/rfkill1/soft", "1")
    seen: list[str] = []
    said = reset("hci0", sysfs.root, pause=lambda _: seen.append(authorized.read_text()))
    assert seen == ["0", "1"]
    assert (soft.read_text(), wlan.read_text()) == ("0", "1\n")
    assert "hci0" in said


def test_where_sysfs_shows_nothing_the_older_service_is_restarted_or_it_is_an_error(
    sysfs: Sys,
) -> None:
    asked: list[tuple[str, ...]] = []

    def run(command: tuple[str, ...]) -> int:
        asked.append(command)
        return 0

    assert "hciuart" in reset("hci0", sysfs.root, run=run)
    assert asked == [("systemctl", "restart", "hciuart.service")]
    with pytest.raises(RadioError):
        reset("hci0", sysfs.root, run=lambda _: 5)
