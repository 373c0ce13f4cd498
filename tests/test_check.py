"""`ansim check` finds what types cannot: settings that are valid and leave a home unwatched."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.check import Finding, Severity, check, report
from gateway.mounts import Mount
from gateway.option import Language
from gateway.settings import (
    AnnouncerSettings,
    BrokerSettings,
    DeviceStanza,
    FallSettings,
    HubSettings,
    InactivitySettings,
    RadioSettings,
    Role,
    ScanMode,
    Settings,
    StoreSettings,
    UplinkSettings,
)
from tests.fakes_config import DRIVERS, HUB_ID, SMALL, driver_of

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
SOS = DeviceStanza("sos", "bthome", "B4:35:22:11:22:33", role=Role.SOS)
DOOR = DeviceStanza("door", "bthome", "B4:35:22:11:22:34", role=Role.DOOR)
BAND = DeviceStanza("band", "polar_pmd", "A0:9E:1A:11:22:33")
CANCEL = DeviceStanza("cancel", "bthome", "B4:35:22:11:22:35", role=Role.CANCEL)
CONFIG = Path(__file__).parent.parent / "config"
LOCAL = BrokerSettings("mqtt://127.0.0.1:1883")


@pytest.fixture
def sound(tmp_path: Path) -> Settings:
    """Return a home that `check` has nothing to say about but its sensors' silence."""
    return Settings(
        HubSettings(HUB_ID, "1120000000"),
        UplinkSettings((LOCAL,)),
        (
            SOS,
            DOOR,
            BAND,
            replace(SOS, name="cancel", address="B4:35:22:11:22:35", role=Role.CANCEL),
        ),
        announcer=AnnouncerSettings(("/bin/true",)),
        store=StoreSettings(directory=tmp_path, max_mb=1),
    )


def keys(findings: list[Finding], severity: Severity) -> list[str]:
    return [finding.key for finding in findings if finding.severity is severity]


def look(settings: Settings, **environ: str) -> list[Finding]:
    return check(settings, driver_of, NOW, environ=environ)


def only(settings: Settings, severity: Severity) -> Finding:
    """Return the single finding of one severity."""
    (found,) = [f for f in look(settings) if f.severity is severity]
    return found


def test_a_sound_home_has_neither_errors_nor_warnings(sound: Settings) -> None:
    found = look(sound)

    assert keys(found, Severity.ERROR) == keys(found, Severity.WARNING) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate_hz": 10}, "10 Hz, 20 Hz needed"),
        ({"range_g": 2}, "±2 g, ±4 g needed"),
        ({"rate_hz": 10, "range_g": 2}, "10 Hz, 20 Hz needed"),
    ],
)
def test_a_band_that_cannot_show_an_impact_is_refused_with_the_numbers(
    sound: Settings, options: dict[str, int], said: str
) -> None:
    slow = replace(sound, devices=(SOS, DOOR, replace(BAND, options=options)))

    finding = only(slow, Severity.ERROR)

    assert said in finding.text.en
    assert finding.key == "devices[band]"


def test_a_slow_band_is_fine_when_nobody_looks_for_falls(sound: Settings) -> None:
    slow = replace(
        sound,
        devices=(SOS, DOOR, replace(BAND, options={"rate_hz": 10})),
        fall=FallSettings(enabled=False),
    )

    assert keys(look(slow), Severity.ERROR) == []


def test_falls_without_a_band_are_a_warning(sound: Settings) -> None:
    assert "fall" in keys(look(replace(sound, devices=(SOS, DOOR))), Severity.WARNING)


def test_two_devices_with_one_address_are_refused(sound: Settings) -> None:
    twice = replace(sound, devices=(*sound.devices, replace(DOOR, name="other")))

    assert keys(look(twice), Severity.ERROR) == ["devices[other].address"]


@pytest.mark.parametrize(
    ("driver", "role"),
    [("polar_pmd", Role.SOS), ("mibeacon", Role.DOOR), ("polar_pmd", Role.BED)],
)
def test_a_role_that_the_driver_cannot_play_is_refused(
    sound: Settings, driver: str, role: Role
) -> None:
    odd = DeviceStanza("odd", driver, "B4:35:22:11:22:99", role=role)

    found = keys(look(replace(sound, devices=(*sound.devices, odd))), Severity.ERROR)

    assert "devices[odd].role" in found


def test_an_unknown_driver_is_refused(sound: Settings) -> None:
    odd = DeviceStanza("odd", "none", "B4:35:22:11:22:99", role=Role.SOS)

    found = look(replace(sound, devices=(*sound.devices, odd)))

    assert keys(found, Severity.ERROR) == ["devices[odd].driver"]


