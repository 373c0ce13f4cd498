"""The scripted day: each scene is a few lines of what happens, and waits for what the hub does.

Nothing here tells the daemon anything: devices speak on the virtual air, the rest is the hub's.
"""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from gateway.core.model import Press
from gateway.core.wire import Cause
from gateway.demo.stage import OPERATOR, Stage
from gateway.virtual.wear import fall, quiet, walking

Scene = Callable[[Stage], Awaitable[None]]


async def wake_up(stage: Stage) -> None:
    """Show a morning in which nothing is the matter."""
    say, home = stage.teller, stage.home
    say.scene("An ordinary morning", "평범한 아침")
    say.home(
        "Mrs Kim gets up: bedroom, bathroom, kitchen. She puts her band on.",
        "김 할머니가 일어나 침실, 욕실, 부엌을 오갑니다. 밴드를 찹니다.",
    )
    home.bedroom.detect()
    home.band.play(np.concatenate([walking(4.0), quiet(2.0)]), 50.0)
    await stage.pass_time(6, rate=6)
    home.toilet.detect()
    await stage.pass_time(6, rate=6)
    home.kitchen.detect()
    await stage.pass_time(10, rate=10)
    say.home(
        "Seven sensors are heard; forty of the neighbours' devices are on the air and ignored.",
        "센서 일곱 개가 수신됩니다. 이웃집 기기 마흔 개의 신호는 무시됩니다.",
    )


async def sos(stage: Stage) -> None:
    """Show a press of the SOS button."""
    say, desk = stage.teller, stage.desk
    say.scene("The SOS button", "응급호출 버튼")
    say.home("She feels faint and presses the button.", "어지러워서 버튼을 누릅니다.")
    async with stage.real_time():
        stage.hops.on_air()
        stage.home.sos.press(Press.SINGLE)
        await desk.until(lambda: bool(desk.alarms("pers", "raised")))
        message = desk.alarms("pers", "raised")[0]
        say.centre(
            "stored, and on the operator's screen; she calls back",
            "저장됨, 담당자 화면에 표시됨. 전화를 겁니다",
        )
        await asyncio.sleep(1)
        stage.centre.handle(message.id, OPERATOR)
        await asyncio.sleep(0.5)
        stage.centre.close(message.id, Cause.REAL, OPERATOR)
        say.centre("handled and closed: real", "처리 후 종료: 실제 상황")


async def cancelled_fall(stage: Stage) -> None:
    """Show a fall that the resident cancels."""
    say, desk, home = stage.teller, stage.desk, stage.home
    say.scene("A fall, and she is well", "넘어졌지만 괜찮은 경우")
    say.home("She stumbles over the carpet and goes down.", "카펫에 걸려 넘어집니다.")
    home.band.play(np.concatenate([fall(lying_s=4.0), quiet(40.0)]), 50.0)
    async with stage.real_time(rate=2.0):
        if not await desk.until(lambda: bool(desk.alarms("fall", "pending"))):
            return
        say.centre(
            "has it as pending, and would raise it by itself if the hub died now",
            "대기 경보로 저장됨. 지금 허브가 멈춰도 관제센터가 스스로 발령합니다",
        )
        say.home("She gets up and presses the green button.", "일어나 초록색 단추를 누릅니다.")
        home.cancel.press(Press.SINGLE)
        await desk.until(lambda: bool(desk.alarms("fall", "cancelled")))
        say.centre("knows that it was cancelled by the resident", "본인이 취소했음을 기록")


