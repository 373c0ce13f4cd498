"""`ansim centre`: the reference control centre on the command line."""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from gateway.centre.centre import Centre
from gateway.centre.labels import read_labels
from gateway.centre.lines import lines
from gateway.centre.settings import CentreSettings
from gateway.centre.terminal import Board
from gateway.clock import Clock, SystemClock
from gateway.errors import AnsimError
from gateway.settings import BrokerSettings, Language


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `ansim centre`."""
    parser.add_argument(
        "--broker",
        action="append",
        metavar="URL",
        help="mqtt://127.0.0.1:1883 unless told; again for each further way that hubs may take",
    )
    parser.add_argument(
        "--district",
        action="append",
        required=True,
        metavar="CODE",
        help="may be given again; not on a broker that takes the user name as client id",
    )
    parser.add_argument("--database", type=Path, default=Path("centre.db"), metavar="FILE")
    parser.add_argument("--operator", default="centre", help="code in acknowledgements and the log")
    parser.add_argument("--lang", choices=[one.value for one in Language], default=_lang())
    parser.add_argument("--labels", type=Path, metavar="FILE", help="YAML, hub: name; stays here")
    parser.add_argument("--timezone", default="Asia/Seoul", help="of the times on the board")
    parser.add_argument("--client-id", default="ansim-centre")
    parser.add_argument("--ca", type=Path, metavar="FILE")
    parser.add_argument("--cert", type=Path, metavar="FILE")
    parser.add_argument("--key", type=Path, metavar="FILE")
    parser.add_argument("--username", default="")
    parser.add_argument("--password-file", type=Path, metavar="FILE")
    parser.add_argument("--lines", action="store_true", help="text lines instead of the board")
    parser.add_argument(
        "--present",
        action="store_true",
        help="with --lines: an operator reads them, so each alarm counts as presented",
    )


def _lang() -> str:
    environment = os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    return (Language.EN if environment.startswith("en") else Language.KO).value


def settings_of(args: argparse.Namespace) -> CentreSettings:
    """Return the settings that the options say."""
    first, *more = [
        BrokerSettings(
            url=url,
            ca_file=args.ca,
            cert_file=args.cert,
            key_file=args.key,
            username=args.username,
            password_file=args.password_file,
        )
        for url in args.broker or ["mqtt://127.0.0.1:1883"]
    ]
    return CentreSettings(
        broker=first,
        more_brokers=tuple(more),
        districts=tuple(args.district),
        database=args.database,
        operator=args.operator,
        client_id=args.client_id,
        language=Language(args.lang),
        timezone=args.timezone,
        present=args.present,
        labels=args.labels,
    )


def main(args: argparse.Namespace, clock: Clock | None = None) -> int:
    """Run until `q`, SIGINT or SIGTERM; 0 then, 2 when the options cannot be."""
    on_screen = sys.stdin.isatty() and sys.stdout.isatty() and not args.lines
    try:
        asyncio.run(serve(settings_of(args), clock or SystemClock(), on_screen=on_screen))
    except AnsimError as wrong:
        sys.stderr.write(f"ansim centre: {wrong}\n")
        return 2
    return 0


async def serve(settings: CentreSettings, clock: Clock, *, on_screen: bool) -> None:
    """Serve with a board, or with lines on stdout, until told to stop."""
    if on_screen:
        centre = Centre(settings, clock)
        shown = asyncio.create_task(Board(centre, settings.language).run())
    else:
        listener = lines(_write, read_labels(settings.labels), settings.language)
        centre = Centre(settings, clock, listener=listener)
        shown = asyncio.create_task(asyncio.Event().wait())  # type: ignore[arg-type] # never ends
    serving = asyncio.create_task(centre.run())
    tasks = {serving, shown}
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, shown.cancel)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
