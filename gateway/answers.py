"""What the running daemon answers on its control socket."""

from collections.abc import Mapping
from typing import Any, Protocol

from gateway.edge.control import Answer
from gateway.edge.radio import Radio
from gateway.errors import DeviceError, RadioError
from gateway.status import Status

SCAN_MOST_S = 60.0


class Answering(Protocol):
    """The parts that know."""

    status: Status
    radio: Radio


def answers(daemon: Answering) -> Mapping[str, Answer]:
    """Return the answers by what is asked."""

    async def status(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
        return await daemon.status.full()

    async def scan(asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        seconds = min(float(asked.get("seconds", 10)), SCAN_MOST_S)
        return [
            {
                "address": seen.address,
                "name": seen.name,
                "rssi": seen.rssi,
                "services": list(seen.services),
                "device": seen.device,
            }
            for seen in await daemon.radio.survey(seconds)
        ]

    async def pair(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        again = asked.get("again") is True
        try:
            done = await daemon.radio.pair(str(asked.get("name", "")), again=again)
        except (DeviceError, RadioError) as wrong:
            return {"paired": False, "detail": str(wrong)}
        return {"paired": True, "detail": done}

    return {"status": status, "scan": scan, "pair": pair}
