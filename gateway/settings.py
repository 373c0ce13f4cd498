"""The technician's YAML as typed, frozen settings. gateway.config fills them; everybody reads them.

Each field's metadata (`Option`) carries its help in English and Korean, its range and its form;
the commented example, the JSON Schema and the error messages are all made from it. The ranges bind
the file, not the constructors: a demonstration, whose day lasts minutes, builds Settings in code.
Secrets are paths here, never values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from gateway.option import Form, Language, Text, say


class ScanMode(StrEnum):
    """How the adapter scans."""

    ACTIVE = "active"
    PASSIVE = "passive"


class Point(StrEnum):
    """The fall detector's operating points."""

    BALANCED = "balanced"
    QUIET = "quiet"
    SENSITIVE = "sensitive"


class MqttChoice(StrEnum):
    """Which MQTT is spoken to a broker."""

    AUTO = "auto"
    V5 = "v5"
    V311 = "v3.1.1"


class BrokerOrder(StrEnum):
    """In which order a hub tries its brokers."""

    SPREAD = "spread"
    LISTED = "listed"


class Role(StrEnum):
    """What a device is in this home, where its readings alone do not say it; see ROLE_HELP."""

    NONE = ""
    SOS = "sos"
    CANCEL = "cancel"
    SOS_CANCEL = "sos-cancel"
    DOOR = "door"
    INNER_DOOR = "inner-door"
    WINDOW = "window"
    CUPBOARD = "cupboard"
    BED = "bed"
    CHAIR = "chair"
    FLUSH = "flush"


