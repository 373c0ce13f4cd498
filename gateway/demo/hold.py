"""`ansim demo --hold`: a visitor presses keys, the home answers; `ansim status` may ask too."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import numpy as np

from gateway.core.model import Press
from gateway.core.wire import Cause
from gateway.demo.stage import Stage
from gateway.virtual.wear import fall, quiet, walking

Action = Callable[[Stage], Awaitable[None]]


async def _sos(stage: Stage) -> None:
    stage.hops.on_air()
    stage.home.sos.press(Press.SINGLE)


async def _cancel(stage: Stage) -> None:
    stage.home.cancel.press(Press.SINGLE)


async def _fall(stage: Stage) -> None:
    stage.home.band.play(np.concatenate([fall(lying_s=30.0), quiet(10.0)]), 50.0)


async def _walk(stage: Stage) -> None:
    stage.home.band.play(walking(20.0), 50.0)


async def _move(stage: Stage) -> None:
    stage.home.bedroom.detect()
    stage.home.door.open()
    stage.home.door.close()


async def _broker(stage: Stage) -> None:
    if stage.broker.running:
        await stage.broker.kill()
    else:
        await stage.broker.start()


async def _mute(stage: Stage) -> None:
    stage.home.kitchen.die()


async def _deaf(stage: Stage) -> None:
    stage.world.deaf(deaf=True)


async def _hear(stage: Stage) -> None:
    stage.world.deaf(deaf=False)
    stage.home.kitchen.revive()


async def _close(stage: Stage) -> None:
    for kind in {case.kind for case in stage.desk.cases.values()}:
        stage.close(kind, Cause.TEST)


async def _hour(stage: Stage) -> None:
    await stage.skip(1.0)


KEYS: dict[str, tuple[Action, str, str]] = {
    "s": (_sos, "press the SOS button", "응급호출 버튼 누르기"),
    "f": (_fall, "fall", "넘어지기"),
    "c": (_cancel, "press the cancel button", "취소 버튼 누르기"),
    "w": (_walk, "walk for 20 s", "20초 걷기"),
    "m": (_move, "bedroom motion, front door", "침실 동작, 현관문"),
    "b": (_broker, "kill the broker / start it again", "브로커 죽이기/살리기"),
    "k": (_mute, "the kitchen sensor dies", "부엌 센서 고장"),
    "d": (_deaf, "the adapter goes deaf", "어댑터 수신 불능"),
    "r": (_hear, "repair sensor and adapter", "센서와 어댑터 복구"),
    "o": (_close, "the operator closes everything", "담당자가 모두 종료"),
    "h": (_hour, "skip an hour", "한 시간 건너뛰기"),
}


async def hold(stage: Stage) -> None:
    """Read keys, a line each, until `q` or the end of input."""
    say = stage.teller
    for key, (_, english, korean) in KEYS.items():
        say.plain(f"  {key}  {say.pick(english, korean)}")
    say.plain(f"  q  {say.pick('quit', '끝내기')}   ({say.pick('then Enter', 'Enter로 실행')})")
    say.plain(f"  ansim status --socket {stage.daemon.settings.control_socket}\n")
    while True:
        async with stage.real_time():
            line = await asyncio.to_thread(sys.stdin.readline)
        word = line.strip().lower()
        if not line or word == "q":
            return
        if word not in KEYS:
            say.plain(say.pick(f"no key {word!r}", f"{word!r}: 없는 키"))
            continue
        await KEYS[word][0](stage)
