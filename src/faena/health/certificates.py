"""Certificates of endpoints: whether whoever asks them is still to believe them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from faena.health import rows
from faena.health.finding import Finding, ok, problem, warning
from faena.health.subject import Subject

_ENDPOINTS = "SELECT name, settings FROM endpoints WHERE deleted_at IS NULL ORDER BY name"
_SOON = 14 * 86_400.0
"""Seconds before its end from which a certificate is told of."""
_NAME = "certificates"


def check_certificates(subject: Subject) -> Iterator[Finding]:
    """Those of endpoints that have one; the first that is over, else the one that ends first."""
    ends: list[tuple[float, str]] = []
    for name, settings in rows.read(subject, _ENDPOINTS):
        if (given := _certificate(settings)) is None:
            continue
        try:
            ends.append((_end_of(given).timestamp(), name))
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            yield problem(_NAME, f"{given} of the endpoint {name} cannot be read: {said}", _remedy(name))
            return
    if not ends:
        return
    end, name = min(ends)
    day = datetime.fromtimestamp(end).astimezone().strftime("%d %b %Y")
    left = end - subject.now / 1e6
    if left <= 0:
        yield problem(_NAME, f"that of the endpoint {name} ended on {day}: clients refuse it", _remedy(name))
    elif left < _SOON:
        yield warning(_NAME, f"that of the endpoint {name} ends on {day}", _remedy(name))
    else:
        yield ok(_NAME, f"{len(ends)}; the first ends on {day}")


def _remedy(name: str) -> str:
    return f"Webservice(ws, {name!r}).update(ssl_cert_pem_file=…, ssl_key_pem_file=…)"


def _certificate(settings: bytes) -> Path | None:
    """None where an endpoint has none, or its row cannot be read."""
    try:
        return Path(json.loads(settings)["tls"]["certificate"])
    except (ValueError, KeyError, TypeError):
        return None


def _end_of(path: Path) -> datetime:
    """Of the first certificate of a file, which is the endpoint's own. Raises OSError, ValueError."""
    from cryptography import x509

    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
