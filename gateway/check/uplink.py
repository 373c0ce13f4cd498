"""Rules about the way to the centre: TLS, certificates with their keys and dates, intervals."""

import ipaddress
from collections.abc import Generator, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from gateway.check.files import open_to_others, unreadable
from gateway.check.finding import Finding, Home, error, warning
from gateway.option import Text
from gateway.secret import UnreadableSecret, locate, read_bytes
from gateway.settings import BrokerSettings

SOON = timedelta(days=30)
# A lost hub is known to the centre after 1.5 keepalives; the promise is 90 s.
LONGEST_KEEPALIVE_S = 60


def uplink(home: Home, now: datetime | None) -> Iterator[Finding]:
    """Look at each broker, then at the intervals. Without `now`, dates are not judged."""
    for number, broker in enumerate(home.settings.uplink.brokers, start=1):
        key = f"uplink.brokers[#{number}]"
        yield from _tls(key, broker)
        yield from _certificates(key, broker, home.environ, now)
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


def _certificates(
    key: str, broker: BrokerSettings, environ: Mapping[str, str], now: datetime | None
) -> Iterator[Finding]:
    if (broker.cert_file is None) != (broker.key_file is None):
        given, lacking = (
            ("cert_file", "key_file") if broker.cert_file else ("key_file", "cert_file")
        )
        yield error(
            key,
            f"{given} without {lacking}: a certificate and its key belong together",
            f"{given}만 있고 {lacking} 없음: 인증서와 키는 함께 있어야 합니다",
        )
    if broker.ca_file is not None:
        yield from _certificate(f"{key}.ca_file", broker.ca_file, now)
    if broker.cert_file is not None:
        found = yield from _certificate(f"{key}.cert_file", broker.cert_file, now)
        if broker.key_file is not None:
            yield from _private_key(f"{key}.key_file", broker.key_file, found, environ)


def _certificate(
    key: str, path: Path, now: datetime | None
) -> Generator[Finding, None, x509.Certificate | None]:
    try:
        certificate = x509.load_pem_x509_certificates(read_bytes(path))[0]
    except UnreadableSecret as problem:
        yield unreadable(key, problem)
        return None
    except ValueError:
        yield error(key, f"{path} holds no PEM certificate", f"{path}: PEM 인증서가 아닙니다")
        return None
    ends, begins = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    if now is not None and now > ends:
        yield error(key, f"{path} expired on {ends:%Y-%m-%d}", f"{path}: {ends:%Y-%m-%d} 만료됨")
    elif now is not None and now < begins:
        yield warning(
            key,
            f"{path} is valid from {begins:%Y-%m-%d} only: is this machine's clock right?",
            f"{path}: {begins:%Y-%m-%d}부터 유효합니다. 이 기기의 시계가 맞습니까?",
        )
    elif now is not None and ends - now < SOON:
        days = (ends - now).days
        yield warning(
            key,
            f"{path} expires in {days} days, on {ends:%Y-%m-%d}",
            f"{path}: {days}일 뒤 {ends:%Y-%m-%d} 만료",
        )
    return certificate


def _private_key(
    key: str, path: Path, certificate: x509.Certificate | None, environ: Mapping[str, str]
) -> Iterator[Finding]:
    try:
        data = read_bytes(locate(path, environ))
        private = serialization.load_pem_private_key(data, password=None)
    except UnreadableSecret as problem:
        yield unreadable(key, problem)
        return
    except TypeError:
        yield error(
            key,
            f"{path} is encrypted: nobody can type its passphrase when the hub starts",
            f"{path}: 암호가 걸린 키입니다. 시작할 때 입력할 사람이 없습니다",
            Text("a systemd credential keeps it safe", "systemd 자격 증명(credential)을 쓰십시오"),
        )
        return
    except ValueError:
        yield error(key, f"{path} holds no PEM private key", f"{path}: PEM 개인 키가 아닙니다")
        return
    fits = certificate is None or _der(private.public_key()) == _der(certificate.public_key())
    if not fits:
        yield error(
            key,
            f"{path} is not the key of the certificate in cert_file",
            f"{path}: cert_file 인증서의 키가 아닙니다",
        )
    yield from open_to_others(key, path, environ)


def _same_broker(home: Home) -> Iterator[Finding]:
    urls = [broker.url for broker in home.settings.uplink.brokers]
    for number, url in enumerate(urls, start=1):
        if url in urls[: number - 1]:
            yield warning(
                f"uplink.brokers[#{number}].url",
                f"{url} is listed twice: no second way to the centre",
                f"{url}: 두 번 적혀 있습니다. 두 번째 경로가 되지 않습니다",
            )


def _der(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
