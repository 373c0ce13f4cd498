"""A hub that is replaced goes on as another, and one that is erased leaves nothing behind."""

import argparse
import contextlib
import dataclasses
import io
import os
import sqlite3
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.core.model import Press
from gateway.edge.alone import alone
from gateway.edge.erasure import UnsentAlarms, erase, unsent
from gateway.edge.handover import HandoverError, pack, refuse_moved, unpack
from gateway.errors import ConfigurationError, HubError
from gateway.retire import erase_hub, replace_hub
from gateway.secret import Secret
from gateway.settings import BrokerSettings, DeviceStanza, Language, Role, Settings, StoreSettings
from gateway.virtual.world import World
from tests.brokers import Mosquitto, free_port, needs_mosquitto
from tests.homes import centre, daemon, settings
from tests.hubs import write_yaml

BUTTON = "B4:35:22:F5:3D:A4"
PASSPHRASE = Secret("a long enough phrase")


async def unsent_alarm(directory: Path, url: str) -> tuple[Settings, Path]:
    """Let a hub take an alarm that no centre hears; return its settings and its YAML."""
    key = directory / "sos.key"
    key.write_text("00" * 16)
    button = DeviceStanza("sos", "bthome", BUTTON, role=Role.SOS)
    home = settings(directory, url, button)
    async with World(SystemClock()) as world:
        shelly = world.shelly_button(BUTTON)
        async with daemon(home, world) as hub:
            shelly.press(Press.SINGLE)
            await hub.pump.idle(lambda: bool(list(hub.pipeline.book)))
    config = directory / "gateway.yaml"
    config.write_text("hub: secret\n")
    keyed = dataclasses.replace(button, key_file=key)
    return dataclasses.replace(home, devices=(keyed,)), config


@needs_mosquitto
@pytest.mark.broker
async def test_the_new_hub_sends_what_the_old_one_could_not_under_its_own_key_and_once(
    tmp_path: Path,
) -> None:
    old, config = await unsent_alarm(tmp_path, f"mqtt://127.0.0.1:{free_port()}")
    card = tmp_path / "card"
    pack(old, config, tmp_path / "hub.ansim", PASSPHRASE, tmp_path / "no-bluez")
    unpack(tmp_path / "hub.ansim", PASSPHRASE, root=card)
    with pytest.raises(HubError, match="has been replaced"):
        refuse_moved(old.store.directory)
    store = card / old.store.directory.relative_to("/")
    async with Mosquitto(tmp_path) as broker, World(SystemClock()) as world:
        url = f"mqtt://127.0.0.1:{broker.port}"
        world.shelly_button(BUTTON)
        new = dataclasses.replace(
            settings(tmp_path, url, DeviceStanza("sos", "bthome", BUTTON, role=Role.SOS)),
            store=StoreSettings(directory=store),
        )
        async with centre(tmp_path, BrokerSettings(url=url)) as desk, daemon(new, world) as hub:
            message = await desk.alarm("pers")
            assert (message.seq, message.epoch) == (1, epoch_of(old.store.directory))
            assert hub.store.epoch > message.epoch
            await hub.pump.idle(lambda: not hub.uplink.status().alarms_waiting)
        assert len(desk.alarms("pers")) == 1


def epoch_of(directory: Path) -> str:
    """Return the epoch of a store."""
    with contextlib.closing(sqlite3.connect(directory / "hub.db")) as db:
        return str(db.execute("SELECT epoch FROM self").fetchone()[0])


