"""What a technician reads on a terminal: whole screens, in both languages."""

from typing import Any

import pytest

from gateway.option import Language
from gateway.registry import every
from gateway.screens import columns, drivers_screen, points_screen, scan_screen, status_screen

TOLD: dict[str, Any] = {
    "hub": "mfzwizltmvzxg2lqnrsv6ylcmm",
    "version": "0.1.0",
    "now": "2026-11-21T11:30:00.000Z",
    "clock": "proven",
    "uptime_s": 9000,
    "rss_kib": 90_000,
    "adapter": {
        "name": "hci0", "scanning": True, "detail": "", "adverts": 12, "heard_s_ago": 0.4,
    },
    "devices": [
        {
            "name": "hall", "driver": "bthome", "place": "hall", "heard_s_ago": 42.0, "rssi": -71,
            "battery": 64, "connected": False, "detail": "", "packets": 9, "malformed": 0,
            "replayed": 0, "wrong_key": 0,
        },
        {
            "name": "band", "driver": "polar_pmd", "place": "", "heard_s_ago": None, "rssi": None,
            "battery": None, "connected": True, "detail": "", "packets": 0, "malformed": 0,
            "replayed": 0, "wrong_key": 0,
        },
    ],
    "uplink": {
        "broker": "mqtts://centre:8883", "connected": True, "centre_up": True, "last_error": "",
    },
    "store": {"healthy": True, "epoch": "E", "unfinished": {"alarm": 1}, "bytes_on_disk": 81_920},
    "alerts": [
        {
            "id": "A", "kind": "fall", "device": "band", "matter": "raised", "word": "stored",
            "ended": False, "since_s": 61, "en": "impact 4.1 g", "ko": "충격 4.1 g",
        }
    ],
    "inbox": {"waiting": 0, "shed": {}},
    "deadline": {
        "at": "2026-11-21T15:10:00+09:00", "en": "home, usual by now", "ko": "재실, 평소 패턴",
    },
    "summary": {
        "day": "2026-11-20", "en": "2026-11-20 (Fri): nothing to compare",
        "ko": "2026-11-20(금): 비교할 것 없음", "stored": True,
    },
}  # fmt: skip

ENGLISH = """\
hub       mfzwizltmvzxg2lqnrsv6ylcmm  up 2h30m
clock     2026-11-21T11:30:00.000Z  proven
adapter   hci0  scanning  0s ago
broker    mqtts://centre:8883  connected
centre    connected
store     healthy  0.1 MB
outbox    alarms 1
deadline  2026-11-21T15:10:00+09:00  home, usual by now
summary   2026-11-20 (Fri): nothing to compare  (stored)

SENSORS
  name  place  heard    signal   battery  state
  hall  hall   42s ago  -71 dBm  64 %
  band         never    -        -        connected

OPEN ALARMS
  Fall  band  raised/stored  1m1s ago  impact 4.1 g"""


def test_the_status_screen_says_what_a_technician_must_know() -> None:
    assert status_screen(TOLD, Language.EN) == ENGLISH


def test_the_korean_screen_keeps_its_columns_though_its_letters_are_wide() -> None:
    lines = status_screen(TOLD, Language.KO).splitlines()
    assert "낙상  band  발령/저장" in lines[-1]
    assert "충격 4.1 g" in lines[-1]
    assert "평소 패턴" in next(line for line in lines if line.startswith("무활동 기한"))
    heads = next(line for line in lines if "배터리" in line)
    hall = next(line for line in lines if line.startswith("  hall"))
    assert columns(heads[: heads.index("신호")]) == columns(hall[: hall.index("-71")])


def test_a_key_that_does_not_fit_and_a_band_out_of_reach_stand_beside_the_sensor() -> None:
    hall, band = TOLD["devices"]
    devices = [{**hall, "wrong_key": 7}, {**band, "connected": False, "detail": "not heard"}]
    lines = status_screen({**TOLD, "devices": devices}, Language.KO).splitlines()
    assert any("키 불일치 7" in line for line in lines)
    assert any(line.endswith("신호 없음") for line in lines)


@pytest.mark.parametrize(
    ("stored", "said"),
    [(True, "센터 저장됨"), (False, "센터 미저장"), (None, "저장 여부 알 수 없음")],
)
def test_it_is_said_whether_the_centre_has_the_last_summary(stored: object, said: str) -> None:
    told = {**TOLD, "summary": {**TOLD["summary"], "stored": stored}}
    assert f"일일 요약    2026-11-20(금): 비교할 것 없음  ({said})" in status_screen(
        told, Language.KO
    )


def test_nothing_open_is_said_in_a_word() -> None:
    assert status_screen({**TOLD, "alerts": [], "deadline": None}, Language.EN).endswith(
        "OPEN ALARMS\n  none"
    )


def test_a_scan_names_what_is_configured_and_shortens_known_services() -> None:
    heard = [
        {
            "address": "B4:35:22:F5:3D:A4", "name": "SBBT", "rssi": -60, "device": "sos",
            "services": ["0000fcd2-0000-1000-8000-00805f9b34fb"],
        }
    ]  # fmt: skip
    assert scan_screen(heard, Language.EN) == (
        "address            signal   name  configured as  services\n"
        "B4:35:22:F5:3D:A4  -60 dBm  SBBT  sos            0xFCD2"
    )


def test_every_driver_is_listed_with_what_it_gives() -> None:
    screen = drivers_screen(every(), Language.KO, rules=True)
    assert screen.startswith("battery  ")
    assert "52 Hz, ±8 g" in screen


def test_the_fall_detectors_operating_points_are_shown_with_what_they_were_measured_on() -> None:
    screen = points_screen({"balanced": (0.859, 0.985, 0.16)}, Language.EN).splitlines()
    assert screen[2].split() == ["balanced", "85.9%", "98.5%", "0.16"]
    assert screen[3].strip().startswith("acted falls")
