#!/usr/bin/env python3
"""Make a CA, a broker's certificate and those of hubs and centres, in one directory.

    python scripts/make_certificates.py DIRECTORY --host broker.example --client HUB --client centre

`--client` is a hub's pseudonym (hub.id of its gateway.yaml) or a centre's user name. Run again with
the same directory to add hubs: a CA that is there is used again, and the broker's certificate is
made only with `--host`. Keep ca.key off the broker and off the hubs.
"""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.edge.certificates import Authority


def main() -> None:
    """Read the arguments and write the files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--host", action="append", default=[], help="name or address of the broker")
    parser.add_argument("--client", action="append", default=[], help="hub id or centre user name")
    arguments = parser.parse_args()
    today = datetime.now(UTC) - timedelta(days=1)  # noqa: TID251 - a certificate is of the real day
    authority = Authority(arguments.directory, not_before=today)
    if arguments.host:
        authority.server(arguments.host)
    for name in arguments.client:
        authority.client(name)
    print("\n".join(sorted(str(path) for path in arguments.directory.iterdir())))


if __name__ == "__main__":
    main()
