"""paho-mqtt on the asyncio loop: one `Connection` is one TCP connection, never used twice.

Theory of operation. paho is fed by the loop: its socket callbacks become add_reader and add_writer,
a timer calls loop_misc. Only connecting (name, TCP, TLS handshake, reading key files), which blocks
in paho, happens in a daemon thread of its own: a resolver that hangs for half a minute must
neither stop the loop nor delay the end of the process.

What was learnt the hard way [measured with paho 2.2.0]
1. After a reconnect paho sends all it has queued, whatever the window: hence a fresh Client for
   each connection, and nothing is handed to paho that may not go out now.
2. The server's Receive Maximum is never read by paho: `receive_maximum` is, and callers keep to it.
3. With a persistent session messages arrive in the same read as CONNACK: handlers stand before.
4. TLS may hold decrypted bytes while the socket is not readable: read on while `pending()`.
5. NATS answers MQTT 5 with code 1, RabbitMQ 3.10 just closes: both become `Refused.old`.
"""

import asyncio
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.errors import LinkError

ANSWER_S = 10.0  # CONNACK, SUBACK: brokers at their file limit hang without an error
MISC_S = 1.0
WILL_DELAY_S = 30
SESSION_EXPIRY_S = 3600
UNSUPPORTED_VERSION = (1, 132)  # CONNACK of 3.1.1 and of 5.0


class Version(Enum):
    """The protocol on the wire."""

    V5 = "5.0"
    V311 = "3.1.1"