def test_a_home_without_devices_is_refused(sound: Settings) -> None:
    assert keys(look(replace(sound, devices=())), Severity.ERROR) == ["devices"]


def test_more_bands_than_connections_are_refused(sound: Settings) -> None:
    bands = tuple(replace(BAND, name=f"b{i}", address=f"A0:9E:1A:11:22:0{i}") for i in range(3))
    few = replace(sound, devices=(SOS, DOOR, *bands), radio=RadioSettings(max_connections=2))

    assert keys(look(few), Severity.ERROR) == ["radio.max_connections"]


FIRST, SPARE = "00:1A:7D:DA:71:13", "00:1A:7D:DA:71:14"


@pytest.mark.parametrize(
    ("adapter", "spares"),
    [(FIRST, (FIRST,)), (FIRST, (SPARE, SPARE)), (FIRST.lower(), (SPARE, FIRST))],
)
def test_an_adapter_is_no_spare_of_its_own(
    sound: Settings, adapter: str, spares: tuple[str, ...]
) -> None:
    twice = replace(sound, radio=RadioSettings(adapter=adapter, spares=spares))
    assert keys(look(twice), Severity.ERROR) == ["radio.spares"]


@pytest.mark.parametrize("adapter", ["", "hci0"])
def test_with_spares_the_first_adapter_is_named_by_its_address(
    sound: Settings, adapter: str
) -> None:
    unnamed = replace(sound, radio=RadioSettings(adapter=adapter, spares=(SPARE,)))
    assert keys(look(unnamed), Severity.WARNING) == ["radio.adapter"]
    named = replace(sound, radio=RadioSettings(adapter=FIRST, spares=(SPARE,)))
    assert keys(look(named), Severity.WARNING) == []


@pytest.mark.parametrize("canary", ["hci0", SOS.address, BAND.address])
def test_a_canary_that_is_silent_in_health_is_refused(sound: Settings, canary: str) -> None:
    found = look(replace(sound, radio=RadioSettings(canary=canary)))
    assert keys(found, Severity.ERROR) == ["radio.canary"]
    beacon = look(replace(sound, radio=RadioSettings(canary="C0:FF:EE:00:00:01")))
    assert keys(beacon, Severity.ERROR) == []


def test_a_home_without_sos_button_is_warned(sound: Settings) -> None:
    found = look(replace(sound, devices=(DOOR, BAND)))

    assert "SOS" in next(f.text.en for f in found if f.key == "devices")


def test_a_passive_scan_is_warned_of(sound: Settings) -> None:
    passive = replace(sound, radio=RadioSettings(scan=ScanMode.PASSIVE))

    assert keys(look(passive), Severity.WARNING) == ["radio.scan"]


def test_a_window_that_nobody_hears_of_is_treated_as_zero_and_said_so(sound: Settings) -> None:
    found = look(replace(sound, announcer=AnnouncerSettings()))

    assert keys(found, Severity.WARNING) == ["fall.cancel_window_s", "inactivity.cancel_window_s"]
    assert "treated as 0" in found[0].text.en


def test_a_window_of_zero_needs_no_announcer(sound: Settings) -> None:
    silent = replace(
        sound,
        announcer=AnnouncerSettings(),
        fall=FallSettings(cancel_window_s=0),
        inactivity=InactivitySettings(cancel_window_s=0),
    )

    assert keys(look(silent), Severity.WARNING) == []


def test_an_announcer_that_does_not_exist_is_refused(sound: Settings) -> None:
    absent = replace(sound, announcer=AnnouncerSettings(("/no/such/program",)))

    assert keys(look(absent), Severity.ERROR) == ["announcer.command"]


@pytest.mark.parametrize(
    ("settings", "severity", "key"),
    [
        (InactivitySettings(attention_h=12, warning_h=8), Severity.ERROR, "inactivity"),
        (InactivitySettings(warning_h=24, emergency_h=24), Severity.ERROR, "inactivity"),
        (InactivitySettings(away_h=10), Severity.WARNING, "inactivity.away_h"),
        (
            InactivitySettings(quiet_from="06:00", quiet_to="22:00"),
            Severity.WARNING,
            "inactivity.quiet_from",
        ),
        (
            InactivitySettings(quiet_from="06:00", quiet_to="06:00"),
            Severity.WARNING,
            "inactivity.quiet_from",
        ),
    ],
)
def test_levels_ascend_and_the_night_is_a_night(
    sound: Settings, settings: InactivitySettings, severity: Severity, key: str
) -> None:
    assert keys(look(replace(sound, inactivity=settings)), severity) == [key]


