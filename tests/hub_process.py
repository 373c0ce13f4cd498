"""A hub process whose radio is in another: `python -m tests.hub_process -c FILE -r SOCKET`.

It is `ansim run` but for the radio. Being a process it can be weighed without the world around it,
killed with -9 while that world lives on, and told to stop by signals.

--hops FILE: the journal's lines as JSON, stamped with the event loop's time, which every process of
             this machine shares.
--bluez:     import what bleak needs for a real adapter, so that its memory is counted.
"""

import argparse
import asyncio
import json
from collections.abc import MutableMapping
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from gateway import registry
from gateway.app import Outside
from gateway.config import load
from gateway.demo.hops import Hops
from gateway.edge import journal
from gateway.service import serve
from gateway.virtual.far_radio import FarRadio


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-c", "--config", type=Path, required=True)
    parser.add_argument("-r", "--radio", type=Path, required=True)
    parser.add_argument("--hops", type=Path)
    parser.add_argument("--bluez", action="store_true")
    chosen = parser.parse_args()
    if chosen.bluez:
        for module in ("scanner", "client"):
            import_module(f"bleak.backends.bluezdbus.{module}")
    if chosen.hops is None:
        journal.configure()
        asyncio.run(_run(chosen.config, chosen.radio))
        return
    with chosen.hops.open("a", buffering=1) as out:
        Hops(lambda line: _write(out, line)).install()
        asyncio.run(_run(chosen.config, chosen.radio))


async def _run(config: Path, socket: Path) -> None:
    async with FarRadio(socket) as radio:
        await serve(
            lambda: load(config, registry.find, driver_names=registry.available()),
            outside=Outside(
                scanner_backend=radio.scanner_backend, client_backend=radio.client_backend
            ),
        )


def _write(out: TextIO, line: MutableMapping[str, Any]) -> None:
    stamped = {"loop_s": asyncio.get_running_loop().time(), **line}
    out.write(json.dumps(stamped, default=str) + "\n")


if __name__ == "__main__":
    main()
