"""A file of a version of a registered model, as MLflow's page asks for it."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request
from litestar.response import Stream

from faena.mlflow import registry_checks
from faena.mlflow.artifacts import addresses, sending
from faena.mlflow.artifacts.trees import RegisteredFiles
from faena.mlflow.artifacts.whole_files import WholeFile
from faena.mlflow.fields import REQUIRED
from faena.mlflow.registry_versions import ByVersion
from faena.mlflow.services import Services


class File(ByVersion):
    path: Annotated[str | None, REQUIRED] = None


async def send(services: Services, asked: File, request: Request[Any, Any, Any]) -> Stream | WholeFile:
    """Of those that are kept, or of those that are made for it."""
    tree = RegisteredFiles(registry_checks.name(asked.name), registry_checks.version(asked.version))
    return await sending.send(services, tree, addresses.clean(asked.path or ""), request)
