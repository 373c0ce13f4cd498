"""The YAML file becomes settings, or one error that says everything that is wrong."""

from pathlib import Path

import pytest

from gateway.config import Loaded, load, load_bytes
from gateway.config.problems import InvalidConfig, Problem
from gateway.driver import Driver
from gateway.errors import ConfigurationError
from gateway.option import Language
from gateway.settings import FallSettings, Point, Role
from tests.fakes_config import DRIVERS, HUB_ID, SMALL, driver_of


def read(text: str | bytes, **environ: str) -> Loaded:
    data = text.encode() if isinstance(text, str) else text
    return load_bytes(
        data, Path("/etc/ansim/g.yaml"), driver_of, driver_names=DRIVERS, environ=environ
    )


def problems(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(InvalidConfig) as caught:
        read(text)
    return caught.value.problems


def only(text: str | bytes) -> str:
    """Return the single problem as an English-reading technician sees it, on one line."""
    (problem,) = problems(text)
    return " ".join(problem.render("g.yaml", Language.EN).split())


def test_the_shortest_file_gives_every_default() -> None:
    settings = read(SMALL).settings

    assert settings.hub.id == HUB_ID
    assert settings.hub.language is Language.KO
    assert settings.devices[0].role is Role.SOS
    assert settings.fall == FallSettings()


def test_a_file_on_disk_is_read_and_a_missing_one_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(SMALL, encoding="utf-8")

    assert load(path, driver_of).hub.district == "1120000000"
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "none.yaml", environ={})


def test_all_errors_come_at_once_in_the_order_of_the_file() -> None:
    text = SMALL.replace("district:", "distrikt:").replace("role: sos", "role: soss")
    text += "fall:\n  operating_point: silent\n  cancel_window_s: 900\n"

    assert [(p.place, p.key) for p in problems(text)] == [
        ((3, 3), "hub.distrikt"),
        ((11, 11), "devices[sos-button].role"),
        ((13, 20), "fall.operating_point"),
        ((14, 20), "fall.cancel_window_s"),
    ]


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("  district:", "  distrikt:", "did you mean: district"),
        ("role: sos", "role: sso", "did you mean: sos"),
        ("driver: bthome", "driver: bt-home", "did you mean: bthome"),
        ("driver: bthome", "driver: xyz", "write: one of polar_pmd, bthome, mibeacon"),
        ("mqtts://", "ssl://", "did you mean: mqtts://"),
        ("role: sos", "place: bedrom", "did you mean: bedroom"),
        ("  id:", "  timezone: Asia/Seol\n  id:", "did you mean: Asia/Seoul"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_one_that_was_meant(
    wrong: str, right: str, said: str
) -> None:
    found = [
        " ".join(p.render("g.yaml", Language.EN).split())
        for p in problems(SMALL.replace(wrong, right))
    ]
    assert any(said in line for line in found), found


def test_a_key_of_another_section_is_sent_there() -> None:
    assert "under hub" in only(SMALL + "timezone: Asia/Seoul\n")


def test_a_key_written_twice_names_both_places() -> None:
    said = only(SMALL + "    role: cancel\n")

    assert said.startswith("g.yaml:12:5:")
    assert "first at line 11, column 5" in said


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ('"1120000000"', "no", 'true or false: quote it write: "no"'),
        ('"1120000000"', "on", 'quote it write: "on"'),
        ('"1120000000"', "1120000000", 'a number: quote it write: "1120000000"'),
        ('"1120000000"', "0112", 'an octal number: quote it write: "0112"'),
        ('"1120000000"', "2026-11-21", 'a date: quote it write: "2026-11-21"'),
        ('"B4:35:22:11:22:33"', "11:22:33:44:55:56", "base 60: quote it"),
        ('"1120000000"', "", "has no value"),
    ],
)
def test_a_text_that_yaml_would_take_for_something_else_must_be_quoted(
    wrong: str, right: str, said: str
) -> None:
    assert said in only(SMALL.replace(wrong, right))


