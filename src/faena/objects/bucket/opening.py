"""How each kind of object store is reached: what the address says, else the environment, else the provider's files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from faena.objects.bucket import aws_files

_SILENT_S, _REQUEST_S = 30, 600
"""Seconds for which a store may say nothing, and take for a request."""


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


def opened(address: Address) -> Any:
    """A store of obstore's. Raises as that does."""
    from obstore import store as kinds

    given = dict(address.options)
    config: dict[str, Any] = {}
    endpoints = [given.get("endpoint", ""), *map(os.environ.get, _ENDPOINTS[address.scheme])]
    if address.scheme == "s3":
        config = aws_files.found(os.environ)
        config |= {name: given[name] for name in ("region", "endpoint") if name in given}
        if not os.environ.get("AWS_CHECKSUM_ALGORITHM"):
            config["checksum_algorithm"] = "SHA256"  # the store sees then that it got what was sent
    elif address.scheme == "az":
        config = {f"azure_storage_{name}": given[of] for name, of in _AZURE.items() if of in given}
    elif "endpoint" in given:
        config = {"base_url": given["endpoint"]}
    is_plain = any(urlsplit(each or "").scheme == "http" for each in endpoints)
    return {"s3": kinds.S3Store, "az": kinds.AzureStore, "gs": kinds.GCSStore}[address.scheme](
        address.bucket,
        prefix=address.prefix or None,
        config=config,
        client_options={
            "allow_http": is_plain,
            "timeout": timedelta(seconds=_REQUEST_S),
            "read_timeout": timedelta(seconds=_SILENT_S),
            "connect_timeout": timedelta(seconds=5),
        },
        retry_config={
            "max_retries": 2,
            "retry_timeout": timedelta(seconds=_SILENT_S),
            "backoff": {
                "init_backoff": timedelta(milliseconds=50),
                "max_backoff": timedelta(seconds=1),
                "base": 2,
            },
        },
    )


_ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}
_AZURE = {"account_name": "account", "endpoint": "endpoint"}
