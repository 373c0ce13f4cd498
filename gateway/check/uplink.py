"""Rules about the way to the centre: TLS, ways that are only one, intervals."""

import ipaddress
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from gateway.check.finding import Finding, Home, error, warning
from gateway.option import Text
from gateway.settings import BrokerSettings

# A lost hub is known to the centre after 1.5 keepalives; the promise is 90 s.
LONGEST_KEEPALIVE_S = 60


def uplink(home: Home, now: datetime | None) -> Iterator[Finding]:
    """Look at each broker, then at the intervals. Without `now`, dates are not judged."""
    for number, broker in enumerate(home.settings.uplink.brokers, start=1):
        key = f"uplink.brokers[#{number}]"
        yield from _tls(key, broker)
        if broker.ca_file or broker.cert_file or broker.key_file:
            from gateway.check.certificates import certificates  # noqa: PLC0415 - see there

            yield from certificates(key, broker, home.environ, now)
    yield from _same_broker(home)
    keepalive = home.settings.uplink.keepalive_s
    if keepalive > LONGEST_KEEPALIVE_S:
        yield warning(
            "uplink.keepalive_s",
            f"{keepalive} s: the centre notices a lost hub only after {keepalive * 1.5:g} s "
            f"(promised: {LONGEST_KEEPALIVE_S * 1.5:g} s)",
            f"{keepalive}초: 끊긴 허브를 {keepalive * 1.5:g}초 뒤에야 압니다"
            f"(약속: {LONGEST_KEEPALIVE_S * 1.5:g}초)",
            Text("keepalive_s: 60", "keepalive_s: 60"),
        )


def _tls(key: str, broker: BrokerSettings) -> Iterator[Finding]:
    url = urlsplit(broker.url)
    local = _loopback(url.hostname or "")
    if url.scheme == "mqtts":
        if broker.cert_file is None and broker.password_file is None:
            yield warning(
                key,
                "neither a certificate nor a password: the broker cannot tell this hub from others",
                "인증서도 비밀번호도 없습니다. 브로커가 이 허브를 구별할 수 없습니다",
                Text(
                    "cert_file: and key_file:, or password_file:",
                    "cert_file:과 key_file:, 또는 password_file:",
                ),
            )
        return
    if not local:
        yield error(
            f"{key}.url",
            f"{url.hostname}: alarms and the resident's habits would cross the network in the "
            "clear; without TLS only this machine itself is allowed",
            f"{url.hostname}: 경보와 생활 정보가 암호화 없이 전송됩니다(TLS 필요)",
            Text(f"url: mqtts://{url.hostname}:8883", f"url: mqtts://{url.hostname}:8883"),
        )
    if broker.ca_file or broker.cert_file or broker.key_file:
        yield error(
            key,
            "certificates are given but mqtt:// uses none",
            "인증서가 있지만 mqtt://는 쓰지 않습니다",
            Text("url: mqtts://…", "url: mqtts://…"),
        )


def _same_broker(home: Home) -> Iterator[Finding]:
    urls = [broker.url for broker in home.settings.uplink.brokers]
    for number, url in enumerate(urls, start=1):
        if url in urls[: number - 1]:
            yield warning(
                f"uplink.brokers[#{number}].url",
                f"{url} is listed twice: no second way to the centre",
                f"{url}: 두 번 적혀 있습니다. 두 번째 경로가 되지 않습니다",
            )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