ROLE_HELP: Mapping[Role, Text] = MappingProxyType(
    {
        Role.NONE: Text("what its readings say, no more", "측정값 그대로, 특별한 역할 없음"),
        Role.SOS: Text("any press calls for help", "어떻게 눌러도 도움 요청"),
        Role.CANCEL: Text(
            "any press cancels a pending alarm (I am well)",
            "어떻게 눌러도 대기 중인 경보 취소(괜찮음)",
        ),
        Role.SOS_CANCEL: Text(
            "one button for both: a single press cancels while an alarm is pending and otherwise "
            "calls for help; a long press says away or back home",
            "버튼 하나로 둘 다: 대기 중인 경보가 있으면 한 번 누름이 취소, 없으면 도움 요청. "
            "길게 누르면 외출/귀가",
        ),
        Role.DOOR: Text("the front door: the way out", "현관문: 외출 판단에 사용"),
        Role.INNER_DOOR: Text("a door inside the home", "집 안의 방문"),
        Role.WINDOW: Text("a window", "창문"),
        Role.CUPBOARD: Text(
            "a fridge, cupboard or medicine cabinet: its use is a sign of life",
            "냉장고, 찬장, 약장: 사용하면 생활 신호",
        ),
        Role.BED: Text("carries the resident in bed", "침대: 누워 있음"),
        Role.CHAIR: Text("carries the resident in a chair", "의자: 앉아 있음"),
        Role.FLUSH: Text("the toilet's flush", "변기 물 내림"),
    }
)


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Who this hub is."""

    id: str = field(
        metadata=say(
            "pseudonym of this hub, 26 base32 characters; never a name or a MAC address",
            "허브의 가명, base32 문자 26자. 이름이나 MAC 주소 금지",
            form=Form.HUB_ID,
            example="mfzwizltmvzxg2lqnrsv6ylcmm",
        )
    )
    district: str = field(
        metadata=say(
            "administrative code of the district whose centre watches this home",
            "이 가정을 맡은 관제센터의 행정구역 코드",
            form=Form.DISTRICT,
            example="1120000000",
        )
    )
    language: Language = field(
        default=Language.KO,
        metadata=say("language of what people at home read", "집에서 사람이 읽는 글의 언어"),
    )
    timezone: str = field(
        default="Asia/Seoul",
        metadata=say("the home's time zone", "이 집의 시간대", form=Form.TIMEZONE),
    )


@dataclass(frozen=True, slots=True)
class RadioSettings:
    """The Bluetooth adapter."""

    adapter: str = field(
        default="",
        metadata=say(
            "adapter by MAC address (survives replugging) or as hciN; empty: the first",
            "블루투스 어댑터: MAC 주소(다시 꽂아도 유지) 또는 hciN. 비우면 첫 번째",
            form=Form.ADAPTER,
        ),
    )
    spares: tuple[str, ...] = field(
        default=(),
        metadata=say(
            "other adapters by MAC address, used in turn when the first cannot be brought back; a "
            "paired band must be paired with each",
            "예비 어댑터(MAC 주소): 첫 어댑터를 복구할 수 없을 때 차례로 사용. 페어링이 필요한 "
            "밴드는 어댑터마다 페어링",
            form=Form.SPARE,
            example=("00:1A:7D:DA:71:13",),
        ),
    )
    canary: str = field(
        default="",
        metadata=say(
            "address of any beacon that advertises all the time, within reach: its silence proves "
            "that the adapter is deaf; needed where no sensor gives signs of life",
            "항상 신호를 내는 비콘의 주소: 이 신호가 끊기면 어댑터 이상으로 판단. 주기 신호를 내는 "
            "센서가 없는 집에 필요",
            form=Form.ADAPTER,
        ),
    )
    scan: ScanMode = field(
        default=ScanMode.ACTIVE,
        metadata=say(
            "active: asks devices for more and hears all of them; passive: saves their batteries, "
            "but some sensors are then never heard",
            "active: 기기에 물어보며 모두 수신. passive: 배터리 절약, 일부 센서는 들리지 않음",
        ),
    )
    max_connections: int = field(
        default=3,
        metadata=say(
            "bands connected at once; common adapters fail above 5 to 7",
            "동시에 연결하는 밴드 수. 흔한 어댑터의 한계는 5~7",
            low=1,
            high=7,
        ),
    )
    deaf_after_s: float = field(
        default=90.0,
        metadata=say(
            "the adapter counts as deaf after so many seconds without any packet",
            "이 시간(초) 동안 아무 신호도 없으면 어댑터 이상으로 판단",
            low=15,
            high=3600,
        ),
    )


@dataclass(frozen=True, slots=True)
class DeviceStanza:
    """One band or sensor."""

    name: str = field(
        metadata=say(
            "your name for it, unique: small letters, digits, hyphens; it appears in alarms",
            "기기 이름(중복 불가): 영문 소문자, 숫자, 하이픈. 경보에 표시됨",
            form=Form.NAME,
            example="sos-button",
        )
    )
    driver: str = field(
        metadata=say(
            "the driver that understands it; `ansim drivers` lists them",
            "이 기기를 해석하는 드라이버. 목록: `ansim drivers`",
            form=Form.DRIVER,
            example="bthome",
        )
    )
    address: str = field(
        metadata=say(
            "its Bluetooth address; `ansim scan` shows it",
            "블루투스 주소. `ansim scan`으로 확인",
            form=Form.ADDRESS,
            example="B4:35:22:11:22:33",
        )
    )
    place: str = field(
        default="",
        metadata=say("the room or spot it watches", "설치 위치", form=Form.PLACE, example="living"),
    )
    key_file: Path | None = field(
        default=None,
        metadata=say(
            "file with its bind key (32 hex digits), or credential:NAME; for encrypted devices",
            "암호화 기기의 바인드 키 파일(16진수 32자) 또는 credential:이름",
            form=Form.SECRET_FILE,
            example="keys/sos-button.key",
        ),
    )
    role: Role = field(
        default=Role.NONE,
        metadata=say("what it is in this home", "이 집에서의 역할", example=Role.SOS),
    )
    options: Mapping[str, int | float | str | bool] = field(
        default_factory=lambda: MappingProxyType({}),
        metadata=say(
            "the driver's own options; `ansim drivers` lists them",
            "드라이버 고유 옵션. 목록: `ansim drivers`",
        ),
    )
    passkey: str = field(
        default="",
        metadata=say(
            "the six digits a band asks for when it is paired, in quotes; empty: it asks for none",
            "페어링할 때 밴드가 요구하는 숫자 6자리(따옴표). 없으면 비움",
            form=Form.PASSKEY,
        ),
    )


@dataclass(frozen=True, slots=True)
class FallSettings:
    """The fall detector. It needs a band that streams acceleration: 20 Hz, ±4 g or more."""

    enabled: bool = field(default=True, metadata=say("look for falls", "낙상 감지 사용"))
    operating_point: Point = field(
        default=Point.BALANCED,
        metadata=say(
            "quiet: fewer false alarms, misses more; sensitive: the other way round",
            "quiet: 오경보 적음, 놓침 많음. sensitive: 그 반대",
        ),
    )
    cancel_window_s: float = field(
        default=30.0,
        metadata=say(
            "seconds for the resident to cancel before a suspected fall is raised; needs "
            "announcer.command, without it the window is 0",
            "낙상 의심 후 어르신이 취소할 수 있는 시간(초). announcer.command가 없으면 0으로 처리",
            low=0,
            high=300,
        ),
    )


@dataclass(frozen=True, slots=True)
class InactivitySettings:
    """The inactivity detector: the levels are ceilings; the learnt routine undercuts them."""

    enabled: bool = field(default=True, metadata=say("look for long silence", "장시간 무활동 감지"))
    attention_h: float = field(
        default=8.0,
        metadata=say(
            "hours without a sign of life: attention", "무활동 주의 단계(시간)", low=0.5, high=72
        ),
    )
    warning_h: float = field(
        default=12.0,
        metadata=say(
            "hours without a sign of life: warning", "무활동 경고 단계(시간)", low=0.5, high=96
        ),
    )
    emergency_h: float = field(
        default=24.0,
        metadata=say(
            "hours without a sign of life: emergency", "무활동 위급 단계(시간)", low=0.5, high=168
        ),
    )
    away_h: float = field(
        default=48.0,
        metadata=say(
            "hours of silence that are allowed while the resident is out",
            "외출 중에 허용하는 무활동 시간(시간)",
            low=1,
            high=720,
        ),
    )
    cancel_window_s: float = field(
        default=30.0,
        metadata=say(
            "seconds for the resident to show that all is well before it is raised; needs "
            "announcer.command, without it the window is 0",
            "경보 전 어르신이 괜찮음을 알릴 시간(초). announcer.command가 없으면 0으로 처리",
            low=0,
            high=3600,
        ),
    )
    quiet_from: str = field(
        default="22:00",
        metadata=say(
            "night begins: attention waits for the morning; in quotes",
            '밤 시작: 주의 단계는 아침까지 보류. 따옴표 필수("22:00")',
            form=Form.CLOCK,
        ),
    )
    quiet_to: str = field(
        default="06:00",
        metadata=say(
            "night ends; in quotes",
            '밤 끝. 따옴표 필수("06:00")',
            form=Form.CLOCK,
        ),
    )


@dataclass(frozen=True, slots=True)
class RoutineSettings:
    """What is told of the resident's routine: a summary a day, five weeks kept at home."""

    enabled: bool = field(
        default=True,
        metadata=say(
            "tell the centre once a day how the day was against the last four weeks, and keep "
            "five weeks for `ansim report`",
            "하루 한 번 지난 4주와 비교한 생활 요약을 관제센터에 보내고 5주간 보관"
            "(`ansim report`에 사용)",
        ),
    )
    tell_at: str = field(
        default="09:00",
        metadata=say(
            "local time at which yesterday is told, not before the night has ended; in quotes",
            '어제의 요약을 보내는 시각(밤이 끝난 뒤). 따옴표 필수("09:00")',
            form=Form.CLOCK,
        ),
    )