@needs_mosquitto
@pytest.mark.broker
async def test_a_file_that_is_unpacked_again_gives_out_no_number_that_the_centre_has(
    tmp_path: Path,
) -> None:
    old, config = await unsent_alarm(tmp_path, f"mqtt://127.0.0.1:{free_port()}")
    pack(old, config, tmp_path / "hub.ansim", PASSPHRASE, tmp_path / "no-bluez")
    async with Mosquitto(tmp_path) as broker, World(SystemClock()) as world:
        url = f"mqtt://127.0.0.1:{broker.port}"
        shelly = world.shelly_button(BUTTON)
        async with centre(tmp_path, BrokerSettings(url=url)) as desk:
            for count, life in enumerate(("one that died", "its successor"), start=2):
                unpack(tmp_path / "hub.ansim", PASSPHRASE, root=tmp_path / life)
                store = tmp_path / life / old.store.directory.relative_to("/")
                new = dataclasses.replace(
                    settings(tmp_path, url, DeviceStanza("sos", "bthome", BUTTON, role=Role.SOS)),
                    store=StoreSettings(directory=store),
                )
                async with daemon(new, world) as hub:
                    shelly.press(Press.DOUBLE)
                    await desk.alarm("pers", count=count, within_s=10)
                    shelly.quiet()  # the successor would hear the end of this press as its own
                    await hub.pump.idle(lambda: not hub.uplink.status().alarms_waiting)
            assert len(desk.alarms("pers")) == 3


async def test_what_is_unpacked_belongs_to_the_user_it_belonged_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, config = await unsent_alarm(tmp_path, "mqtt://127.0.0.1:1")
    config.chmod(0o640)
    given: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda path, *ids: given.update({Path(path).name: ids}))
    pack(home, config, tmp_path / "hub.ansim", PASSPHRASE, tmp_path / "none")
    user, group = config.owner(), config.group()
    card = tmp_path / "card"
    (card / "etc").mkdir(parents=True)
    (card / "etc/passwd").write_text(f"other:x:1:1::/:\n{user}:x:998:997::/:\n")
    (card / "etc/group").write_text(f"other:x:1:\n{group}:x:997:\n")
    unpack(tmp_path / "hub.ansim", PASSPHRASE, root=card)
    assert given["gateway.yaml"] == given["sos.key"] == given["hub.db.coming"] == (998, 997)
    moved = card / config.relative_to("/")
    assert moved.stat().st_mode & 0o777 == 0o640, "the daemon's group reads it"
    store = card / home.store.directory.relative_to("/")
    assert (store / "hub.db").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in store.iterdir()) == ["hub.db"]


async def test_a_packed_hub_takes_its_keys_and_bonds_and_says_what_it_cannot(
    tmp_path: Path,
) -> None:
    old, config = await unsent_alarm(tmp_path, "mqtt://127.0.0.1:1")
    (broker,) = old.uplink.brokers
    broker = dataclasses.replace(broker, key_file=Path("credential:hub.key"))
    old = dataclasses.replace(old, uplink=dataclasses.replace(old.uplink, brokers=(broker,)))
    bluez = tmp_path / "bluetooth"
    for device in (BUTTON, "AA:AA:AA:AA:AA:AA"):
        info = bluez / "00:11:22:33:44:55" / device / "info"
        info.parent.mkdir(parents=True)
        info.write_text(f"[LongTermKey] of {device}")
    out = tmp_path / "hub.ansim"
    moved = pack(old, config, out, PASSPHRASE, bluez)
    assert moved.left_behind == ("credential:hub.key",)
    assert moved.bonds == (BUTTON,), "a neighbour's bond stays where it is"
    assert b"LongTermKey" not in out.read_bytes()
    assert out.stat().st_mode & 0o777 == 0o600
    card, new_bluez = tmp_path / "card", tmp_path / "new-bluetooth"
    unpack(out, PASSPHRASE, root=card, bluetooth=new_bluez, adapter="0a:bb:cc:dd:ee:ff")
    key = card / (tmp_path / "sos.key").relative_to("/")
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("00" * 16, 0o600)
    info = new_bluez / "0A:BB:CC:DD:EE:FF" / BUTTON / "info"
    assert info.read_text() == f"[LongTermKey] of {BUTTON}"
    with pytest.raises(HandoverError, match="lives here already"):
        unpack(out, PASSPHRASE, root=card)


