"""Rules about certificates: readable, with their own key, not expired, not about to.

Imported only when a broker has some: x509 takes 4 MiB of memory.
"""

from collections.abc import Generator, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from gateway.check.files import open_to_others, unreadable
from gateway.check.finding import Finding, error, warning
from gateway.option import Text
from gateway.secret import UnreadableSecret, locate, read_bytes
from gateway.settings import BrokerSettings

SOON = timedelta(days=30)


def certificates(
    key: str, broker: BrokerSettings, environ: Mapping[str, str], now: datetime | None
) -> Iterator[Finding]:
    """Look at one broker's certificates. Without `now`, dates are not judged."""
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
        yield from _certificate(f"{key}.ca_file", broker.ca_file, environ, now)
    if broker.cert_file is not None:
        found = yield from _certificate(f"{key}.cert_file", broker.cert_file, environ, now)
        if broker.key_file is not None:
            yield from _private_key(f"{key}.key_file", broker.key_file, found, environ)


def _certificate(
    key: str, path: Path, environ: Mapping[str, str], now: datetime | None
) -> Generator[Finding, None, x509.Certificate | None]:
    try:
        certificate = x509.load_pem_x509_certificates(read_bytes(locate(path, environ)))[0]
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


def _der(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
