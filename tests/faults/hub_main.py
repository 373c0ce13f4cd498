"""A hub in a child of the nursery: the daemon itself, with a far radio and a lent clock."""

import asyncio
import contextlib
import os
import random
import sys
from dataclasses import dataclass
from pathlib import Path

from gateway.app import Outside
from gateway.edge.systemd import Notifier
from gateway.service import serve
from gateway.settings import Settings
from gateway.virtual.far_radio import FarRadio
from tests.faults.lent_clock import LentClock
from tests.faults.points import CrashPoints, Journal
from tests.faults.sabotage import broken
from tests.faults.wire import Lease, move_in


@dataclass(frozen=True, slots=True)
class HubSpec:
    """What one hub process is told.

    arm: see points.py. notify: where READY=1 goes. lease: of the wire it lives behind (wire.py).
    """

    settings: Settings
    radio: Path
    clock: Path
    arm: Path
    notify: Path
    pace: float
    seed: int
    lease: Lease | None = None
    sabotage: str = ""


def main(spec: HubSpec) -> None:
    """Run until SIGTERM or worse."""
    broken(spec.sabotage, "hub")
    if spec.lease is not None:
        move_in(spec.lease)
    points = CrashPoints(spec.arm)
    Journal(sys.stdout, points).install()
    random.seed(spec.seed)
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_run(spec, points))


async def _run(spec: HubSpec, points: CrashPoints) -> None:
    async with FarRadio(spec.radio) as radio:
        await serve(
            lambda: spec.settings,
            outside=Outside(
                clock=LentClock(spec.clock),
                scanner_backend=radio.scanner_backend,
                client_backend=radio.client_backend,
                chance=random.Random(f"{spec.seed}-{os.getpid()}"),
                connect=points.connect,
                pace=spec.pace,
            ),
            notifier=Notifier({"NOTIFY_SOCKET": str(spec.notify)}),
        )
