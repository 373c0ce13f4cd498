"""One MQTT connection: paho-mqtt on the asyncio loop, from CONNECT to its end, never used twice.

What was learnt the hard way [measured with paho 2.2.0]
1. After a reconnect paho sends all it has queued, whatever the window: hence a fresh Client for
   each connection, and nothing is handed to paho that may not go out now.
2. The server's Receive Maximum is never read by paho: `receive_maximum` is, and callers keep to it.
3. With a persistent session messages arrive in the same read as CONNACK: handlers stand before.
4. NATS answers MQTT 5 with code 1, RabbitMQ 3.10 just closes, amqtt 0.12 reads it as 3.1.1 and
   waits for bytes that never come: all three become `Refused.old`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from gateway.edge.mqtt_values import Endpoint, Publication, Received, Refused, Version
from gateway.edge.paho_loop import LoopDriver
from gateway.errors import LinkError

ANSWER_S = 10.0  # TCP with TLS, SUBACK
CONNACK_S = 5.0  # brokers at their file limit hang without an error; 3.1.1 gets as long again
WILL_DELAY_S = 30
SESSION_EXPIRY_S = 3600
UNSUPPORTED_VERSION = 132  # reason code; paho gives it for code 1 of 3.1.1 too


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
        subscription_qos: int = 1,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._prepare = prepare
        self._received = received
        self._keepalive_s = keepalive_s
        self._subscription_qos = subscription_qos
        self._pubacks: dict[int, tuple[asyncio.Future[None], float]] = {}
        self._subacks: dict[int, asyncio.Future[None]] = {}
        self._connack: asyncio.Future[Any] = self._loop.create_future()
        self.version = version
        self.receive_maximum = 65535
        self.closed = asyncio.Event()
        self.why: BaseException = LinkError("not connected")
        self._client = self._new_client(client_id, will)
        self._driver = LoopDriver(self._client, self._nonsense)

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
        silent = LinkError(f"not connected within {ANSWER_S:g} s")
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._driver.connect(self._connect)
            silent = Refused(f"no CONNACK within {CONNACK_S:g} s", old=True)
            async with asyncio.timeout(CONNACK_S):
                code = await self._connack
        except TimeoutError:
            self.drop(silent)
            raise silent from None
        except OSError as wrong:  # also name resolution and ssl.SSLError
            error = LinkError(_reason(wrong))
            self.drop(error)
            raise error from wrong
        except BaseException as wrong:
            self.drop(wrong)
            raise
        if code.is_failure:
            refused = Refused(f"refused: {code}", old=code.value == UNSUPPORTED_VERSION)
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
        self._driver.stop()
        self._ended(why)

    def _nonsense(self, wrong: Exception) -> None:
        self.drop(LinkError(f"the broker sent what paho cannot read: {wrong!r}"))

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
        """Subscribe; LinkError when the broker refuses one (its ACL)."""
        await self.subscribed(self.send_subscribe(topics))

    def send_subscribe(self, topics: tuple[str, ...]) -> asyncio.Future[None]:
        """Send SUBSCRIBE; what is published from now on finds the subscriptions made."""
        qos = self._subscription_qos
        rc, mid = self._client.subscribe([(topic, qos) for topic in topics])
        if rc != paho.MQTT_ERR_SUCCESS:
            raise LinkError(f"not subscribed: {paho.error_string(rc)}")
        self._subacks[mid] = self._loop.create_future()
        return self._subacks[mid]

    async def subscribed(self, suback: asyncio.Future[None]) -> None:
        """Wait for the SUBACK."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await suback
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
    def _on_connect(self, _client: Any, _data: Any, _flags: Any, code: Any, props: Any) -> None:
        self.receive_maximum = getattr(props, "ReceiveMaximum", None) or 65535
        if not self._connack.done():
            self._connack.set_result(code)

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
        what = Received(
            message.topic, bytes(message.payload), message.retain, message.mid, message.qos
        )
        try:
            self._received(what)
        except Exception as wrong:  # noqa: BLE001 - a bug of ours, raised where this is run
            self.drop(wrong)


def _reason(wrong: BaseException) -> str:
    return str(wrong) or type(wrong).__name__


__all__ = ["Connection", "Endpoint", "Publication", "Received", "Refused", "Version"]