def test_a_time_of_day_without_quotes_is_explained() -> None:
    said = only(SMALL + "inactivity:\n  quiet_from: 22:00\n")

    assert "base 60" in said
    assert 'write: "22:00"' in said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("22:00", "base 60"),
        ("060", "octal"),
        ('"30"', "without quotes"),
        ("30s", "write the number only write: 30"),
        ("30 초", "write the number only write: 30"),
        ("1,5", "write: 1.5"),
        (".inf", "a number is wanted"),
        (".nan", "a number is wanted"),
        ("0x1e", "a number is wanted"),
        ("-1", "out of range: 0 to 300"),
        ("1e9", "out of range"),
        ("9" * 400, "a number is wanted"),
        ("yes", "a number is wanted"),
        ("~", "has no value"),
        ("[1]", "one value is wanted"),
    ],
)
def test_a_number_is_a_plain_number_in_its_range(value: str, said: str) -> None:
    assert said in only(SMALL + f"fall:\n  cancel_window_s: {value}\n")


@pytest.mark.parametrize(("value", "number"), [("0", 0), ("1.5", 1.5), (".5", 0.5), ("3e1", 30)])
def test_numbers_may_be_written_as_people_do(value: str, number: float) -> None:
    assert (
        read(SMALL + f"fall: {{cancel_window_s: {value}}}").settings.fall.cancel_window_s == number
    )


@pytest.mark.parametrize("value", ["false", "no", "off", "False"])
def test_a_switch_takes_every_word_that_yaml_has_for_it(value: str) -> None:
    assert read(SMALL + f"fall:\n  enabled: {value}\n").settings.fall.enabled is False


def test_a_switch_in_quotes_is_refused() -> None:
    assert "write: true" in only(SMALL + 'fall:\n  enabled: "yes"\n')


def test_a_section_whose_lines_are_all_commented_out_is_the_default() -> None:
    assert read(SMALL + "fall:\n  # enabled: false\n").settings.fall == FallSettings()


def test_paths_are_relative_to_the_yaml_file_and_absolute_ones_stay() -> None:
    text = SMALL + "    key_file: keys/sos.key\nstore: {directory: /data}\n"
    settings = read(text).settings

    assert settings.devices[0].key_file == Path("/etc/ansim/keys/sos.key")
    assert settings.store.directory == Path("/data")


def test_a_credential_is_found_where_systemd_put_it() -> None:
    text = SMALL + "    key_file: credential:sos.key\n"

    assert read(text).settings.devices[0].key_file == Path("credential:sos.key")
    assert read(text, CREDENTIALS_DIRECTORY="/run/credentials/a.service").settings.devices[
        0
    ].key_file == Path("/run/credentials/a.service/sos.key")


