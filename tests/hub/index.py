"""A package index (PEP 503) of a folder of wheels, over HTTPS with an authority of its own.

So an installation from the network is driven whole, by pip as it comes with Debian, and no network
beyond this machine is needed for it.
"""

import re
import ssl
import threading
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from gateway.edge.certificates import Authority

SIMPLE, FILES = "/simple/", "/files/"
HOST = "localhost"  # pip's own urllib3 names no server to TLS when it is an address
CA_INSIDE = "/root/index.pem"


def normalized(name: str) -> str:
    """Return a project's name as an index spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class PackageIndex:
    """Serves while its context is open; `asked` are the projects that somebody wanted."""

    def __init__(self, wheels: Path, directory: Path, not_before: datetime) -> None:
        self.asked: set[str] = set()
        authority = Authority(directory, not_before=not_before)
        pair = authority.server([HOST])
        self.ca = authority.ca_file.read_text()
        projects: dict[str, list[Path]] = {}
        for wheel in sorted(wheels.glob("*.whl")):
            projects.setdefault(normalized(wheel.name.split("-")[0]), []).append(wheel)
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.rstrip("/").rpartition("/")[2]
                if self.path.startswith(SIMPLE) and name in projects:
                    index.asked.add(name)
                    self._answer(page(projects[name]), "text/html")
                elif self.path.startswith(FILES) and (wheels / name).is_file():
                    self._answer((wheels / name).read_bytes(), "application/octet-stream")
                else:
                    self.send_error(404)

            def _answer(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing: `asked` tells."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert_file, pair.key_file)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, name="index")

    def environment(self) -> Mapping[str, str]:
        """Return what leads pip here; CA_INSIDE must hold `ca`."""
        url = f"https://{HOST}:{self._server.server_port}{SIMPLE}"
        return {"PIP_INDEX_URL": url, "PIP_CERT": CA_INSIDE}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def page(wheels: list[Path]) -> bytes:
    """Return a project's page: a link to each of its files, with its digest."""
    links = [
        f'<a href="{FILES}{wheel.name}#sha256={sha256(wheel.read_bytes()).hexdigest()}">'
        f"{wheel.name}</a>"
        for wheel in wheels
    ]
    return "\n".join(["<!DOCTYPE html><html><body>", *links, "</body></html>"]).encode()
