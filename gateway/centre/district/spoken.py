"""The ways out of a worker: words for hubs over NATS, and the centre's own presence over MQTT."""

from collections.abc import Iterable

from nats.aio.client import Client
from nats.errors import Error as NatsError

from gateway.centre.district.settings import DistrictSettings
from gateway.centre.line import Line
from gateway.clock import Clock
from gateway.core.wire import Topics, parse_centre_state
from gateway.edge.mqtt import Publication, Received
from gateway.errors import CentreError


class NatsLine:
    """One district's words. The MQTT gateway hands them to the hub that is there, with QoS 0.

    Nothing waits at the broker for a hub that is away: it repeats, and is answered again.
    """

    def __init__(self, district: str, nats: Client) -> None:
        self.district = district
        self._nats = nats
        self._out: list[Publication] = []

    def send(self, publication: Publication) -> bool:
        """Send with the next flush; False when nobody can hear."""
        self._out.append(publication)
        return bool(self._nats.is_connected)

    async def flush(self) -> None:
        """Send what was said, in order; what cannot be sent is dropped (see line.py)."""
        out, self._out = self._out, []
        for publication in out:
            try:
                await self._nats.publish(publication.topic.replace("/", "."), publication.payload)
            except NatsError:
                return


class Presence:
    """`centre/state` of every district, said by the worker that has partition 0.

    The will of the one that had it before may come late, after the successor has said that the
    centre is there: whoever hears such a word while it serves says again that it is.
    """

    def __init__(self, settings: DistrictSettings, clock: Clock) -> None:
        self.lines = [
            Line(settings, broker, district, clock, self._heard, topics=(_state(district),))
            for broker in settings.brokers[:1]
            for district in settings.districts
        ]

    @staticmethod
    def _heard(line: Line, message: Received) -> None:
        line.acknowledge(message)
        try:
            state = parse_centre_state(message.payload)
        except CentreError:
            return
        if not state.online and line.up_since_ms is not None:
            line.say_online()


def lines_of(districts: Iterable[str], nats: Client) -> list[NatsLine]:
    """Return a line for each district."""
    return [NatsLine(district, nats) for district in districts]


def _state(district: str) -> str:
    return Topics(district, "").centre