async def real_fall(stage: Stage) -> None:
    """Show a fall after which nobody answers."""
    say, desk = stage.teller, stage.desk
    say.scene("A fall, and nobody answers", "넘어진 뒤 응답이 없는 경우")
    await stage.skip(1.0)
    say.home(
        "In the kitchen she falls again. She lies still.", "부엌에서 다시 넘어져 움직이지 못합니다."
    )
    before = len(desk.alarms("fall", "pending"))
    stage.home.band.play(np.concatenate([walking(3.0), fall(lying_s=60.0)]), 50.0)
    async with stage.real_time(rate=4.0):
        await desk.until(lambda: len(desk.alarms("fall", "pending")) > before)
        await desk.until(lambda: bool(desk.alarms("fall", "raised")))
        say.centre("raised; the operator sends somebody", "발령됨. 담당자가 사람을 보냅니다")
        await desk.until(lambda: any(m.leaf == "evidence" for m in desk.stored), 20)
        parts = sum(m.leaf == "evidence" for m in desk.stored)
        say.centre(
            f"has the evidence too: 20 s of acceleration and what the rooms saw ({parts} parts)",
            f"증거도 저장됨: 가속도 20초와 방 센서 기록 ({parts}개 조각)",
        )
        stage.close("fall", Cause.REAL)
        await asyncio.sleep(0.3)


async def broker_gone(stage: Stage) -> None:
    """Show that an alarm outlives a broker."""
    say, desk, home = stage.teller, stage.desk, stage.home
    say.scene("The broker dies", "브로커가 죽는 경우")
    say.home("kill -9: the broker is gone.", "kill -9: 브로커가 사라졌습니다.")
    before = len(desk.alarms("pers", "raised"))
    async with stage.real_time():
        await stage.broker.kill()
        await asyncio.sleep(1)
        say.home("She presses the button all the same.", "그래도 버튼을 누릅니다.")
        home.sos.press(Press.DOUBLE)
        await asyncio.sleep(2)
        await stage.broker.start()
        say.home("The broker is back.", "브로커가 돌아왔습니다.")
        await desk.until(lambda: len(desk.alarms("pers", "raised")) > before)
        message = desk.alarms("pers", "raised")[-1]
        say.centre(
            f"stored, once, after {message.body['attempt']} publications",
            f"한 번만 저장됨 (전송 {message.body['attempt']}회)",
        )
        stage.close("pers", Cause.FALSE)
        await asyncio.sleep(0.3)


async def dead_sensor(stage: Stage) -> None:
    """Show that a dead sensor is a technician's matter, not a quiet resident."""
    say, desk, home = stage.teller, stage.desk, stage.home
    say.scene("A battery dies", "센서 배터리가 다 된 경우")
    say.home("The kitchen's motion sensor falls silent.", "부엌 동작 센서가 조용해집니다.")
    home.kitchen.die()
    await stage.skip(1.0, until=lambda: bool(desk.alarms("fault.sensor", "raised")))
    say.centre(
        "a technical fault, never a reason to send somebody to the resident",
        "기술 장애로 저장됨. 어르신에게 출동할 이유가 아닙니다",
    )
    home.kitchen.revive()
    await stage.pass_time(20, rate=10)


async def silence(stage: Stage) -> None:
    """Show a long silence."""
    say, desk, home = stage.teller, stage.desk, stage.home
    say.scene("A long silence", "오랜 침묵")
    home.bedroom.clear()
    await stage.pass_time(5, rate=5)
    home.bedroom.detect()
    await stage.pass_time(5, rate=5)
    home.band.put_in_charger(charging=True)
    home.band.beat(0, worn=False)
    say.home(
        "She puts the band on its charger, and collapses by the bed. Nobody sees it.",
        "밴드를 충전기에 올려놓고 침대 옆에서 쓰러집니다. 아무도 보지 못합니다.",
    )
    say.home(
        "(the hours are skipped; every sensor goes on speaking)",
        "(시간을 건너뜁니다. 센서는 계속 신호를 보냅니다)",
    )
    await stage.skip(24.0, until=lambda: bool(desk.alarms("inactivity", "raised")))
    async with stage.real_time():
        await asyncio.sleep(0.5)  # the answer comes back to the hub, too
    for message in desk.alarms("inactivity", "raised")[:1]:
        say.centre(f"raised: {message.body['evid']['en']}", f"발령됨: {message.body['evid']['ko']}")


SCENES: tuple[Scene, ...] = (
    wake_up,
    sos,
    cancelled_fall,
    real_fall,
    broker_gone,
    dead_sensor,
    silence,
)
