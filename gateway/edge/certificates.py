"""A small certificate authority of one's own: for tests, the demo and a first pilot.

A hub's certificate carries its pseudonym as common name: with `use_identity_as_username true` the
broker takes that as the user name, and the ACL needs nothing else. Keys are EC P-256: the handshake
is short on a Raspberry Pi.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

YEARS = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as PEM files."""

    cert_file: Path
    key_file: Path


class Authority:
    """A certificate authority whose files stand in one directory; one that is there is used."""

    def __init__(self, directory: Path, *, not_before: datetime) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._not_before = not_before
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ansim CA")])
        self.ca_file = directory / "ca.crt"
        key_file = directory / "ca.key"
        if key_file.exists():
            self._key = _read_key(key_file)
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(self._name, self._key, not_before).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self._write(
            Pair(self.ca_file, key_file),
            builder.add_extension(_usage(ca=True), critical=True),
            self._key,
        )

    def server(self, hosts: Iterable[str], *, not_before: datetime | None = None) -> Pair:
        """Make a broker's certificate for names and addresses."""
        names = [_general(host) for host in hosts]
        return self._leaf("server", names, ExtendedKeyUsageOID.SERVER_AUTH, not_before)

    def client(self, name: str, *, not_before: datetime | None = None) -> Pair:
        """Make a hub's (its pseudonym) or a centre's certificate."""
        return self._leaf(name, [], ExtendedKeyUsageOID.CLIENT_AUTH, not_before)

    def _leaf(
        self,
        name: str,
        names: list[x509.GeneralName],
        usage: x509.ObjectIdentifier,
        not_before: datetime | None,
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            self._builder(subject, key, not_before or self._not_before)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(ca=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        pair = Pair(self._directory / f"{name}.crt", self._directory / f"{name}.key")
        self._write(pair, builder, key)
        return pair

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, not_before: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_before + YEARS)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
        )

    def _write(
        self, pair: Pair, builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey
    ) -> None:
        certificate = builder.sign(self._key, hashes.SHA256())
        pair.cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        pair.key_file.touch(mode=0o600)
        pair.key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )


def _read_key(key_file: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{key_file} was not made here: it holds no elliptic curve key")
    return key


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
