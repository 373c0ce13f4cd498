"""One hub on one store: a second one would give out the same sequence numbers for other alarms.

The centre refuses such alarms, and the broker throws each hub out when the other comes (one client
id). It happens when a technician types `ansim run` beside the service. What is held is a name in
the kernel, not a file: it needs not the store's disk, which may hang, and is given back with the
process, however that ends. Such names belong to a network, which containers may share with their
host: so the machine's own id is part of it, or two containers would keep each other from starting.
"""

import contextlib
import hashlib
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from gateway.errors import HubError

TRIES = 20
MACHINE_ID = Path("/etc/machine-id")


@contextlib.contextmanager
def alone(directory: Path, machine_id: Path = MACHINE_ID) -> Iterator[None]:
    """Hold the store in `directory`; HubError when another hub of this machine holds it."""
    if sys.platform != "linux":
        yield
        return
    machine = ""
    with contextlib.suppress(OSError):
        machine = machine_id.read_text()
    what = machine + os.path.abspath(directory)  # noqa: PTH100 - asks no disk
    name = hashlib.sha256(what.encode()).hexdigest()[:32]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as held:
        if not _bound(held, f"\0ansim-store-{name}"):
            raise HubError(
                f"another hub works on {directory} already: ansim status, systemctl status "
                "ansim-gateway / 다른 허브가 이미 실행 중입니다"
            )
        yield


def _bound(held: socket.socket, name: str) -> bool:
    """Take the name, within a second.

    A hub that was killed while it started its announcer leaves, for some milliseconds, a child that
    has not yet become the announcer and still holds the name (found by the fault harness).
    """
    for _ in range(TRIES):
        try:
            held.bind(name)
        except OSError:
            time.sleep(1.0 / TRIES)
        else:
            return True
    return False