def test_inactivity_without_any_sign_of_life_is_warned(sound: Settings) -> None:
    assert "inactivity" in keys(look(replace(sound, devices=(SOS,))), Severity.WARNING)


def test_the_shortest_file_has_no_errors() -> None:
    text, code = report(CONFIG / "minimal.yaml", driver_of, Language.EN, now=NOW, environ={})

    assert code == 0, text


def test_a_plain_sensor_can_be_imitated_and_that_is_noted(sound: Settings) -> None:
    notes = [f.text.en for f in look(sound) if f.severity is Severity.NOTE]

    assert any(text.startswith("sos, door, cancel: not encrypted") for text in notes)


def test_inactivity_without_a_front_door_is_warned(sound: Settings) -> None:
    inner = replace(sound, devices=(SOS, BAND, replace(DOOR, role=Role.INNER_DOOR)))

    assert "front door" in only(inner, Severity.WARNING).text.en


def test_a_sensor_that_promises_no_sign_of_life_is_noted(sound: Settings) -> None:
    notes = [f.text.en for f in look(sound) if f.severity is Severity.NOTE]

    assert any(text.startswith("door: no sign of life at least hourly") for text in notes)
    assert any("believed for two days" in text for text in notes)


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("mqtt://centre.example:1883", True),
        ("mqtt://192.168.0.2", True),
        ("mqtt://localhost", False),
        ("mqtt://[::1]:1883", False),
        ("mqtt://127.0.0.2", False),
    ],
)
def test_a_broker_without_tls_is_on_this_machine_or_refused(
    sound: Settings, url: str, *, refused: bool
) -> None:
    found = look(replace(sound, uplink=UplinkSettings((BrokerSettings(url),))))

    assert ("uplink.brokers[#1].url" in keys(found, Severity.ERROR)) is refused


def test_a_long_keepalive_is_warned_of(sound: Settings) -> None:
    slow = replace(sound, uplink=UplinkSettings((LOCAL,), keepalive_s=300))

    assert "450 s" in only(slow, Severity.WARNING).text.en


def test_a_driver_that_needs_a_key_gets_one_that_can_be_read(
    sound: Settings, tmp_path: Path
) -> None:
    motion = DeviceStanza("motion", "mibeacon", "54:EF:44:11:22:33")
    path = tmp_path / "motion.key"

    def errors(stanza: DeviceStanza) -> list[str]:
        found = look(replace(sound, devices=(*sound.devices, stanza)))
        return [f.text.en for f in found if f.severity is Severity.ERROR]

    assert "without its bind key" in errors(motion)[0]
    given = replace(motion, key_file=path)
    assert "no such file" in errors(given)[0]
    path.write_text("hunter2hunter2\n", encoding="ascii")
    assert "no key of 32 hex digits" in errors(given)[0]
    assert "hunter2" not in errors(given)[0]
    path.write_text("00112233445566778899aabbccddeeff\n", encoding="ascii")
    assert errors(given) == []