SECRETS = [
    "    key: 00112233445566778899aabbccddeeff\n",
    "    bind_key: 00112233445566778899aabbccddeeff\n",
    "    key_file: 00112233445566778899aabbccddeeff\n",
    "    key_file: 00112233445566778899001122334455\n",
    "    key_file: 0x00112233445566778899aabbccddeeff\n",
    "    options: {bindkey: 00112233445566778899aabbccddeeff}\n",
    "mqtt: x\npassword: 00112233445566778899aabbccddeeff\n",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_in_the_yaml_is_sent_to_a_file_and_never_repeated(text: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        read(SMALL + text)

    for language in Language:
        assert "0011223344556677" not in caught.value.render(language)
    assert "file" in str(caught.value)


def test_a_password_in_a_url_is_refused_and_never_repeated() -> None:
    said = only(SMALL.replace("mqtts://", "mqtts://hub:hunter2@"))

    assert "hunter2" not in said
    assert "password_file" in said
    assert "write: url: mqtts://centre.example:8883" in said


def test_a_mac_address_as_hub_id_is_refused_with_a_fresh_pseudonym() -> None:
    text = SMALL.replace(HUB_ID, '"B8:27:EB:01:02:03"')

    said = only(text)

    assert "leads back to this home" in said
    fresh = said.rpartition("write: id: ")[2]
    assert read(SMALL.replace(HUB_ID, fresh)).settings.hub.id == fresh


def test_an_address_is_normalised_and_a_near_miss_corrected() -> None:
    lower = SMALL.replace("B4:35:22:11:22:33", "b4:35:22:11:22:aa")

    assert read(lower).settings.devices[0].address == "B4:35:22:11:22:AA"
    dashed = SMALL.replace("B4:35:22:11:22:33", "b4-35-22-11-22-aa")
    assert 'write: address: "B4:35:22:11:22:AA"' in only(dashed)
    assert "placeholder" in only(SMALL.replace("B4:35:22:11:22:33", "00:00:00:00:00:00"))


def test_each_spare_adapter_is_a_mac_address_and_a_near_miss_is_corrected() -> None:
    def with_spares(items: str) -> str:
        return SMALL + f"radio:\n  spares:\n{items}"

    good = with_spares('    - "00:1a:7d:da:71:13"\n')
    assert read(good).settings.radio.spares == ("00:1A:7D:DA:71:13",)
    text = with_spares('    - "00:1A:7D:DA:71:13"\n    - 00-1a-7d-da-71-14\n')
    (problem,) = problems(text)
    assert (problem.key, problem.place) == ("radio.spares[#2]", (len(text.splitlines()), 7))
    assert 'write: - "00:1A:7D:DA:71:14"' in only(text)
    assert "블루투스 주소가 아닙니다" in problem.render("g.yaml", Language.KO)
    assert "hci1" in only(with_spares("    - hci1\n"))


def test_two_devices_of_one_name_are_refused() -> None:
    text = SMALL + '  - {name: sos-button, driver: bthome, address: "B4:35:22:11:22:34"}\n'

    assert "the name of another device already, at line 8" in only(text)


BAND = '  - {name: band, driver: polar_pmd, address: "A0:9E:1A:11:22:33", options: %s}\n'


def test_a_device_gets_its_drivers_options_with_their_defaults() -> None:
    band = read(SMALL + BAND % "{rate_hz: 25}").settings.devices[1]

    assert dict(band.options) == {"rate_hz": 25, "range_g": 8, "heart_rate": True, "mode": "low"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("rate: 25", "did you mean: rate_hz"),
        ("rate_hz: fast", "a whole number is wanted"),
        ("rate_hz: 26", "write: one of 10, 25, 52"),
        ("heart_rate: 1", "write: true"),
        ("{rate_hz: 10, range_g: 4}", "options: no 10 Hz at 4 g"),
        ("mode: hihg", "did you mean: high"),
        ("rate_hz: [1]", "one value is wanted"),
    ],
)
def test_a_wrong_driver_option_is_refused(options: str, said: str) -> None:
    assert said in only(SMALL + BAND % f"{{{options.strip('{}')}}}")


def test_a_command_is_a_list_and_a_shell_line_is_rewritten_as_one() -> None:
    said = only(SMALL + "announcer:\n  command: aplay '/etc/a b.wav'\n")

    assert 'write: command: ["aplay", "/etc/a b.wav"]' in said


def test_anchors_and_merge_keys_work_and_the_own_key_wins() -> None:
    text = SMALL.replace("  - name:", "  - &button\n    name:") + (
        '  - <<: *button\n    name: cancel-button\n    address: "B4:35:22:11:22:34"\n'
        "    role: cancel\n"
    )

    second = read(text).settings.devices[1]

    assert (second.driver, second.role) == ("bthome", Role.CANCEL)


def test_a_missing_key_is_explained_with_an_example() -> None:
    said = only(SMALL.replace("    role: sos\n", "").replace("    driver: bthome\n", ""))

    assert "driver is missing" in said
    assert 'write: driver: "bthome"' in said


@pytest.mark.parametrize(("environ", "korean"), [({"LANG": "ko_KR.UTF-8"}, True), ({}, False)])
def test_errors_speak_the_language_of_the_terminal_when_the_file_does_not_tell(
    environ: dict[str, str],
    korean: bool,  # noqa: FBT001 - a case of the table
) -> None:
    with pytest.raises(InvalidConfig) as caught:
        read("hub: 1", **environ)

    assert ("빠졌습니다" in str(caught.value)) is korean


def test_errors_speak_the_language_of_the_file() -> None:
    with pytest.raises(InvalidConfig) as caught:
        read(SMALL.replace("  id:", "  language: ko\n  idd: x\n  id:"), LANG="en_US.UTF-8")

    assert "없는 항목입니다" in str(caught.value)


def test_every_settings_key_knows_its_position() -> None:
    places = read(SMALL).places

    assert places["devices[sos-button].driver"] == (9, 5)
    assert places["uplink.brokers[#1]"] == (6, 7)


def test_the_operating_point_is_typed() -> None:
    text = SMALL + "fall:\n  operating_point: quiet\n"
    assert read(text).settings.fall.operating_point is Point.QUIET


def test_a_lookup_that_raises_is_a_lookup_that_found_nothing() -> None:
    def find(name: str) -> Driver:
        raise ConfigurationError(name)

    with pytest.raises(InvalidConfig, match="no such driver"):
        load_bytes(SMALL.encode(), Path("g.yaml"), find, environ={})


def test_a_misspelt_key_is_not_also_called_missing() -> None:
    said = only(SMALL.replace("address:", "adress:"))

    assert "did you mean: address" in said
