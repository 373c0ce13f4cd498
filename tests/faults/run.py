"""One run: a plan carried out on a rig, everything healed, the account drawn up."""

import asyncio
import contextlib
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.settings import (
    AnnouncerSettings,
    BrokerSettings,
    DeviceStanza,
    FallSettings,
    HubSettings,
    Role,
    Settings,
    StoreSettings,
    UplinkSettings,
)
from tests.brokers import PLAIN
from tests.faults.account import Account, balance, events_in_order, order_and_holes
from tests.faults.breaking import Breaking
from tests.faults.card import card
from tests.faults.checks import CHECKS, linked
from tests.faults.children import Nursery
from tests.faults.engine import Engine
from tests.faults.plan import BUTTONS, Plan
from tests.faults.rig import WRIST, Rig
from tests.faults.themes import CERTIFICATE_S
from tests.faults.witness import ADDRESS, DOOR, HALL, Residents, Witness
from tests.hubs import DISTRICT, HUB

STORED_WITHIN_S = 60.0
CLUSTER_WITHIN_S = 240.0  # a node of RabbitMQ's that was killed may take minutes on a busy machine
QUIET_WITHIN_S = 30.0
FOUND_WITHIN_S = 5.0  # where it is sure to be lost
BATCH_S = 0.5
DURABLE = (
    "listener {port} 127.0.0.1",
    "persistence true",
    "persistence_location {directory}/",
    "autosave_interval 1",
    "allow_anonymous true",
    "set_tcp_nodelay true",
)


def home(directory: Path, *, band: bool = False, district: str = DISTRICT) -> Settings:
    """Return the settings of a run's home."""
    devices = tuple(
        DeviceStanza(name, "bthome", ADDRESS.format(number), role=Role.SOS, options={})
        for number, name in enumerate(BUTTONS, 1)
    )
    hall = DeviceStanza("hall", "bthome", HALL, place="hall", options={})
    door = DeviceStanza("door", "bthome", DOOR, place="frontdoor", options={})
    wrist = DeviceStanza("band", "polar_pmd", WRIST, options={})
    return Settings(
        hub=HubSettings(id=HUB, district=district),
        uplink=UplinkSettings(
            brokers=(BrokerSettings(url="mqtt://127.0.0.1:1"),), keepalive_s=5, heartbeat_s=2.0
        ),
        devices=(*devices, hall, door, *((wrist,) if band else ())),
        fall=FallSettings(cancel_window_s=4.0),
        announcer=AnnouncerSettings(command=("sh", "-c", f"echo {{sound}} >>{directory}/sounds")),
        store=StoreSettings(directory=directory / "store", batch_s=BATCH_S),
        control_socket=directory / "control.sock",
    )


async def run(
    nursery: Nursery,
    plan: Plan,
    keep: Path | None = None,
    keep_bad: Path | None = None,
    *,
    engine: Engine | None = None,
    sabotage: str = "",
) -> Account:
    """Carry a plan out, on a mosquitto of its own or on the engine's brokers.

    keep: where its files stay (else they go with the run). keep_bad: where the logs of a run stay
    that was not good.
    """
    with contextlib.ExitStack() as stack:
        if keep is None:
            temporary = tempfile.TemporaryDirectory(
                prefix="ansim-faults-",
                ignore_cleanup_errors=True,  # an announcement may still be under way
            )
            directory = Path(stack.enter_context(temporary))
        else:
            directory = keep
            directory.mkdir(parents=True, exist_ok=True)
        engine = engine or Engine()
        settings = home(directory, band=plan.fall, district=engine.district(plan.seed))
        stack.enter_context(card(settings.store.directory, plan.disk_mb))
        async with Rig.open(
            nursery,
            directory,
            settings,
            seed=plan.seed,
            pace=plan.pace,
            broker_lines=tuple(
                line.replace("{directory}", str(directory))
                for line in (DURABLE if plan.durable_broker else PLAIN)
            ),
            present=plan.present,
            certificate_s=CERTIFICATE_S if plan.tls else None,
            fall=plan.fall,
            engine=engine,
            wired=plan.wired,
            sabotage=sabotage,
        ) as rig:
            within_s = CLUSTER_WITHIN_S if engine.shared else STORED_WITHIN_S
            within_s = FOUND_WITHIN_S if sabotage else within_s
            account = await _carried_out(rig, plan, within_s)
        if keep_bad is not None and not account.good:
            keep_bad.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - the run is over
            for log in (rig.hub_log, rig.centre_log):
                shutil.copy(log, keep_bad / f"{plan.seed}-{log.name}")
        return account


