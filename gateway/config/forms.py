"""What texts of the YAML must look like: addresses, names, clocks, URLs. One function a form."""

import base64
import re
import secrets
import zoneinfo
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit

from gateway.config.problems import both, closest, shown
from gateway.core.wire import PLACES
from gateway.option import Form, Text
from gateway.secret import CREDENTIAL


class Wrong(NamedTuple):
    """What is wrong with a value, what was meant, what to write."""

    wrong: Text
    meant: str = ""
    write: Text | None = None


_MAC = re.compile(r"([0-9A-F]{2}:){5}[0-9A-F]{2}", re.IGNORECASE)
_MAC_LIKE = re.compile(r"([0-9A-F]{2}[-. :]?){5}[0-9A-F]{2}", re.IGNORECASE)
_HUB_ID = re.compile(r"[a-z2-7]{26}|[A-Z2-7]{26}")
_DISTRICT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_CREDENTIAL_NAME = re.compile(r"[A-Za-z0-9_.@-]+")
_BIND_KEY = re.compile(r"(0x)?([0-9a-f]{2}[\s:-]?){16,}", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9_.:%-]+")
_SCHEMES = MappingProxyType(
    {
        "ssl": "mqtts",
        "tls": "mqtts",
        "https": "mqtts",
        "mqtt+ssl": "mqtts",
        "tcp": "mqtt",
        "http": "mqtt",
    }
)


