"""The pump: the only reader of the inbox and the only caller of the pipeline.

For each input: feed, commit, wake the uplink, tell the resident; in this order, and one input after
another, so that an alert's state changes only when its commit has succeeded or has failed. An alarm
commits alone and at once; a disk that fails or takes over 2 s hands its rows back not durable, and
they go out all the same.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from gateway.core.inputs import Acknowledge, Asked, Input, Refused
from gateway.core.model import ClockProven, Tick
from gateway.core.outputs import Announce, Outputs, Stream
from gateway.core.pipeline import Pipeline
from gateway.core.wire import Ack, AckStatus, CommandName
from gateway.edge.announce import Announcer
from gateway.edge.store import Store
from gateway.edge.uplink import Uplink
from gateway.inbox import Inbox


class Pump:
    """Moves inputs through the core and carries out what they cause."""

    def __init__(
        self,
        inbox: Inbox,
        pipeline: Pipeline,
        store: Store,
        uplink: Uplink,
        announcer: Announcer,
        *,
        pulse: Callable[[], None],
    ) -> None:
        self._inbox, self._pipeline, self._store = inbox, pipeline, store
        self._uplink, self._announcer, self._pulse = uplink, announcer, pulse
        self._log = structlog.get_logger()
        self._settled = asyncio.Event()
        self._turned = asyncio.Condition()
        self._turning = False
        self._announcing: set[asyncio.Task[None]] = set()
        self._settling = 0
        self._aside: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Pump until cancelled. An error here is a bug and ends the daemon."""
        async with asyncio.TaskGroup() as self._aside:
            while True:
                given = await self._inbox.get()
                self._turning = True
                await self.turn(given)
                self._turning = False
                async with self._turned:
                    self._turned.notify_all()

    async def settled(self) -> None:
        """Wait until a first tick has gone the whole way."""
        await self._settled.wait()

    async def idle(self, until: Callable[[], bool] = lambda: True) -> None:
        """Wait until every input has gone the whole way and `until` holds: the pace of replays."""
        async with self._turned:
            await self._turned.wait_for(
                lambda: not (self._turning or self._settling or len(self._inbox)) and until()
            )

    async def drain(self) -> None:
        """Let `run` carry out what still waits, then hand over what the detectors have learnt.

        An alarm whose commit is under way is not cut off: it would be neither on the disk nor sent.
        """
        await self.idle()
        self._store.add(Outputs(state=self._pipeline.save()))
        for task in self._announcing:
            task.cancel()

    async def turn(self, given: Input) -> None:
        """Move one input through."""
        if isinstance(given, Acknowledge):
            given = await self._finished(given)
        if isinstance(given, Asked) and given.command.name is CommandName.RESEND:
            given = replace(given, left=await self._left(given.command.args))
        outputs = self._pipeline.feed(given)
        await self._carry_out(outputs)
        match given:
            case Tick(at=at):
                self._store.seen(at)
                self._pulse()
                self._settled.set()
            case ClockProven(at=at):
                await self._store.repair_time(at)
                self._uplink.clock_proven()
            case Asked(command=command):
                self._uplink.answered(command.id)
            case Refused(id=command_id):
                self._uplink.answered(command_id)
            case _:
                pass

    async def _left(self, args: Mapping[str, Any]) -> int | None:
        """Return how much of a range the outbox still has: what is gone the centre must know."""
        stream = Stream(args["stream"])
        return await self._store.left(args["epoch"], stream, args["from"], args["to"])

    async def _finished(self, given: Acknowledge) -> Acknowledge:
        """Finish the rows an acknowledgement names; it may name them as `upto`.

        `stored` is believed of these only: said of another epoch it is about somebody else's rows.
        """
        if given.ack.stream != Stream.ALARM:
            # An alarm must not wait while the disk looks for telemetry: a backlog brings many.
            self._settling += 1
            if self._aside is None:
                await self._settle(given.ack)
            else:
                self._aside.create_task(self._settle(given.ack))
            return replace(given, ack=replace(given.ack, ids=()))
        finished = await self._store.finish(given.ack)
        self._uplink.settle(finished)
        ids = finished if given.ack.status is AckStatus.STORED else given.ack.ids
        for message in ids:
            self._log.info(f"alarm {given.ack.status}", message=message)
        return replace(given, ack=replace(given.ack, ids=ids))

    async def _settle(self, ack: Ack) -> None:
        self._uplink.settle(await self._store.finish(ack))
        self._settling -= 1
        async with self._turned:
            self._turned.notify_all()

    async def _carry_out(self, outputs: Outputs) -> None:
        if outputs == Outputs():
            return
        if outputs.urgent:
            for post in outputs.posts:
                if post.stream is Stream.ALARM:
                    self._say("alarm decided", post.id, outputs)
            committed = await self._store.commit(outputs)
            for row in committed.rows:
                if row.stream is Stream.ALARM:
                    durable = "alarm durable" if row.durable else "alarm in memory only"
                    self._log.info(durable, alert=row.alert or row.id, message=row.id, seq=row.seq)
            self._uplink.wake()
        else:
            self._store.add(outputs)
        for announce in outputs.announcements:
            self._announce(announce)

    def _say(self, event: str, message_id: str, outputs: Outputs) -> None:
        body = next(post.body for post in outputs.posts if post.id == message_id)
        self._log.info(
            event,
            alert=(body["refs"] or [message_id])[0],
            message=message_id,
            kind=body["type"],
            device=body["sensor"],
            state=body["state"],
            over=body["evid"].get("ended", False),
            why=body["evid"]["en"],
            why_ko=body["evid"]["ko"],
        )

    def _announce(self, announce: Announce) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(self._announcer(announce))
        self._announcing.add(task)
        task.add_done_callback(self._announcing.discard)
