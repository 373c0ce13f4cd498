"""What hubs say, between broker and worker: two JetStream streams, cut into partitions.

nats-server's MQTT gateway turns the topic `ansim/1/D/H/up/alarm` into the subject
`ansim.1.D.H.up.alarm`. Its `mappings` (config/nats/partitions.conf, made by `mappings` here) turn
that, before anything else sees it, into

    ansim-in.LANE.P.D.H.LEAF        LANE: alarm or rest     P: FNV-1a(H) mod partitions

so one filter takes a partition's alarms, which nothing else can delay, and one the rest. In
nats-server 2.9 the hash exists only in mappings; a stream's own transforms came with 2.10.

Wills are mapped too. Permissions are asked for the MAPPED subject [seen in 2.9.10], so a hub H is
allowed `ansim-in.*.*.*.H.*`; it could then name a wrong partition itself: `read` refuses that.

The streams are a buffer, not an archive: the hub keeps a message until `stored`.
"""

from dataclasses import dataclass
from enum import StrEnum

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from gateway.core.wire import VERSION
from gateway.errors import HubMessageError, LinkError

ROOT = "ansim-in"
PARTS = 6


class Lane(StrEnum):
    """What may not wait for what."""

    ALARM = "alarm"
    REST = "rest"


LEAVES = {
    Lane.ALARM: ("alarm",),
    Lane.REST: ("state", "hb", "event", "sum", "evidence", "res", "routine"),
}
KEPT_S = {Lane.ALARM: 7 * 86400.0, Lane.REST: 6 * 3600.0}


def partition_of(hub: str, partitions: int) -> int:
    """Return a hub's partition, as nats-server computes it.

    >>> partition_of("hubA", 16)
    7
    """
    value = 2166136261
    for byte in hub.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value % partitions


def stream_name(lane: Lane) -> str:
    """Return a lane's stream."""
    return f"ansim-{lane}"


def subject(lane: Lane, partition: int) -> str:
    """Return the filter of one partition of a lane."""
    return f"{ROOT}.{lane}.{partition}.>"


def topic(subject: str, partition: int, partitions: int) -> str:
    """Return the MQTT topic that a hub published on; HubMessageError if it chose the partition."""
    parts = subject.split(".")
    if len(parts) != PARTS:
        raise HubMessageError(f"no subject of a hub: {subject[:100]!r}")
    _, lane, _, district, hub, leaf = parts
    if lane not in LEAVES or leaf not in LEAVES[Lane(lane)]:
        raise HubMessageError(f"{leaf} in the lane {lane}")
    if partition_of(hub, partitions) != partition:
        raise HubMessageError(f"{hub} came in partition {partition}, which is not its own")
    return f"ansim/{VERSION}/{district}/{hub}/up/{leaf}"


def mappings(partitions: int) -> str:
    """Return the broker's configuration that cuts what hubs say into partitions.

    One line for each leaf and none for all others: of two mappings that both fit, nats-server takes
    either, as its hash map gives them at the start [seen in 2.9.10: alarms in the wrong lane].
    """
    where = f"{{{{partition({partitions},2)}}}}.{{{{wildcard(1)}}}}.{{{{wildcard(2)}}}}"
    lines = [
        f'  "ansim.{VERSION}.*.*.up.{leaf}": "{ROOT}.{lane}.{where}.{leaf}"'
        for lane, leaves in LEAVES.items()
        for leaf in leaves
    ]
    return "\n".join(
        [
            f"# {partitions} partitions by the hash of the hub's id.",
            "# Made by `ansim centre-worker --mappings`. It goes into the account of the hubs, or",
            "# to the top where there are no accounts.",
            "mappings: {",
            *lines,
            "}",
            "",
        ]
    )


@dataclass(frozen=True, slots=True)
class Extent:
    """What a stream holds: `made` tells it from one of the same name made anew."""

    made: str
    last: int


async def ensure(js: JetStreamContext, lane: Lane, *, replicas: int, max_bytes: int) -> None:
    """Make a lane's stream unless it is there."""
    try:
        await js.stream_info(stream_name(lane))
    except NotFoundError:
        await js.add_stream(
            StreamConfig(
                name=stream_name(lane),
                subjects=[f"{ROOT}.{lane}.>"],
                storage=StorageType.FILE,
                num_replicas=replicas,
                max_age=KEPT_S[lane],
                max_bytes=max_bytes,
                discard=DiscardPolicy.OLD,
            )
        )


async def extent(js: JetStreamContext, lane: Lane) -> Extent:
    """Return what a lane's stream holds now."""
    try:
        info: StreamInfo = await js.stream_info(stream_name(lane))
    except (NatsError, OSError, TimeoutError) as wrong:
        raise LinkError(f"stream {stream_name(lane)}: {wrong!r}") from wrong
    return Extent(str(info.created), info.state.last_seq)
