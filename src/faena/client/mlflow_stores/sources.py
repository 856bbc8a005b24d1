"""Which store an argument names: a folder, a database, a server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from faena.client.mlflow_stores.found import Store
from faena.kernel.errors import UserErrorException


def opened(source: str, artifacts: Path | None = None) -> Store:
    """`artifacts`: a folder in which artifacts are that are not where the store says.

    Raises UserErrorException for what is no store of MLflow's, or cannot be read, with what to do.
    """
    scheme = urlsplit(source).scheme if "://" in source or source.startswith("file:") else ""
    if "\0" in source or not source:
        raise UserErrorException(f"{source[:80]!a} names no store of MLflow's.")
    if scheme in ("http", "https"):
        from faena.client.mlflow_stores.server import ServerStore

        return ServerStore(source)
    if scheme == "file":
        return _folder(Path(unquote(urlsplit(source).path)), artifacts)
    if not scheme:
        return _folder(Path(source), artifacts)
    if scheme in ("databricks", "databricks-uc", "s3", "gs", "dbfs", "hdfs"):
        raise UserErrorException(
            f"{source[:80]!r} cannot be read from here. Copy it to a folder of this machine, or give the address of a "
            "server that has it, such as 'http://localhost:5000'."
        )
    from faena.client.mlflow_stores.connections import connect
    from faena.client.mlflow_stores.database import DatabaseStore

    return DatabaseStore(connect(source), artifacts)


def _folder(folder: Path, artifacts: Path | None) -> Store:
    from faena.client.mlflow_stores.folder import FolderStore

    if folder.is_file():
        raise UserErrorException(
            f"{str(folder)[:300]!r} is a file. For a database give 'sqlite:///{folder.absolute()}'."
        )
    return FolderStore(folder, artifacts)