@dataclass(frozen=True, slots=True)
class AnnouncerSettings:
    """What tells the resident that an alarm is pending: a sound, a light."""

    command: tuple[str, ...] = field(
        default=(),
        metadata=say(
            "program and its arguments, as a list; runs in a unit of its own. Empty: nothing "
            "tells the resident, so no alarm waits for a cancel",
            "실행할 프로그램과 인자 목록. 비우면 알릴 방법이 없으므로 취소 대기 없이 바로 경보",
            example=("/usr/bin/aplay", "/etc/ansim/pending.wav"),
        ),
    )


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """One broker. Several are tried in turn."""

    url: str = field(
        metadata=say(
            "mqtts://host:8883; mqtt:// (no TLS) only to this machine",
            "mqtts://호스트:8883. mqtt://(TLS 없음)는 이 기기 안에서만",
            form=Form.BROKER_URL,
            example="mqtts://centre.example:8883",
        )
    )
    ca_file: Path | None = field(
        default=None,
        metadata=say(
            "certificate authority of the broker (PEM); empty: the system's",
            "브로커 인증기관 인증서(PEM). 비우면 시스템 기본",
            form=Form.FILE,
            example="tls/ca.pem",
        ),
    )
    cert_file: Path | None = field(
        default=None,
        metadata=say(
            "this hub's certificate (PEM)",
            "이 허브의 인증서(PEM)",
            form=Form.FILE,
            example="tls/hub.pem",
        ),
    )
    key_file: Path | None = field(
        default=None,
        metadata=say(
            "this hub's private key (PEM), or credential:NAME",
            "이 허브의 개인 키(PEM) 또는 credential:이름",
            form=Form.SECRET_FILE,
            example="credential:hub.key",
        ),
    )
    username: str = field(
        default="",
        metadata=say(
            "user name at the broker; empty: the hub's id when a password is given",
            "브로커 사용자 이름. 비밀번호가 있고 비우면 허브 id",
            form=Form.USERNAME,
        ),
    )
    password_file: Path | None = field(
        default=None,
        metadata=say(
            "file with the password, or credential:NAME",
            "비밀번호 파일 또는 credential:이름",
            form=Form.SECRET_FILE,
            example="credential:mqtt-password",
        ),
    )
    mqtt: MqttChoice = field(
        default=MqttChoice.AUTO,
        metadata=say(
            "auto: MQTT 5, and 3.1.1 where it is refused; v3.1.1 for NATS and for RabbitMQ "
            "before 3.13, which know no other",
            "auto: MQTT 5를 먼저, 거절되면 3.1.1. NATS와 RabbitMQ 3.13 미만은 v3.1.1",
        ),
    )
    subscription_qos: int = field(
        default=1,
        metadata=say(
            "QoS of this hub's subscriptions; 0 for NATS, where each with 1 is a replicated "
            "consumer. Alarms go out with QoS 1 always",
            "이 허브의 구독 QoS. NATS에서는 0 (1이면 구독마다 복제 소비자가 생김). "
            "경보는 언제나 QoS 1로 보냄",
            low=0,
            high=1,
        ),
    )


