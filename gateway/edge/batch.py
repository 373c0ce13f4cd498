"""What one transaction writes, and what it gave."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlite_utils import Database

from gateway.core.alerts import Alert
from gateway.core.instants import repaired
from gateway.core.model import At, Memory
from gateway.core.outputs import Keep, Post
from gateway.edge.records import Row


@dataclass(frozen=True, slots=True)
class Repair:
    """The clock was proven at `proof`, which mends what its boot stamped before it."""

    proof: At

    def mend(self, at: At) -> At:
        """Return `at` as it should have been stamped."""
        return at if at.mono_ms > self.proof.mono_ms else repaired(at, self.proof)


@dataclass(slots=True)
class Batch:
    """What one transaction writes.

    rescued: rows of another epoch (memory's, or a lost database's) kept as they were sent.
    done: ids of rows that the centre has stored.
    """

    posts: list[Post] = field(default_factory=list)
    keeps: list[Keep] = field(default_factory=list)
    alerts: dict[str, Alert] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    state: dict[str, bytes] = field(default_factory=dict)
    forget: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    repairs: list[Repair] = field(default_factory=list)
    rescued: tuple[Row, ...] = ()
    seen: At | None = None

    @property
    def work(self) -> bool:
        """Whether it holds anything beside telemetry."""
        return bool(
            self.alerts or self.memories or self.state or self.forget or self.done or self.repairs
        )


@dataclass(frozen=True, slots=True)
class Written:
    """What a transaction gave: its rows, the counters after it, and how to take it back."""

    rows: tuple[Row, ...]
    high: Mapping[str, int]
    undo: Callable[[Database], None]