class Refused(LinkError):  # noqa: N818 - what the broker did
    """The broker did not accept the connection. `old`: it may be too old for this version."""

    def __init__(self, why: str, *, old: bool = False) -> None:
        super().__init__(why)
        self.old = old


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to connect and as whom."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    username: str = ""
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Publication:
    """One message out; `expiry_s` and `reply` exist in MQTT 5 only and nothing depends on them."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry_s: int | None = None
    reply: tuple[str, str] | None = None  # topic, correlation


@dataclass(frozen=True, slots=True)
class Received:
    """One message in; acknowledge it when it is safe (`Connection.acknowledge`)."""

    topic: str
    payload: bytes
    retained: bool
    mid: int
    qos: int


class Connection:
    """One connection to one broker, from CONNECT to its end."""

    def __init__(
        self,
        prepare: Callable[[], Endpoint],
        *,
        version: Version,
        client_id: str,
        keepalive_s: int,
        will: Publication,
        received: Callable[[Received], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._prepare = prepare
        self._received = received
        self._keepalive_s = keepalive_s
        self._abandoned = False
        self._timer: asyncio.TimerHandle | None = None
        self._pubacks: dict[int, tuple[asyncio.Future[None], float]] = {}
        self._subacks: dict[int, asyncio.Future[None]] = {}
        self._connack: asyncio.Future[int] = self._loop.create_future()
        self.version = version
        self.receive_maximum = 65535
        self.closed = asyncio.Event()
        self.why: BaseException = LinkError("not connected")
        self._client = self._new_client(client_id, will)

    def _new_client(self, client_id: str, will: Publication) -> Any:
        v5 = self.version is Version.V5
        client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if v5 else False,
            protocol=paho.MQTTv5 if v5 else paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = ANSWER_S
        client.max_inflight_messages_set(0)  # the window is ours: paho's would queue
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_want_write
        client.on_socket_unregister_write = self._on_written
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        properties = self._properties(will, PacketTypes.WILLMESSAGE)
        if properties is not None:
            properties.WillDelayInterval = WILL_DELAY_S
        client.will_set(will.topic, will.payload, 1, will.retain, properties)
        return client

    # ------------------------------------------------------------------------------ open, close
    async def open(self) -> None:
        """Connect; LinkError (Refused) says why not."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._in_thread(self._connect)
                self._misc()
                code = await self._connack
        except TimeoutError:
            late = LinkError(f"no CONNACK within {ANSWER_S:g} s")
            self.drop(late)
            raise late from None
        except OSError as wrong:  # also name resolution and ssl.SSLError
            error = LinkError(_reason(wrong))
            self.drop(error)
            raise error from wrong
        except BaseException as wrong:
            self.drop(wrong)
            raise
        if code:
            refused = Refused(f"refused with code {code}", old=code in UNSUPPORTED_VERSION)
            self.drop(refused)
            raise refused

    def _connect(self) -> None:
        endpoint = self._prepare()
        if endpoint.username:
            self._client.username_pw_set(endpoint.username, endpoint.password)
        if endpoint.tls is not None:
            self._client.tls_set_context(endpoint.tls)
        extra: dict[str, Any] = {}
        if self.version is Version.V5:
            extra["clean_start"] = False
            extra["properties"] = Properties(PacketTypes.CONNECT)
            extra["properties"].SessionExpiryInterval = SESSION_EXPIRY_S
        self._client.connect(endpoint.host, endpoint.port, self._keepalive_s, **extra)

    async def _in_thread(self, work: Callable[[], None]) -> None:
        done: asyncio.Future[None] = self._loop.create_future()

        def settle(wrong: BaseException | None) -> None:
            if done.cancelled():
                self._close_socket()
            elif wrong is None:
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

    async def close(self) -> None:
        """Say goodbye (the broker then keeps the will to itself) and wait a second for it."""
        if not self.closed.is_set():
            self._client.disconnect()
            try:
                async with asyncio.timeout(1.0):
                    await self.closed.wait()
            except TimeoutError:
                pass
        self.drop(LinkError("closed"))

    def drop(self, why: BaseException) -> None:
        """End it without a word, so that the broker publishes the will; `why` is kept."""
        self._abandoned = True
        if self._timer is not None:
            self._timer.cancel()
        self._close_socket()
        self._ended(why)

    def _close_socket(self) -> None:
        self._client.on_socket_close = None
        sock = self._client.socket()
        if sock is not None and sock.fileno() >= 0:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
            sock.close()

    def _ended(self, why: BaseException) -> None:
        if self.closed.is_set():
            return
        self.why = why
        self.closed.set()
        error = why if isinstance(why, LinkError) else LinkError(_reason(why))
        waiting: list[asyncio.Future[Any]] = [future for future, _ in self._pubacks.values()]
        waiting += [*self._subacks.values(), self._connack]
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # seen: a caller that has gone must not make it a warning
        self._pubacks.clear()
        self._subacks.clear()

    # --------------------------------------------------------------------------------- messages
    @property
    def in_flight(self) -> int:
        """How many publications the broker has not acknowledged."""
        return len(self._pubacks)

    def unanswered_s(self) -> float:
        """Return for how long the oldest publication waits for its PUBACK."""
        oldest = min((at for _, at in self._pubacks.values()), default=None)
        return 0.0 if oldest is None else self._loop.time() - oldest

    def publish(self, out: Publication) -> asyncio.Future[None]:
        """Send with QoS 1; done at PUBACK, which proves only that the broker has it."""
        if self.closed.is_set():
            raise LinkError(_reason(self.why))
        info = self._client.publish(
            out.topic, out.payload, 1, out.retain, self._properties(out, PacketTypes.PUBLISH)
        )
        if info.rc != paho.MQTT_ERR_SUCCESS:
            raise LinkError(f"not published: {paho.error_string(info.rc)}")
        future: asyncio.Future[None] = self._loop.create_future()
        self._pubacks[info.mid] = (future, self._loop.time())
        return future

    async def subscribe(self, topics: tuple[str, ...]) -> None:
        """Subscribe with QoS 1; LinkError when the broker refuses one (its ACL)."""
        rc, mid = self._client.subscribe([(topic, 1) for topic in topics])
        if rc != paho.MQTT_ERR_SUCCESS:
            raise LinkError(f"not subscribed: {paho.error_string(rc)}")
        self._subacks[mid] = self._loop.create_future()
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._subacks[mid]
        except TimeoutError:
            raise LinkError(f"no SUBACK within {ANSWER_S:g} s") from None

    def acknowledge(self, message: Received) -> None:
        """Tell the broker that a message is safe here."""
        if message.qos and not self.closed.is_set():
            self._client.ack(message.mid, message.qos)

    def _properties(self, out: Publication, packet: int) -> Any:
        if self.version is not Version.V5:
            return None
        properties = Properties(packet)
        properties.PayloadFormatIndicator = 1
        properties.ContentType = "application/json"
        properties.UserProperty = ("v", "1")
        if out.expiry_s is not None:
            properties.MessageExpiryInterval = out.expiry_s
        if out.reply is not None:
            properties.ResponseTopic = out.reply[0]
            properties.CorrelationData = out.reply[1].encode()
        return properties

    # --------------------------------------------------------------------------- paho's callbacks
    def _on_socket_open(self, _client: Any, _data: Any, sock: Any) -> None:
        def opened() -> None:
            if not self._abandoned:
                self._loop.add_reader(sock, self._turn, self._read)

        self._loop.call_soon_threadsafe(opened)  # paho opens sockets in the connecting thread

    def _on_socket_close(self, _client: Any, _data: Any, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)

    def _on_want_write(self, _client: Any, _data: Any, sock: Any) -> None:
        def wanted() -> None:
            if not self._abandoned and sock.fileno() >= 0:
                self._loop.add_writer(sock, self._turn, self._client.loop_write)

        if threading.get_ident() == self._thread:
            wanted()
        else:
            self._loop.call_soon_threadsafe(wanted)

    def _on_written(self, _client: Any, _data: Any, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: Any, props: Any) -> None:
        self.receive_maximum = getattr(props, "ReceiveMaximum", None) or 65535
        if not self._connack.done():
            self._connack.set_result(code.value)

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, code: Any, _props: Any) -> None:
        early = not self._connack.done()
        self._ended(Refused(f"closed: {code}", old=early) if early else LinkError(f"lost: {code}"))

    def _on_publish(self, _client: Any, _data: Any, mid: int, code: Any, _props: Any) -> None:
        future, _ = self._pubacks.pop(mid, (None, 0.0))
        if future is None or future.done():
            return
        if code.is_failure:
            future.set_exception(LinkError(f"the broker refuses the message: {code}"))
        else:
            future.set_result(None)

    def _on_subscribe(self, _client: Any, _data: Any, mid: int, codes: Any, _props: Any) -> None:
        future = self._subacks.pop(mid, None)
        if future is None or future.done():
            return
        refused = [str(code) for code in codes if code.is_failure]
        if refused:
            future.set_exception(LinkError(f"the broker refuses a subscription: {refused[0]}"))
        else:
            future.set_result(None)

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        self._received(
            Received(
                message.topic, bytes(message.payload), message.retain, message.mid, message.qos
            )
        )

    # ------------------------------------------------------------------------------- loop's turns
    def _turn(self, work: Callable[[], Any]) -> None:
        """Let paho work; what it or a handler raises ends the connection and is kept as `why`."""
        try:
            work()
        except Exception as wrong:  # noqa: BLE001 - raised to whoever runs this connection
            self.drop(wrong)

    def _read(self) -> None:
        self._client.loop_read()
        sock = self._client.socket()
        while isinstance(sock, ssl.SSLSocket) and sock.fileno() >= 0 and sock.pending():
            self._client.loop_read()
            sock = self._client.socket()

    def _misc(self) -> None:
        if not self.closed.is_set():
            self._turn(self._client.loop_misc)
            self._timer = self._loop.call_later(MISC_S, self._misc)


def _reason(wrong: BaseException) -> str:
    return str(wrong) or type(wrong).__name__
