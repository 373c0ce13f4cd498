"""What one input causes, while it is being gathered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.core.alerts import Alert
from gateway.core.model import At, Memory
from gateway.core.outputs import NOTHING, Announce, Keep, Outputs, Post, Sound, Stream


@dataclass(slots=True)
class Draft:
    """Gathers outputs in order; an alert saved twice by one input is saved as it ended."""

    at: At
    posts: list[Post] = field(default_factory=list)
    alerts: dict[str, Alert] = field(default_factory=dict)
    memories: list[Memory] = field(default_factory=list)
    keeps: list[Keep] = field(default_factory=list)
    announcements: list[Announce] = field(default_factory=list)
    state: list[tuple[str, bytes]] = field(default_factory=list)
    forget: list[str] = field(default_factory=list)
    at_once: bool = False

    def post(
        self, stream: Stream, message_id: str, body: Mapping[str, Any], alert: str | None = None
    ) -> None:
        """Add a message for the outbox."""
        self.posts.append(Post(stream, message_id, self.at, body, alert))

    def announce(self, sound: Sound, alert: Alert) -> None:
        """Add something for the resident's ears."""
        self.announcements.append(Announce(self.at, sound, alert))

    def outputs(self) -> Outputs:
        """Return it all, frozen."""
        if not (
            self.posts
            or self.alerts
            or self.memories
            or self.keeps
            or self.announcements
            or self.state
            or self.forget
            or self.at_once
        ):
            return NOTHING
        return Outputs(
            posts=tuple(self.posts),
            alerts=tuple(self.alerts.values()),
            memories=tuple(self.memories),
            keeps=tuple(self.keeps),
            announcements=tuple(self.announcements),
            state=tuple(self.state),
            forget=tuple(self.forget),
            at_once=self.at_once,
        )
