"""One deafness treated: the ladder climbed rung by rung; each timed, logged, counted, told.

The policy is gateway.edge.recovery's, the hands are gateway.edge.means's. A deafness of the same
sign that returns within a minute of its cure is the same one: an adapter that hears one advert
after each scan that is started anew would never see a stronger means otherwise.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from structlog.typing import FilteringBoundLogger

from gateway.edge.adapter import Fault
from gateway.edge.means import Means
from gateway.edge.recovery import Ladder, Rung, Sign, Step, patience_s
from gateway.errors import HubError

SAME_S = 60.0
MEANS_S = 60.0  # whatever a means does, the ladder goes on

Tell = Callable[[Rung, str], None]


@dataclass(frozen=True, slots=True)
class Patient:
    """What the ladder must know beside the fault."""

    name: str  # hciN
    spares: bool = False
    streaming: bool = False
    heard_ever: bool = True
    usual_s: float = 0.0
    often_s: float | None = None


class Healer:
    """Climbs. counts: how often each means was used; last: the newest, in words."""

    def __init__(
        self,
        means: Means,
        tell: Tell,
        log: FilteringBoundLogger,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._means, self._tell, self._log, self._pause = means, tell, log, pause
        self._ladder = Ladder()
        self._cured_s: float | None = None
        self._sign: Sign | None = None
        self.counts: Counter[str] = Counter()
        self.last = ""

    def cured(self) -> str:
        """Note that something is heard again; say what was done, for people."""
        self._cured_s = asyncio.get_running_loop().time()
        if self.last.startswith(Rung.SPARE.value):
            self._ladder = Ladder()  # another adapter, another ladder
        done, self.last = self.last, ""
        return done

    async def treat(self, fault: Fault, patient: Patient) -> Step:
        """Do the next thing; return it, with how long to listen afterwards."""
        loop = asyncio.get_running_loop()
        if self._cured_s is not None:  # it has heard in between
            later = loop.time() - self._cured_s >= SAME_S
            if later or fault.sign is not self._sign:
                self._ladder = Ladder()
        self._cured_s, self._sign = None, fault.sign
        can = self._means.can | ({Rung.SPARE} if patient.spares else set())
        self._ladder, step = self._ladder.step(
            fault.sign,
            can=can,
            streaming=patient.streaming,
            heard_ever=patient.heard_ever,
            usual_s=patient.usual_s,
            often_s=patient.often_s,
        )
        if step.rung is None:
            self._log.info("recovery pauses", fault=fault.detail, for_s=step.wait_s)
            await self._pause(step.wait_s)
            return Step(None, patience_s(Rung.SCAN, patient.usual_s))
        began = loop.time()
        wrong = await self._do(step.rung, patient.name)
        took_s = loop.time() - began
        self.counts[step.rung.value] += 1
        self.last = f"{step.rung.value} ({took_s:.1f} s)" + (f": {wrong}" if wrong else "")
        self._log.warning(
            "recovery",
            step=step.rung.value,
            fault=fault.detail,
            took_s=round(took_s, 2),
            error=wrong,
            times=self.counts[step.rung.value],
        )
        self._tell(step.rung, f"{fault.detail}; {took_s:.1f} s{f', {wrong}' if wrong else ''}")
        return replace(step, wait_s=0.0 if wrong and not step.last else step.wait_s)

    async def _do(self, rung: Rung, name: str) -> str:
        try:
            async with asyncio.timeout(MEANS_S):
                await self._means.do(rung, name)
        except TimeoutError:
            return f"no end within {MEANS_S:g} s"
        except (HubError, OSError, EOFError) as wrong:
            return str(wrong) or repr(wrong)
        return ""