def test_a_secret_that_everybody_can_read_is_warned_of(sound: Settings, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("hunter2\n", encoding="ascii")
    path.chmod(0o644)
    broker = replace(LOCAL, password_file=path)
    open_ = replace(sound, uplink=UplinkSettings((broker,)))

    finding = only(open_, Severity.WARNING)

    assert finding.key == "uplink.brokers[#1].password_file"
    assert "0644" in finding.text.en
    path.chmod(0o600)
    assert keys(look(open_), Severity.WARNING) == []


def test_a_credential_that_only_the_service_gets_is_a_note(sound: Settings) -> None:
    broker = replace(LOCAL, password_file=Path("credential:mqtt"))
    found = look(replace(sound, uplink=UplinkSettings((broker,))))

    assert "uplink.brokers[#1].password_file" in keys(found, Severity.NOTE)


def test_a_store_that_is_a_file_is_refused(sound: Settings, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()

    found = look(replace(sound, store=StoreSettings(directory=path)))

    assert keys(found, Severity.ERROR) == ["store.directory"]


def test_a_store_that_cannot_exist_yet_is_no_crash(sound: Settings) -> None:
    odd = replace(sound, store=StoreSettings(directory=Path("/proc/none/" + "x" * 5000)))

    assert "store.directory" in {finding.key for finding in look(odd)}


def test_a_full_disk_is_warned_of(sound: Settings, tmp_path: Path) -> None:
    vast = replace(sound, store=StoreSettings(directory=tmp_path, max_mb=10**12))

    assert keys(look(vast), Severity.WARNING) == ["store.max_mb"]


# ------------------------------------------------------------------------------- certificates
def test_a_store_in_memory_is_warned_of_with_what_to_do(sound: Settings, tmp_path: Path) -> None:
    card, over = Mount(Path("/"), "ext4", "/dev/mmcblk0p2"), Mount(tmp_path, "tmpfs", "tmpfs")

    (found,) = (
        f
        for f in check(sound, driver_of, NOW, environ={}, mounts=(card, over))
        if f.severity is Severity.WARNING
    )

    assert found.key == "store.directory"
    assert f"tmpfs, {tmp_path}" in found.text.en
    assert found.do is not None
    assert str(tmp_path) in found.do.ko
    assert keys(check(sound, driver_of, NOW, environ={}, mounts=(card,)), Severity.WARNING) == []


def certificate(
    folder: Path, name: str, days: int, begins: int = 30
) -> tuple[Path, ec.EllipticCurvePrivateKey]:
    """Write a certificate that ends `days` from NOW and began `begins` days before it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - dt.timedelta(days=begins))
        .not_valid_after(NOW + dt.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    return path, key


def key_file(folder: Path, key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> Path:
    """Write a private key, closed to others."""
    path = folder / "hub.key"
    lock = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    )
    path.chmod(0o600)
    return path


def tls(sound: Settings, cert: Path, key: Path | None, ca: Path | None = None) -> Settings:
    broker = BrokerSettings("mqtts://centre.example:8883", ca, cert, key)
    return replace(sound, uplink=UplinkSettings((broker,)))


def test_a_certificate_with_its_key_is_fine(sound: Settings, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "hub", 365)

    found = look(tls(sound, cert, key_file(tmp_path, key), ca=cert))

    assert keys(found, Severity.ERROR) == keys(found, Severity.WARNING) == []


def test_certificate_and_key_belong_together(sound: Settings, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "hub", 365)
    _, other = certificate(tmp_path, "other", 365)

    assert "key_file" in only(tls(sound, cert, None), Severity.ERROR).text.en
    found = only(tls(sound, cert, key_file(tmp_path, other)), Severity.ERROR)
    assert "not the key of the certificate" in found.text.en
    locked = only(tls(sound, cert, key_file(tmp_path, key, b"hunter2")), Severity.ERROR)
    assert "passphrase" in locked.text.en


@pytest.mark.parametrize(
    ("days", "begins", "severity", "said"),
    [
        (-1, 30, Severity.ERROR, "expired on 2026-11-20"),
        (10, 30, Severity.WARNING, "expires in 10 days"),
        (365, -1, Severity.WARNING, "valid from 2026-11-22"),
    ],
)
def test_a_certificates_dates_are_judged_by_a_proven_clock_only(
    sound: Settings, tmp_path: Path, days: int, begins: int, severity: Severity, said: str
) -> None:
    cert, key = certificate(tmp_path, "hub", days, begins)
    settings = tls(sound, cert, key_file(tmp_path, key))

    assert said in only(settings, severity).text.en
    assert keys(check(settings, driver_of, None, environ={}), severity) == []


def test_a_certificate_file_that_holds_none_is_refused(sound: Settings, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "hub", 365)
    cert.write_text("nothing", encoding="ascii")

    assert "no PEM" in only(tls(sound, cert, key_file(tmp_path, key)), Severity.ERROR).text.en


# ------------------------------------------------------------------------------------- report
def test_the_report_of_a_running_home_shows_what_will_run(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(SMALL + '  - {name: band, driver: polar_pmd, address: "A0:9E:1A:11:22:33"}\n')

    text, code = report(path, driver_of, Language.EN, now=NOW, environ={})

    assert code == 0
    assert "sos-button  bthome     B4:35:22:11:22:33  -      sos   adverts" in text
    assert "falls       band, balanced, cancel window 0 s" in text
    assert text.endswith("the hub can run")


def test_the_report_points_at_the_line_and_speaks_the_files_language(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(SMALL.replace("mqtts://", "mqtt://"))

    text, code = report(path, driver_of, now=NOW, environ={})

    assert code == 1
    assert f"{path}:6:7: 오류: uplink.brokers[#1].url" in text
    assert text.endswith("오류를 고친 뒤에 사용하십시오")


def test_the_report_of_an_invalid_file_lists_its_problems(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(SMALL.replace("bthome", "bthomme"))

    text, code = report(path, driver_of, Language.EN, driver_names=DRIVERS, environ={})

    assert code == 1
    assert f"{path}:9:13: devices[sos-button].driver" in text
    assert "did you mean: bthome" in text
