"""The installed daemon with its radio outside: what the lab's drop-in starts for `ansim run`.

    /opt/ansim/current/bin/python lab_hub.py -c /etc/ansim/gateway.yaml -r /lab/air.sock

It imports nothing but what is installed. SIGUSR1 makes its event loop hang for ever, so that the
watchdog has something to find.
"""

import argparse
import asyncio
import os
import signal
from pathlib import Path

from gateway.kernel_cache import use_own


def hang(_number: int, _frame: object) -> None:
    """Never come back; handlers of signals run inside the loop's own turn."""
    while True:
        pass


async def run(config: Path, air: Path) -> None:
    """Serve with the far radio."""
    from gateway import registry  # noqa: PLC0415 - numba comes after use_own
    from gateway.app import Outside  # noqa: PLC0415
    from gateway.config import load  # noqa: PLC0415
    from gateway.mounts import here  # noqa: PLC0415
    from gateway.service import serve  # noqa: PLC0415
    from gateway.virtual.far_radio import FarRadio  # noqa: PLC0415

    async with FarRadio(air) as radio:
        await serve(
            lambda: load(config, registry.find, driver_names=registry.available()),
            outside=Outside(
                scanner_backend=radio.scanner_backend,
                client_backend=radio.client_backend,
                mounts=here(),
            ),
        )


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", "--config", type=Path, required=True)
    parser.add_argument("-r", "--radio", type=Path, required=True)
    chosen = parser.parse_args()
    use_own(os.environ)
    from gateway.edge import journal  # noqa: PLC0415

    journal.configure()
    signal.signal(signal.SIGUSR1, hang)
    asyncio.run(run(chosen.config, chosen.radio))


if __name__ == "__main__":
    main()