@dataclass(frozen=True, slots=True)
class UplinkSettings:
    """The way to the centre."""

    brokers: tuple[BrokerSettings, ...] = field(
        metadata=say("brokers, tried in turn", "브로커 목록, 순서대로 시도", low=1, high=8)
    )
    order: BrokerOrder = field(
        default=BrokerOrder.SPREAD,
        metadata=say(
            "spread: each hub has an order of its own, so that hubs share the brokers, also when "
            "one is lost; listed: the first is every hub's first choice",
            "spread: 허브마다 순서가 달라 브로커에 고르게 분산. listed: 적힌 순서대로",
        ),
    )
    keepalive_s: int = field(
        default=60,
        metadata=say(
            "MQTT keepalive; a lost hub is noticed after 1.5 times this",
            "MQTT keepalive(초). 끊긴 허브는 이 값의 1.5배 후에 발견됨",
            low=5,
            high=600,
        ),
    )
    heartbeat_s: float = field(
        default=60.0,
        metadata=say("seconds between heartbeats", "하트비트 간격(초)", low=10, high=600),
    )
    window: int = field(
        default=20,
        metadata=say("messages on the way at once", "동시에 전송 중인 메시지 수", low=1, high=100),
    )
    test_alarm_every_h: float = field(
        default=24.0,
        metadata=say(
            "hours between test alarms that prove the whole way to the centre",
            "관제센터까지 전 구간을 확인하는 시험 경보 간격(시간)",
            low=1,
            high=168,
        ),
    )


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """The database and what it keeps."""

    directory: Path = field(
        default=Path("/var/lib/ansim-gateway"),
        metadata=say("where the database lives", "데이터베이스 위치", form=Form.FILE),
    )
    batch_s: float = field(
        default=600.0,
        metadata=say(
            "seconds between commits of telemetry (alarms commit at once); a power cut loses at "
            "most this much telemetry, and each commit wears the SD card",
            "측정값 저장 간격(초, 경보는 즉시 저장). 정전 시 잃을 수 있는 최대 구간",
            low=1,
            high=3600,
        ),
    )
    keep_readings_h: float = field(
        default=72.0,
        metadata=say(
            "hours that readings are kept at home", "측정값 보관 시간(시간)", low=1, high=720
        ),
    )
    max_mb: int = field(
        default=200,
        metadata=say(
            "largest size of the database in MB; alarms are never dropped for it",
            "데이터베이스 최대 크기(MB). 경보는 이 때문에 지워지지 않음",
            low=20,
            high=100_000,
        ),
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole gateway.yaml."""

    hub: HubSettings = field(metadata=say("who this hub is", "이 허브의 신원"))
    uplink: UplinkSettings = field(metadata=say("the way to the centre", "관제센터 연결"))
    devices: tuple[DeviceStanza, ...] = field(
        metadata=say("the bands and sensors of this home", "이 집의 밴드와 센서", low=0, high=200)
    )
    radio: RadioSettings = field(
        default=RadioSettings(), metadata=say("the Bluetooth adapter", "블루투스 어댑터")
    )
    fall: FallSettings = field(
        default=FallSettings(),
        metadata=say(
            "falls: needs a band that streams acceleration, 20 Hz and ±4 g or more",
            "낙상: 가속도 밴드 필요(20 Hz, ±4 g 이상)",
        ),
    )
    inactivity: InactivitySettings = field(
        default=InactivitySettings(),
        metadata=say(
            "long silence: the levels are ceilings, the learnt routine undercuts them",
            "장시간 무활동: 단계는 상한이며 학습된 생활 패턴이 더 빨리 판단",
        ),
    )
    routine: RoutineSettings = field(
        default=RoutineSettings(),
        metadata=say("the daily summary of the routine", "하루 생활 요약"),
    )
    announcer: AnnouncerSettings = field(
        default=AnnouncerSettings(),
        metadata=say(
            "what tells the resident that an alarm is pending: a sound, a light",
            "경보 대기를 어르신에게 알리는 수단: 소리, 불빛",
        ),
    )
    store: StoreSettings = field(
        default=StoreSettings(),
        metadata=say("the database and what it keeps", "데이터베이스와 보관 기간"),
    )
    control_socket: Path = field(
        default=Path("/run/ansim-gateway/control.sock"),
        metadata=say(
            "socket through which `ansim status` and `ansim scan` ask the daemon",
            "`ansim status`, `ansim scan`이 데몬에 묻는 소켓",
            form=Form.FILE,
        ),
    )


__all__ = [
    "ROLE_HELP",
    "AnnouncerSettings",
    "BrokerSettings",
    "DeviceStanza",
    "FallSettings",
    "HubSettings",
    "InactivitySettings",
    "Language",
    "Point",
    "RadioSettings",
    "Role",
    "RoutineSettings",
    "ScanMode",
    "Settings",
    "StoreSettings",
    "UplinkSettings",
]
