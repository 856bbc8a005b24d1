"""How each kind of object store is reached: what the address says, else the environment, else the provider's files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from faena.objects.bucket import aws_files

REQUEST_S = 600.0
"""Seconds that a request may take as a whole: one for 8 MiB of a large object is not done at less than 14 kB/s."""


class Address(Protocol):
    """Where a bucket is; as text without its options."""

    @property
    def scheme(self) -> str:
        """s3, az or gs."""

    @property
    def bucket(self) -> str: ...

    @property
    def prefix(self) -> str: ...

    @property
    def options(self) -> Mapping[str, str]:
        """Of `endpoint`, `region` (of S3) and `account` (of Azure); what is not here, the environment says."""


def has_keys(address: Address) -> bool:
    """Whether the environment or the provider's files name any; a role of the machine may do without."""
    if address.scheme == "s3" and "access_key_id" in aws_files.found(os.environ):
        return True
    return any(name.startswith(_KEYS[address.scheme]) for name in os.environ)


def is_safe(address: Address) -> bool:
    """Whether nobody on the way reads what goes there: by TLS, or without leaving this host."""
    return all(
        (where := urlsplit(each)).scheme != "http" or where.hostname in _THIS_HOST
        for each in _endpoints(address)
    )


def _endpoints(address: Address) -> list[str]:
    """Those that count are among them; none: the provider's own, which are reached by TLS."""
    told = [address.options.get("endpoint", ""), *map(os.environ.get, _ENDPOINTS[address.scheme])]
    return [each for each in told if each]


def opened(address: Address, silent_s: float, request_s: float = REQUEST_S) -> Any:
    """A store of obstore's, which may say nothing for so long, also while it is sent something. Raises as that does.

    `request_s`: how long a request may take, however steadily something comes.
    """
    from obstore import store as kinds

    given = dict(address.options)
    config: dict[str, Any] = {}
    if address.scheme == "s3":
        config = aws_files.found(os.environ)
        config |= {name: given[name] for name in ("region", "endpoint") if name in given}
        if not os.environ.get("AWS_CHECKSUM_ALGORITHM"):
            config["checksum_algorithm"] = "SHA256"  # the store sees then that it got what was sent
    elif address.scheme == "az":
        config = {f"azure_storage_{name}": given[of] for name, of in _AZURE.items() if of in given}
    elif "endpoint" in given:
        config = {"base_url": given["endpoint"]}
    is_plain = any(urlsplit(each).scheme == "http" for each in _endpoints(address))
    return {"s3": kinds.S3Store, "az": kinds.AzureStore, "gs": kinds.GCSStore}[address.scheme](
        address.bucket,
        prefix=address.prefix or None,
        config=config,
        client_options={
            "allow_http": is_plain,
            "timeout": timedelta(seconds=request_s),
            "read_timeout": timedelta(seconds=silent_s),
            "connect_timeout": timedelta(seconds=5),
        },
        retry_config={
            "max_retries": 2,
            "retry_timeout": timedelta(seconds=silent_s / 2),
            "backoff": {
                "init_backoff": timedelta(milliseconds=50),
                "max_backoff": timedelta(seconds=1),
                "base": 2,
            },
        },
    )


_THIS_HOST = ("127.0.0.1", "::1", "localhost")
_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}
_KEYS = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY", "AWS_CONTAINER_CREDENTIALS"),
    "az": ("AZURE_",),
    "gs": ("GOOGLE_", "SERVICE_ACCOUNT"),
}
"""What the names of variables begin with that say who asks."""
_AZURE = {"account_name": "account", "endpoint": "endpoint"}
