"""Where hubs and centres are born: a process that has loaded everything forks each of them.

    harness ── {"for", "role", …} ► nursery ── fork ──► child: its log, its own event loop
            ◄── {"born": pid, "for"}   │
            ◄── {"ended": pid, status} ┘ (pidfd)

A child has its own address space and dies by SIGKILL like any other process. Children end with the
nursery, and the nursery with the harness (PR_SET_PDEATHSIG).
"""

import ctypes
import faulthandler
import gc
import os
import pickle
import selectors
import signal
import socket
import struct
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.warm import warm
from tests.faults import centre_main, hub_main

HEAD = struct.Struct("!I")
PR_SET_PDEATHSIG = 1
ROLES: Mapping[str, Callable[[Any], None]] = {"hub": hub_main.main, "centre": centre_main.main}


def frame(message: object) -> bytes:
    """Return a message as it goes over the channel."""
    body = pickle.dumps(message)
    return HEAD.pack(len(body)) + body


def die_with_parent() -> None:
    """Let the kernel end this process when its parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def read(channel: socket.socket) -> Any:
    """Return the next message, or None at the end."""
    head = channel.recv(HEAD.size, socket.MSG_WAITALL)
    if len(head) < HEAD.size:
        return None
    body = channel.recv(HEAD.unpack(head)[0], socket.MSG_WAITALL)
    return pickle.loads(body)  # noqa: S301 - from the harness itself


def become(role: str, log: Path, spec: object) -> None:
    """Be the child: never returns."""
    status = 1
    try:
        die_with_parent()
        out = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.dup2(out, 1)
        os.dup2(out, 2)
        faulthandler.register(signal.SIGUSR1)  # the harness asks where one that hangs stands
        ROLES[role](spec)
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is stands in its log and in its status
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Serve the harness until it hangs up."""
    die_with_parent()
    channel = socket.socket(fileno=int(sys.argv[1]))
    warm()
    gc.freeze()
    waiting = selectors.DefaultSelector()
    waiting.register(channel, selectors.EVENT_READ)
    channel.sendall(frame({"ready": os.getpid()}))
    while True:
        for key, _ in waiting.select():
            if key.fileobj is not channel:
                _, status = os.waitpid(key.data, 0)
                waiting.unregister(key.fileobj)
                os.close(key.fd)
                code = os.waitstatus_to_exitcode(status)
                channel.sendall(frame({"ended": key.data, "status": code}))
                continue
            asked = read(channel)
            if asked is None:
                return
            pid = os.fork()
            if pid == 0:
                waiting.close()
                channel.close()
                become(asked["role"], asked["log"], asked["spec"])
            waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
            channel.sendall(frame({"born": pid, "for": asked["for"]}))


if __name__ == "__main__":
    main()
