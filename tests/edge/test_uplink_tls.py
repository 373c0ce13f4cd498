"""TLS with client certificates over the broker configuration we ship, and a hub without time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.model import Link, LinkChange
from gateway.edge.brokers import endpoint
from gateway.edge.certificates import Authority, Pair
from gateway.edge.mqtt import Version
from gateway.edge.tls import client_context
from gateway.errors import LinkError
from gateway.settings import BrokerSettings, UplinkSettings
from tests.brokers import Mosquitto, needs_mosquitto, shipped
from tests.fakes_uplink import (
    HUB,
    Centre,
    Core,
    FakeOutbox,
    StandingClock,
    alarm,
    new_uplink,
    running,
)

LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
NOT_YET = datetime(2099, 1, 1, tzinfo=UTC)


def through(authority: Authority, port: int, pair: Pair, host: str = "127.0.0.1") -> BrokerSettings:
    return BrokerSettings(
        f"mqtts://{host}:{port}", authority.ca_file, pair.cert_file, pair.key_file
    )


@pytest.mark.broker
@needs_mosquitto
async def test_an_alarm_goes_over_tls_with_the_hubs_own_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path, not_before=LONG_AGO)
    authority.server(["127.0.0.1"])
    hub, centre_pair = authority.client(HUB), authority.client("centre")
    core = Core(FakeOutbox(alarm(n) for n in range(1, 30)))
    async with Mosquitto(tmp_path, shipped(tmp_path)) as broker:
        there = endpoint(through(authority, broker.port, centre_pair), strict=True)
        settings = UplinkSettings(brokers=(through(authority, broker.port, hub),))
        async with Centre(there, version=Version.V5) as centre:
            async with running(new_uplink(settings, core)) as link:
                await core.until(lambda: not core.outbox.rows)
                assert link.status().dates_checked
            assert {m.seq for m in centre.of("alarm")} == set(range(1, 30))


@pytest.mark.broker
@needs_mosquitto
async def test_without_time_a_certificate_not_yet_valid_serves_until_time_is_proven(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path, not_before=LONG_AGO)
    authority.server(["127.0.0.1"], not_before=NOT_YET)
    hub = authority.client(HUB)
    core = Core(FakeOutbox([alarm(1)]))
    clock = StandingClock(proven=False)
    async with Mosquitto(tmp_path, shipped(tmp_path)) as broker:
        settings = UplinkSettings(brokers=(through(authority, broker.port, hub),))
        async with running(new_uplink(settings, core, clock)) as link:
            await core.until(lambda: ("broker", True) in core.links())
            assert not link.status().dates_checked
            link.clock_proven()
            await core.until(lambda: ("broker", False) in core.links())
            assert "not yet valid" in link.status().last_error
            assert not link.status().connected
    first, second = [v for v in core.inputs if isinstance(v, LinkChange)]
    assert (first.link, first.up) == (Link.BROKER, True)
    assert "dates not checked" in first.detail
    assert (second.link, second.up) == (Link.BROKER, False)


@pytest.mark.broker
@needs_mosquitto
async def test_once_time_is_proven_the_connection_is_made_anew_at_once_and_strictly(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path, not_before=LONG_AGO)
    authority.server(["127.0.0.1"])
    hub = authority.client(HUB)
    core = Core(FakeOutbox())
    async with Mosquitto(tmp_path, shipped(tmp_path)) as broker:
        settings = UplinkSettings(brokers=(through(authority, broker.port, hub),))
        async with running(new_uplink(settings, core, StandingClock(proven=False))) as link:
            await core.until(lambda: ("broker", True) in core.links())
            link.clock_proven()
            link.clock_proven()
            await core.until(lambda: core.links().count(("broker", True)) == 2)
            assert link.status().dates_checked
    assert core.links() == [("broker", True), ("broker", True)]


@pytest.mark.broker
@needs_mosquitto
@pytest.mark.parametrize("proven", [True, False])
@pytest.mark.parametrize("wrong", ["authority", "name"])
async def test_a_wrong_chain_or_name_is_refused_even_without_time(
    tmp_path: Path, wrong: str, *, proven: bool
) -> None:
    authority = Authority(tmp_path / "ours", not_before=LONG_AGO)
    stranger = Authority(tmp_path / "theirs", not_before=LONG_AGO)
    serving = stranger if wrong == "authority" else authority
    serving.server(["broker.example" if wrong == "name" else "127.0.0.1"])
    hub = authority.client(HUB)
    core = Core(FakeOutbox([alarm(1)]))
    async with Mosquitto(tmp_path, shipped(serving.ca_file.parent)) as broker:
        settings = UplinkSettings(brokers=(through(authority, broker.port, hub),))
        async with running(new_uplink(settings, core, StandingClock(proven=proven))) as link:
            await core.until(lambda: ("broker", False) in core.links())
            assert "certificate verify failed" in link.status().last_error
    assert ("broker", True) not in core.links()


@pytest.mark.broker
@needs_mosquitto
async def test_a_hub_added_later_by_the_same_authority_comes_in(tmp_path: Path) -> None:
    Authority(tmp_path, not_before=LONG_AGO).server(["127.0.0.1"])
    later = Authority(tmp_path, not_before=LONG_AGO)
    hub = later.client(HUB)
    core = Core(FakeOutbox())
    async with Mosquitto(tmp_path, shipped(tmp_path)) as broker:
        settings = UplinkSettings(brokers=(through(later, broker.port, hub),))
        async with running(new_uplink(settings, core)):
            await core.until(lambda: ("broker", True) in core.links())


@pytest.mark.parametrize(
    ("spoil", "names"),
    [
        (lambda pair, _ca: pair.key_file.unlink(), "certificate"),
        (lambda pair, _ca: pair.key_file.write_text("nonsense"), "certificate"),
        (lambda _pair, ca: ca.write_text("nonsense"), "CA file"),
        (lambda _pair, ca: ca.unlink(), "CA file"),
    ],
)
def test_a_file_that_does_not_serve_is_named(
    tmp_path: Path, spoil: Callable[[Pair, Path], object], names: str
) -> None:
    authority = Authority(tmp_path, not_before=LONG_AGO - timedelta(days=1))
    pair = authority.client(HUB)
    spoil(pair, authority.ca_file)
    with pytest.raises(LinkError, match=names):
        client_context(through(authority, 1, pair), check_dates=True)


def test_a_password_is_read_from_its_file_and_not_shown(tmp_path: Path) -> None:
    password = tmp_path / "password"
    broker = BrokerSettings("mqtt://127.0.0.1", username=HUB, password_file=password)
    with pytest.raises(LinkError, match="password file"):
        endpoint(broker, strict=True)
    password.write_text("s3cret\n")
    there = endpoint(broker, strict=True)
    assert (there.port, there.password) == (1883, "s3cret")
    assert "s3cret" not in repr(there)
