"""From a seed to what happens in a run: what the residents do, what breaks, and when. Pure.

Each run has a theme: the part that is broken. Themes take turns by seed, so that any N runs in a
row have them all; what is broken when is drawn from the seed.
"""

import random
from dataclasses import dataclass

from gateway.core.model import Press
from tests.faults.themes import ORDER, THEMES, Step

BUTTONS = tuple(f"sos-{number}" for number in range(1, 6))
PRESSES = (
    Press.SINGLE,
    Press.DOUBLE,
    Press.TRIPLE,
    Press.LONG,
    Press.LONG_DOUBLE,
    Press.LONG_TRIPLE,
)
ALARMS = 10


@dataclass(frozen=True, slots=True)
class Pressing:
    """A resident's cry: this button, pressed so, is unique within the run."""

    at_s: float
    button: str
    press: Press


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run.

    hold: buttons are held until the centre has the press, not only until the hub says `durable`
        (where a hub's memory is destroyed, the resident must press again).
    pace: of the hub's schedule. durable_broker: the broker keeps what it acknowledged over kill -9,
        more or less. present: the centre says `presented` by itself. fall: somebody wears a band.
    tls: the hub's way is TLS, with a certificate that is not valid before CERTIFICATE_S.
    disk_mb: the size of the hub's card, 0: no card of its own.
    wired: the hub lives behind a network of the kernel's own (wire.py).
    """

    seed: int
    theme: str
    pressings: tuple[Pressing, ...]
    steps: tuple[Step, ...]
    hold: bool = False
    pace: float = 0.1
    durable_broker: bool = False
    present: bool = True
    fall: bool = False
    tls: bool = False
    disk_mb: int = 0
    wired: bool = False

    @property
    def length_s(self) -> float:
        """When the last thing begins."""
        return max([one.at_s for one in self.pressings] + [step.at_s for step in self.steps])


def plan(seed: int, theme: str = "") -> Plan:
    """Return the plan of a seed; `theme`: another one than its turn's."""
    chance = random.Random(f"plan-{seed}")
    name = theme or ORDER[seed % len(ORDER)]
    kind = THEMES[name]
    steps = tuple(sorted(kind.steps(chance), key=lambda step: step.at_s))
    every_s = chance.uniform(0.25, 0.45)
    cries = [(button, press) for button in BUTTONS for press in PRESSES]
    chance.shuffle(cries)
    pressings = tuple(
        Pressing(0.3 + number * every_s + chance.uniform(0, 0.2), button, press)
        for number, (button, press) in enumerate(cries[:ALARMS])
    )
    if kind.twin:
        theirs = chance.sample(PRESSES, 3)
        pressings += tuple(
            Pressing(1.2 + number * 1.2, "twin", press) for number, press in enumerate(theirs)
        )
    return Plan(
        seed,
        name,
        pressings,
        steps,
        hold=kind.hold,
        pace=kind.pace,
        durable_broker=chance.random() < 0.5,
        present=kind.present,
        fall=kind.fall,
        tls=kind.tls,
        disk_mb=kind.disk_mb,
        wired=kind.wired,
    )
