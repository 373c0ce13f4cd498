"""`ansim centre-worker`: one of N equal workers of a district's centre, on the command line."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.centre.district.settings import PARTITIONS, DistrictSettings
from gateway.clock import Clock, SystemClock
from gateway.edge.systemd import Notifier
from gateway.errors import AnsimError, ConfigurationError
from gateway.settings import BrokerSettings

if TYPE_CHECKING:  # an extra of its own: `ansim` starts without it
    from gateway.centre.district.worker import Worker

REPORT_S = 10.0
DSN = "ANSIM_CENTRE_DSN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `ansim centre-worker`."""
    parser.add_argument(
        "--dsn", default=os.environ.get(DSN, ""), help=f"PostgreSQL; better in ${DSN}"
    )
    parser.add_argument("--nats", action="append", metavar="URL", help="again for each node")
    parser.add_argument(
        "--broker",
        action="append",
        default=[],
        metavar="URL",
        help="a node's MQTT listener: there the homes are told that the centre is there",
    )
    parser.add_argument("--district", action="append", default=[], metavar="CODE")
    parser.add_argument("--partitions", type=int, default=PARTITIONS, help="fixed for ever")
    parser.add_argument("--replicas", type=int, default=3, help="copies of the streams: 3, 1")
    parser.add_argument(
        "--retain", type=int, default=90, metavar="DAYS", help="telemetry is kept; alarms 2 years"
    )
    parser.add_argument("--operator", default="centre", help="code in acknowledgements and the log")
    parser.add_argument("--name", default=f"{os.uname().nodename}-{os.getpid()}")
    parser.add_argument("--present", action="store_true", help="each alarm counts as presented")
    parser.add_argument("--nats-user", default="")
    parser.add_argument("--nats-password-file", type=Path, metavar="FILE")
    parser.add_argument("--ca", type=Path, metavar="FILE")
    parser.add_argument("--cert", type=Path, metavar="FILE")
    parser.add_argument("--key", type=Path, metavar="FILE")
    parser.add_argument(
        "--mappings", action="store_true", help="print the broker's part of it, and end"
    )


def settings_of(args: argparse.Namespace) -> DistrictSettings:
    """Return the settings that the options say."""
    try:
        password = args.nats_password_file.read_text().strip() if args.nats_password_file else ""
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigurationError(f"password file {args.nats_password_file}: {wrong}") from wrong
    return DistrictSettings(
        dsn=args.dsn,
        nats=tuple(args.nats or ["nats://127.0.0.1:4222"]),
        districts=tuple(args.district),
        brokers=tuple(
            BrokerSettings(url=url, ca_file=args.ca, cert_file=args.cert, key_file=args.key)
            for url in args.broker
        ),
        partitions=args.partitions,
        replicas=args.replicas,
        retain_days=args.retain,
        operator=args.operator,
        present=args.present,
        name=args.name,
        client_id=f"ansim-centre-{args.name}",
        nats_user=args.nats_user,
        nats_password=password,
        ca_file=args.ca,
    )


def main(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """Run until SIGINT or SIGTERM; 0 then, 2 when the options cannot be."""
    try:
        from gateway.centre.district import streams, worker  # noqa: PLC0415 - an extra of its own
    except ImportError as wrong:
        sys.stderr.write(
            f"ansim centre-worker: {wrong.name} is missing: pip install 'ansim-gateway[district]'\n"
        )
        return 2
    if args.mappings:
        sys.stdout.write(streams.mappings(args.partitions))
        return 0
    notifier = Notifier()
    try:
        beat = Beat(notifier)
        one = worker.Worker(settings_of(args), clock or SystemClock(), pulse=beat.turned)
        asyncio.run(serve(one, notifier))
    except AnsimError as wrong:
        sys.stderr.write(f"ansim centre-worker: {wrong}\n")
        return 2
    return 0


class Beat:
    """Tells systemd that the worker turns: READY with the first time, WATCHDOG with each further.

    Ready is also who found no database: it goes on trying, and says so in its line.
    """

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._ready = False

    def turned(self) -> None:
        """Tell it."""
        if self._ready:
            self._notifier.watchdog()
        else:
            self._ready = True
            self._notifier.ready("taking partitions")


async def serve(one: "Worker", notifier: Notifier) -> None:
    """Serve until told to stop; a line of text every ten seconds."""
    serving = asyncio.create_task(one.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    while not serving.done():
        await asyncio.wait([serving], timeout=REPORT_S)
        notifier.status(one.report())
        sys.stdout.write(one.report() + "\n")
        sys.stdout.flush()
    with contextlib.suppress(asyncio.CancelledError):
        serving.result()
