"""v1's ModelDataCollector. What it collected, an endpoint keeps by itself where that is asked for."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ModelDataCollector:
    """Accepted, so that scripts go on: `collect` keeps nothing.

    Requests and answers are kept with v1's `collect_model_data=True`, or `keep_requests=`, of the deployment.
    """

    _told = False

    def __init__(
        self,
        model_name: str | None = None,
        designation: str = "default",
        feature_names: Any = None,
        **without_meaning: Any,
    ) -> None:
        self.model_name = model_name
        self.designation = designation
        self.feature_names = feature_names
        if not ModelDataCollector._told:
            ModelDataCollector._told = True
            print(
                "faena: ModelDataCollector collects nothing: the endpoint keeps requests itself, where "
                "collect_model_data or keep_requests of its deployment says so."
            )

    def collect(self, input_data: Any, user_correlation_id: str = "") -> bool:
        """Nothing; `True`, as v1 says where that went well."""
        return True
