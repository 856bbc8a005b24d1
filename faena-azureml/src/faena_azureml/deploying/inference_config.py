"""v1's InferenceConfig, which asks for an environment."""

from __future__ import annotations

from typing import Any

from faena.client.endpoints.inference_config import InferenceConfig as AnyInferenceConfig
from faena.kernel.errors import WebserviceException


class InferenceConfig(AnyInferenceConfig):
    """As `faena.InferenceConfig`, where `environment` or `runtime="python"` must be given, as in v1."""

    def _check(self, runtime: str | None, conda_file: Any, environment: object) -> None:
        if environment is None and runtime is None:
            raise WebserviceException("Need to specify either environment or runtime. Give environment=….")
        super()._check(runtime, conda_file, environment)
