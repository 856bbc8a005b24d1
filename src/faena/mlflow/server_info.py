"""What this server says of itself, so that clients know what they may ask."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from faena.mlflow.services import Services

VERSION = b"3.17.2"
"""MLflow's release whose protocol is spoken: from 3.4 on clients send spans as they end."""


class Nothing(Struct):
    pass


async def get(services: Services, asked: Nothing) -> Any:
    return {
        "store_type": "SqlStore",
        "workspaces_enabled": False,
        "trace_archival_enabled": False,
        "multipart_uploads_enabled": False,
        "multipart_downloads_enabled": False,
        "presigned_upload_run_id_supported": False,
        "presigned_upload_model_id_supported": False,
        "features_enabled": {"gateway": False},
    }
