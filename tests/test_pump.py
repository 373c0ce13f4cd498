"""The pump in the whole daemon: what an acknowledgement may and may not finish."""

from pathlib import Path

from gateway.core.alerts import Word
from gateway.core.inputs import Acknowledge, Asked
from gateway.core.outputs import Stream
from gateway.core.wire import Ack, AckStatus, Command, CommandName
from gateway.settings import DeviceStanza, Role
from gateway.virtual.time import SteppedClock
from gateway.virtual.world import World
from tests.fakes import press
from tests.homes import daemon, settings

SOS = DeviceStanza(name="sos", driver="bthome", address="B4:35:22:F5:3D:A4", role=Role.SOS)
NOWHERE = "mqtt://127.0.0.1:9"


async def test_stored_is_not_believed_of_another_epoch(tmp_path: Path) -> None:
    async with (
        World(SteppedClock()) as world,
        daemon(settings(tmp_path, NOWHERE, SOS), world) as hub,
    ):
        hub.inbox.put(press(0))
        await hub.pump.idle(lambda: bool(list(hub.pipeline.book)))
        (alert,) = hub.pipeline.book
        for epoch, word in (("ANOTHER", Word.UNSENT), (hub.store.epoch, Word.STORED)):
            ack = Ack(epoch, "alarm", AckStatus.STORED, (alert.id,))
            hub.inbox.put(Acknowledge(press(1).at, ack))
            await hub.pump.idle()
            assert [one.word for one in hub.pipeline.book] == [word]


async def test_a_resend_is_answered_with_what_is_left_of_its_range(tmp_path: Path) -> None:
    async with (
        World(SteppedClock()) as world,
        daemon(settings(tmp_path, NOWHERE, SOS), world) as hub,
    ):
        hub.inbox.put(press(0))
        await hub.pump.idle(lambda: bool(list(hub.pipeline.book)))
        for last in (1, 9):
            args = {"epoch": hub.store.epoch, "stream": "alarm", "from": last, "to": last}
            command = Command(f"c{last}", CommandName.RESEND, args, 4_000_000_000_000)
            hub.inbox.put(Asked(press(1).at, command))
        await hub.pump.idle()
        answers = await hub.store.unfinished(Stream.RES)
        assert [row.payload["result"]["left"] for row in answers] == [1, 0]
