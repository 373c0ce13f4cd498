"""The reference centre in a child of the nursery, with the run's clock and its log as lines."""

import asyncio
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from gateway.centre.centre import Centre
from gateway.centre.settings import CentreSettings
from tests.faults.lent_clock import LentClock
from tests.faults.points import Journal
from tests.faults.sabotage import broken


@dataclass(frozen=True, slots=True)
class CentreSpec:
    """What one centre process is told."""

    settings: CentreSettings
    clock: Path
    sabotage: str = ""


def main(spec: CentreSpec) -> None:
    """Serve until SIGTERM or worse."""
    broken(spec.sabotage, "centre")
    Journal(sys.stdout).install()
    asyncio.run(_run(spec))


async def _run(spec: CentreSpec) -> None:
    centre = Centre(spec.settings, LentClock(spec.clock, right=True), retry_store_s=0.5)
    serving = asyncio.create_task(centre.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    await asyncio.wait([serving])
    if not serving.cancelled():
        serving.result()
