"""What a herd counts, and how its hubs live."""

from dataclasses import dataclass, field

HEARTBEAT_S = 60.0


@dataclass(slots=True)
class Census:
    """What was counted. `to_stored`: seconds from a press to `stored`, of each alarm.

    why: how connections, and tries at one, ended.
    """

    connected: int = 0
    connects: int = 0
    lost: int = 0
    refused: int = 0
    heartbeats: int = 0
    pubacks: int = 0
    pressed: list[str] = field(default_factory=list)
    to_stored: dict[str, float] = field(default_factory=dict)
    telemetry: int = 0
    telemetry_stored: int = 0
    repeats: int = 0
    why: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Habits:
    """How the hubs of a herd live. summary_s, batch_s: 0 for none. qos: of their subscriptions.

    pace: of coming back. tls: where each hub's certificate is, and ca.crt; else plain.
    """

    heartbeat_s: float = HEARTBEAT_S
    summary_s: float = 0.0
    batch_s: float = 0.0
    qos: int = 1
    pace: float = 1.0
    tls: str = ""