async def _carried_out(rig: Rig, plan: Plan, within_s: float) -> Account:
    loop = asyncio.get_running_loop()
    residents = Residents(rig, plan.hold)
    witness = Witness(rig, residents)
    breaking = Breaking(rig, witness)
    await rig.begin()
    if not plan.steps:
        await linked(rig)  # what is asked is how long a cry takes with the link up
    watching = asyncio.create_task(witness.run())
    # Who has fallen and lies there walks through no room: that would withdraw the fall.
    living = asyncio.create_task(asyncio.sleep(0) if plan.fall else residents.live())
    began = loop.time()
    try:
        tasks = [
            asyncio.create_task(_at(began + one.at_s, residents.press(one)))
            for one in plan.pressings
        ]
        tasks += [
            asyncio.create_task(_at(began + step.at_s, breaking.do(step))) for step in plan.steps
        ]
        breaks = tasks[len(plan.pressings) :]
        if breaks:
            await asyncio.wait(breaks)
        for each in breaks:
            each.result()
        await asyncio.sleep(max(0.0, began + plan.length_s - loop.time()))
        await rig.heal()
        await witness.until(lambda: all(t.done() for t in tasks), within_s)
        for each in tasks:
            each.cancel()
        await witness.until(lambda: residents.caused.keys() <= witness.cries, within_s)
        living.cancel()
        await breaking.insist(within_s)
        shed = await _quiet(rig, min(within_s, QUIET_WITHIN_S))
    finally:
        living.cancel()
        watching.cancel()
    await rig.hub.stop()
    await rig.twin.stop()
    await rig.centre.stop()
    witness.look()
    high = await asyncio.to_thread(given_out, rig.store / "hub.db")
    return _account(plan, rig, residents, witness, breaking, shed, high, loop.time() - began)


async def _at(when: float, what: Any) -> None:
    await asyncio.sleep(max(0.0, when - asyncio.get_running_loop().time()))
    await what


async def _quiet(rig: Rig, within_s: float) -> dict[str, int]:
    """Wait until the hub has nothing left to say; return what it has shed."""
    await asyncio.sleep(BATCH_S)  # the last of the telemetry comes into the outbox
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    status: Any = None
    while loop.time() < end:
        status = await rig.status()
        twin = await rig.status(twin=True) if rig.twin.wanted.is_set() else status
        if status and twin and not (unfinished(status) or unfinished(twin)):
            break
        await asyncio.sleep(0.1)
    else:
        if rig.hub.child is not None:
            rig.hub.child.kill(signal.SIGUSR1)  # says in its log where it stands
            await asyncio.sleep(0.2)
        told = status and {**status["store"], "uplink": status["uplink"]}
        rig.findings.append(f"messages stay unfinished at the hub: {told}")
    if status is None:
        return {}
    return {**status["store"]["evicted"], **status["inbox"]["shed"]}


def given_out(path: Path) -> dict[tuple[str, str], int]:
    """Return the last number of each (epoch, stream) that a hub believes to be stored.

    A message that it let go of and that never came leaves no hole in the centre's numbers when it
    was the last of its stream. What it wrote while it ended nobody has asked for yet.
    """
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db,
    ):
        (epoch,) = db.execute("SELECT epoch FROM self").fetchone()
        waiting = "(SELECT min(seq) FROM outbox o WHERE o.stream = s.stream AND o.epoch = ?)"
        rows = db.execute(
            f"SELECT stream, coalesce({waiting} - 1, seq) FROM streams s",  # noqa: S608 - ours
            [epoch],
        )
        return {(epoch, stream): seq for stream, seq in rows}
    return {}


def unfinished(status: Mapping[str, Any]) -> bool:
    """Return whether a hub has anything that the centre has not stored."""
    return any(status["store"]["unfinished"].values())


def _account(
    plan: Plan,
    rig: Rig,
    residents: Residents,
    witness: Witness,
    breaking: Breaking,
    shed: Mapping[str, int],
    high: Mapping[tuple[str, str], int],
    took_s: float,
) -> Account:
    stored = list(witness.stored.values())
    epochs = {message.epoch for message in stored}
    broken = epochs if breaking.epochs_may_break else set[str]()
    lost, doubled, again, times = balance(residents.caused, stored, broken)
    findings = [*rig.findings]
    excused = set(broken)
    findings += order_and_holes(stored, high, excused, witness.decided, shed)
    findings += events_in_order(m for m in stored if m.stream == "event")
    if plan.theme in CHECKS:
        findings += CHECKS[plan.theme](rig, witness)
    findings += [f"the hub's log: {line}" for line in witness.troubles[-12:]]
    if rig.centre_log.exists():
        for text in rig.centre_log.read_text().splitlines():
            if "Traceback" in text:
                findings.append("the centre's log has a traceback")
    doubled_cries = {one.partition(":")[0] for one in doubled}
    once = len(residents.caused) - len(lost) - len(doubled_cries) - len(again)
    return Account(
        seed=plan.seed,
        theme=plan.theme,
        caused=len(residents.caused),
        stored_once=once,
        lost=tuple(lost),
        doubled=tuple(doubled),
        again=tuple(again),
        findings=tuple(findings),
        alarms=sum(message.stream == "alarm" for message in stored),
        messages=len(stored),
        events=sum(len(m.body["items"]) for m in stored if m.stream == "event"),
        to_stored_s=tuple(round(each, 3) for each in times),
        longest_s=round(max(times, default=0.0), 3),
        took_s=round(took_s, 2),
        kills={k: v for k, v in breaking.kills.items() if v}
        | {"hub deaths": rig.hub.deaths, "centre deaths": rig.centre.deaths},
        shed=shed,
    )
