"""What systemd is told: READY, WATCHDOG, STATUS, STOPPING, over its datagram socket.

The protocol is one datagram of lines (man 3 sd_notify); a library for it would be larger than this.
Without $NOTIFY_SOCKET (a terminal, a test) everything here does nothing.
"""

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """Speaks to the service manager, if there is one."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        watchdog_us = environment.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(watchdog_us) / 1e6 if watchdog_us.isdigit() else None

    def ready(self, status: str) -> None:
        """Say that every part runs, or that its fault is queued as an alarm."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self, monotonic_us: int) -> None:
        """Say that the configuration is read anew."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_us}")

    def stopping(self) -> None:
        """Say that the daemon drains."""
        self._send("STOPPING=1")

    def extend(self, seconds: float) -> None:
        """Ask for more time to start: cold kernels are being compiled."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def watchdog(self) -> None:
        """Say that every part has turned since the last time.

        A service manager that does not read must not hold the hub: it is told again soon.
        """
        with contextlib.suppress(OSError):
            self._send("WATCHDOG=1", socket.MSG_DONTWAIT)

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._send(f"STATUS={text}")

    def _send(self, message: str, flags: int = 0) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.sendto(message.encode(), flags, self._address)
