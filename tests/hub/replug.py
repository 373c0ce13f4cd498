"""Pulls a dongle of the lab out and puts it back in: `python -m tests.hub.replug NAME`."""

import socket
import sys
import time

from tests.hub.home import WORLD

AWAY_S = 0.5


def say(line: str) -> None:
    """Command the world."""
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(WORLD))
        link.sendall(f"{line}\n".encode())
        link.recv(4096)


if __name__ == "__main__":
    say(f"unplug {sys.argv[1]}")
    time.sleep(AWAY_S)
    say(f"plug {sys.argv[1]}")