def new_hub_id() -> str:
    """Return a fresh pseudonym: 128 random bits in base32."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def _hub_id(text: str) -> Wrong | None:
    if _HUB_ID.fullmatch(text):
        return None
    fresh = both(f"id: {new_hub_id()}")
    if _MAC_LIKE.fullmatch(text):
        return Wrong(
            Text(
                "this is a MAC address, which leads back to this home: the hub needs a pseudonym",
                "MAC 주소는 이 집을 드러냅니다. 무작위 가명이 필요합니다",
            ),
            write=fresh,
        )
    return Wrong(
        Text(
            f"{shown(text)} is no hub id: 26 characters of a to z and 2 to 7 "
            f"(this has {len(text)})",
            f"{shown(text)}: 허브 id는 a~z, 2~7로 된 26자입니다 (현재 {len(text)}자)",
        ),
        write=fresh,
    )


def _district(text: str) -> Wrong | None:
    if _DISTRICT.fullmatch(text):
        return None
    return Wrong(
        Text(
            f"{shown(text)}: a district code has 1 to 64 letters, digits, - or _",
            f"{shown(text)}: 행정구역 코드는 영문, 숫자, -, _ 로 1~64자입니다",
        ),
        write=both('district: "1120000000"'),
    )


def _timezone(text: str) -> Wrong | None:
    try:
        zoneinfo.ZoneInfo(text)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        return Wrong(
            Text(f"{shown(text)} is no known time zone", f"{shown(text)}: 알 수 없는 시간대"),
            closest(text, known),
            both("timezone: Asia/Seoul"),
        )
    return None


def _adapter(text: str) -> Wrong | None:
    if not text or re.fullmatch(r"hci[0-9]{1,2}", text):
        return None
    wrong = _address(text)
    if wrong is None:
        return None
    return Wrong(
        Text(
            f"{shown(text)} is neither a MAC address nor hci0, hci1, …",
            f"{shown(text)}: MAC 주소도 hci0, hci1 … 도 아닙니다",
        ),
        write=wrong.write and both("adapter: hci0"),
    )


def _spare(text: str) -> Wrong | None:
    wrong = _address(text)
    if wrong is None or wrong.write is None:
        return wrong
    item = Text(*(said.replace("address: ", "- ") for said in wrong.write))
    return Wrong(wrong.wrong, wrong.meant, item)


def _passkey(text: str) -> Wrong | None:
    if not text or re.fullmatch(r"[0-9]{6}", text):
        return None
    return Wrong(
        Text(
            f"{shown(text)} is no passkey: six digits, in quotes",
            f"{shown(text)}: 패스키가 아닙니다. 따옴표 안에 숫자 6자리",
        ),
        write=both('passkey: "123456"'),
    )


def _name(text: str) -> Wrong | None:
    if _NAME.fullmatch(text):
        return None
    slug = re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:40].strip("-")
    return Wrong(
        Text(
            f"{shown(text)}: a name has up to 40 small letters, digits and hyphens between them",
            f"{shown(text)}: 이름은 영문 소문자, 숫자, 그 사이의 하이픈으로 40자까지입니다",
        ),
        write=both(f"name: {slug}") if slug else both("name: sos-button"),
    )


def _address(text: str) -> Wrong | None:
    if not _MAC.fullmatch(text):
        digits = re.sub(r"[^0-9A-Fa-f]", "", text)
        better = ":".join(re.findall("..", digits)).upper() if _MAC_LIKE.fullmatch(text) else ""
        return Wrong(
            Text(
                f"{shown(text)} is no Bluetooth address: six pairs of hex digits with : between",
                f"{shown(text)}: 블루투스 주소가 아닙니다. 16진수 두 자리씩 여섯 쌍, 사이에 :",
            ),
            write=both(f'address: "{better or "B4:35:22:11:22:33"}"'),
        )
    if len(set(text.upper().split(":"))) == 1:
        return Wrong(
            Text(
                f"{shown(text)} is a placeholder: `ansim scan` shows the real one",
                f"{shown(text)}: 실제 기기 주소가 아닙니다. `ansim scan`으로 확인하십시오",
            )
        )
    return None


def _place(text: str) -> Wrong | None:
    if text in PLACES:
        return None
    known = ", ".join(name for name in PLACES if name)
    return Wrong(
        Text(f"{shown(text)} is no known place", f"{shown(text)}: 알 수 없는 장소"),
        closest(text, PLACES),
        Text(f"one of {known}", f"다음 중 하나: {known}"),
    )


def _clock(text: str) -> Wrong | None:
    if _CLOCK.fullmatch(text):
        return None
    return Wrong(
        Text(
            f"{shown(text)} is no time of day from 00:00 to 23:59",
            f"{shown(text)}: 00:00~23:59 형식의 시각이 아닙니다",
        ),
        write=both('"22:00"'),
    )


def _broker_url(text: str) -> Wrong | None:
    write = both("url: mqtts://centre.example:8883")
    try:
        url = urlsplit(text)
        port, host = url.port, url.hostname or ""
    except ValueError:
        return Wrong(Text("no valid URL", "올바른 URL이 아닙니다"), write=write)
    if "@" in text:
        return Wrong(
            Text(
                "user and password do not belong in the URL: username: and password_file:",
                "사용자와 비밀번호는 URL에 쓰지 않습니다. username:, password_file:을 쓰십시오",
            ),
            write=both(f"url: {url.scheme}://{host}" + (f":{port}" if port else "")),
        )
    if url.scheme not in {"mqtt", "mqtts"}:
        meant = _SCHEMES.get(url.scheme) or closest(url.scheme, ("mqtt", "mqtts"))
        return Wrong(
            Text(
                f"{shown(text)}: a broker's URL begins with mqtts:// (or mqtt:// on this machine)",
                f"{shown(text)}: 브로커 URL은 mqtts://로 시작합니다 (기기 안에서는 mqtt://)",
            ),
            f"{meant}://" if meant else "",
            write,
        )
    if not _HOST.fullmatch(host) or port == 0:
        return Wrong(
            Text(f"{shown(text)}: no host or no port", f"{shown(text)}: 호스트나 포트가 없습니다"),
            write=write,
        )
    if url.path not in {"", "/"} or url.query or url.fragment:
        return Wrong(
            Text(
                f"{shown(text)}: nothing follows after host and port",
                f"{shown(text)}: 호스트와 포트 뒤에는 아무것도 쓰지 않습니다",
            ),
            write=both(f"url: {url.scheme}://{url.netloc}"),
        )
    return None


def _username(text: str) -> Wrong | None:
    if len(text) <= 128 and text.isprintable():  # noqa: PLR2004 - a broker's own limits are larger
        return None
    return Wrong(
        Text("a user name is up to 128 printable characters", "사용자 이름은 128자까지입니다")
    )


def _file(text: str) -> Wrong | None:
    if text.strip() and text.isprintable():
        return None
    return Wrong(Text("no file name", "파일 이름이 아닙니다"))


def _secret_file(text: str) -> Wrong | None:
    if _BIND_KEY.fullmatch(text) or "-----BEGIN" in text:
        return Wrong(  # and never say what stands there
            Text(
                "this is a key itself: put it in a file that only the service can read, and "
                "write the file's name here",
                "키 값이 그대로 적혀 있습니다. 서비스만 읽을 수 있는 파일에 넣고 "
                "그 파일 이름을 쓰십시오",
            ),
            write=both("key_file: keys/NAME.key"),
        )
    if text.startswith(CREDENTIAL) and not _CREDENTIAL_NAME.fullmatch(text[len(CREDENTIAL) :]):
        return Wrong(
            Text(
                "the name of a systemd credential has letters, digits, and . _ @ -",
                "systemd 자격 증명 이름은 영문, 숫자, . _ @ - 입니다",
            ),
            write=both("credential:mqtt-password"),
        )
    return _file(text)


FORMS: Mapping[Form, Callable[[str], Wrong | None]] = MappingProxyType(
    {
        Form.HUB_ID: _hub_id,
        Form.DISTRICT: _district,
        Form.TIMEZONE: _timezone,
        Form.ADAPTER: _adapter,
        Form.SPARE: _spare,
        Form.NAME: _name,
        Form.ADDRESS: _address,
        Form.PLACE: _place,
        Form.PASSKEY: _passkey,
        Form.CLOCK: _clock,
        Form.BROKER_URL: _broker_url,
        Form.USERNAME: _username,
        Form.FILE: _file,
        Form.SECRET_FILE: _secret_file,
    }
)
