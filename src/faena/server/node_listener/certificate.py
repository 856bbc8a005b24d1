"""The listener's own certificate: self-signed, since nodes know it by its fingerprint."""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import ipaddress
import os
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from faena.kernel.durable import write_atomically
from faena.kernel.errors import ServiceException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cryptography import x509

_YEARS = 10


@dataclass(frozen=True, slots=True)
class Certificate:
    certificate: Path
    key: Path
    fingerprint: str
    """SHA-256 of the certificate, in hex."""


def own(folder: Path, names: Sequence[str]) -> Certificate:
    """The one in `folder`, made where there is none: nodes that have joined go on trusting it. Raises OSError.

    Processes that begin at once get the same one.
    """
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    try:
        return Certificate(certificate, key, _fingerprint(certificate.read_text()))
    except (FileNotFoundError, ValueError):
        pass
    folder.mkdir(mode=0o700, exist_ok=True)
    with _alone(folder / "certificate.lock"):
        try:
            made = certificate.read_bytes()
            return Certificate(certificate, key, _fingerprint(made.decode()))
        except (FileNotFoundError, ValueError):
            made, secret = _new(names)
            write_atomically(key, secret, mode=0o600)
            write_atomically(certificate, made)
    return Certificate(certificate, key, _fingerprint(made.decode()))


def check_pair(certificate: Path, key: Path | None) -> None:
    """Raises ServiceException where they are none that a listener can use, OSError where they cannot be read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password="")  # without one, OpenSSL asks at the terminal
    except ssl.SSLError as error:
        raise ServiceException(
            f"The certificate {certificate} and the key {key} cannot be used together ({error.reason or error})."
        ) from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def fingerprint(certificate: Path | None) -> str:
    """Of the first certificate in a file, in hex. Raises OSError, and ValueError where there is none."""
    if certificate is None:
        return ""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return _fingerprint(f"{begin}{certificate.read_text().partition(begin)[2].partition(end)[0]}{end}\n")


def _fingerprint(pem: str) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def _new(names: Sequence[str]) -> tuple[bytes, bytes]:
    """The certificate and its key, as PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Faena")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectAlternativeName([_alternative(each) for each in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), secret


def _alternative(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
