"""Drives one paho client from the asyncio loop: no thread but the one that connects.

Theory of operation. paho's socket callbacks become add_reader and add_writer, a timer calls
loop_misc. Only connecting (name, TCP, TLS handshake, reading key files), which blocks in paho,
happens in a daemon thread of its own: a resolver that hangs for half a minute must neither stop the
loop nor delay the end of the process. Whatever paho or a handler raises goes to `failed`.

TLS may hold decrypted bytes while the socket is not readable: reading goes on while `pending()`.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

MISC_S = 1.0


class LoopDriver:
    """Feeds `client` until `stop`."""

    def __init__(self, client: Any, failed: Callable[[Exception], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._client = client
        self._failed = failed
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_want_write
        client.on_socket_unregister_write = self._on_written

    async def connect(self, work: Callable[[], None]) -> None:
        """Run `work`, which connects the client, in a thread; then drive the client."""
        done: asyncio.Future[None] = self._loop.create_future()

        def settle(wrong: BaseException | None) -> None:
            if self._stopped or done.cancelled():
                self._close_socket()
            if done.done():
                return
            if wrong is None:
                done.set_result(None)
            else:
                done.set_exception(wrong)

        def run() -> None:
            wrong: BaseException | None = None
            try:
                work()
            except BaseException as caught:  # noqa: BLE001 - carried to the loop, raised there
                wrong = caught
            try:
                self._loop.call_soon_threadsafe(settle, wrong)
            except RuntimeError:  # the loop is gone, and this connection with it
                self._close_socket()

        threading.Thread(target=run, name="mqtt-connect", daemon=True).start()
        await done
        self._misc()

    def stop(self) -> None:
        """Close the socket without a word; nothing is driven any more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self._close_socket()

    def _close_socket(self) -> None:
        self._client.on_socket_close = None
        sock = self._client.socket()
        if sock is not None and sock.fileno() >= 0:
            if not self._loop.is_closed():
                self._loop.remove_reader(sock)
                self._loop.remove_writer(sock)
            sock.close()

    def _on_socket_open(self, _client: Any, _data: Any, sock: Any) -> None:
        # Without it Nagle holds a PUBLISH back until the peer's delayed ACK. Measured on loopback
        # from durable to `stored`: 89 ms; with it 44; with mosquitto's set_tcp_nodelay as well 1.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def opened() -> None:
            if not self._stopped:
                self._loop.add_reader(sock, self._turn, self._read)

        self._loop.call_soon_threadsafe(opened)  # paho opens sockets in the connecting thread

    def _on_socket_close(self, _client: Any, _data: Any, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)

    def _on_want_write(self, _client: Any, _data: Any, sock: Any) -> None:
        def wanted() -> None:
            if not self._stopped and sock.fileno() >= 0:
                self._loop.add_writer(sock, self._turn, self._client.loop_write)

        if threading.get_ident() == self._thread:
            wanted()
        else:
            self._loop.call_soon_threadsafe(wanted)

    def _on_written(self, _client: Any, _data: Any, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock)

    def _read(self) -> None:
        self._client.loop_read()
        sock = self._client.socket()
        while isinstance(sock, ssl.SSLSocket) and sock.fileno() >= 0 and sock.pending():
            self._client.loop_read()
            sock = self._client.socket()

    def _misc(self) -> None:
        if not self._stopped:
            self._turn(self._client.loop_misc)
            self._timer = self._loop.call_later(MISC_S, self._misc)

    def _turn(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception as wrong:  # noqa: BLE001 - raised to whoever runs this connection
            self._failed(wrong)