async def test_a_packed_hub_opens_for_its_passphrase_only(tmp_path: Path) -> None:
    old, config = await unsent_alarm(tmp_path, "mqtt://127.0.0.1:1")
    out = tmp_path / "hub.ansim"
    pack(old, config, out, PASSPHRASE, tmp_path / "none")
    with pytest.raises(HandoverError, match="wrong passphrase"):
        unpack(out, Secret("another long phrase"), root=tmp_path / "card")
    out.write_bytes(b"not a hub at all")
    with pytest.raises(HandoverError, match="no packed hub"):
        unpack(out, PASSPHRASE, root=tmp_path / "card")
    with pytest.raises(HandoverError, match="bluetoothctl list"):
        unpack(out, PASSPHRASE, root=tmp_path / "card", adapter="hci0")
    assert not (tmp_path / "card").exists()


async def test_an_erased_hub_leaves_no_file_and_unsent_alarms_are_not_erased_unasked(
    tmp_path: Path,
) -> None:
    home, config = await unsent_alarm(tmp_path, "mqtt://127.0.0.1:1")
    assert unsent(home.store.directory) == 1
    bluez = tmp_path / "bluetooth"
    ours, foreign = (
        bluez / "00:11:22:33:44:55" / device / "info" for device in (BUTTON, "AA:AA:AA:AA:AA:AA")
    )
    for info in (ours, foreign):
        info.parent.mkdir(parents=True)
        info.write_text("[LongTermKey]")
    with pytest.raises(UnsentAlarms, match="1 alarm"):
        erase(home, config, bluetooth=bluez)
    erased = erase(home, config, even_unsent=True, bluetooth=bluez)
    assert erased.left == ()
    assert (ours.exists(), foreign.exists()) == (False, True), "a neighbour's bond is not ours"
    assert not home.store.directory.exists()
    assert not config.exists()
    assert not (tmp_path / "sos.key").exists()


async def test_neither_is_done_to_a_hub_whose_daemon_runs(tmp_path: Path) -> None:
    home, config = await unsent_alarm(tmp_path, "mqtt://127.0.0.1:1")
    with alone(home.store.directory):
        with pytest.raises(HubError, match="already"):
            erase(home, config, even_unsent=True)
        with pytest.raises(HubError, match="already"):
            pack(home, config, tmp_path / "out", PASSPHRASE, tmp_path / "none")
    assert config.exists()


def options(**more: object) -> argparse.Namespace:
    """Return what the command line gives."""
    usual = {"root": Path("/"), "adapter": "", "yes": True, "even_unsent": False}
    return argparse.Namespace(**(usual | more))


def test_another_id_erases_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_yaml(tmp_path, "mqtt://127.0.0.1:1", [])
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert erase_hub(options(config=config, yes=False), Language.EN) == 1
    assert "nothing was erased" in capsys.readouterr().out
    assert config.exists()


@pytest.mark.parametrize("language", Language)
async def test_a_technician_is_told_what_was_done_and_what_is_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: Language
) -> None:
    home, _ = await unsent_alarm(tmp_path, "mqtt://127.0.0.1:1")
    config = write_yaml(tmp_path, "mqtt://127.0.0.1:1", [])
    phrase, out = tmp_path / "phrase", tmp_path / "hub.ansim"
    phrase.write_text("short")
    given = options(step="pack", config=config, file=out, passphrase_file=phrase)
    with pytest.raises(ConfigurationError, match="12"):
        replace_hub(given, language)
    phrase.write_text(PASSPHRASE.reveal())
    assert replace_hub(given, language) == 0
    given = options(
        step="unpack", config=config, file=out, passphrase_file=phrase, root=tmp_path / "card"
    )
    assert replace_hub(given, language) == 0
    assert erase_hub(options(config=config), language) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("blkdiscard", "ansim check", "journalctl"))
    assert ("허브" in said) is (language is Language.KO)
    assert not home.store.directory.exists()
    assert PASSPHRASE.reveal() not in said
