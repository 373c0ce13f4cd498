"""TLS to a broker: chain and name always; dates only once this hub's clock is known to be right.

A Raspberry Pi starts with a wrong clock, and a certificate that is "not yet valid" fails the
handshake: an alarm in the first minutes after a power cut would never leave the home. So while the
clock is unproven the chain and the name are verified without dates, the fact is reported, and the
connection is made anew strictly once time is proven (contract, rule 3d).
"""

import ssl

from gateway.errors import LinkError
from gateway.settings import BrokerSettings

X509_V_FLAG_NO_CHECK_TIME = 0x200000  # OpenSSL's; the ssl module has no name for it


class _ClosedOnFailure(ssl.SSLSocket):
    """paho forgets a socket whose handshake fails; it would stay open until collected."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the base's
        """Shake hands, or close."""
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def client_context(broker: BrokerSettings, *, check_dates: bool) -> ssl.SSLContext:
    """Return the context for `broker`; LinkError names the file that does not serve."""
    try:
        context = ssl.create_default_context(cafile=broker.ca_file)
    except (OSError, ssl.SSLError) as wrong:
        raise LinkError(f"CA file {broker.ca_file}: {wrong}") from wrong
    context.sslsocket_class = _ClosedOnFailure
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if broker.cert_file is not None:
        try:
            context.load_cert_chain(broker.cert_file, broker.key_file)
        except (OSError, ssl.SSLError) as wrong:
            raise LinkError(f"certificate {broker.cert_file} with its key: {wrong}") from wrong
    if not check_dates:
        context.verify_flags |= ssl.VerifyFlags(X509_V_FLAG_NO_CHECK_TIME)
    return context
