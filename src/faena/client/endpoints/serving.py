"""Which endpoints have a version of a model."""

from __future__ import annotations

from typing import NamedTuple

from faena.client.workspaces.session import Session
from faena.endpoints.schemas import EndpointView, ModelUse


class Serving(NamedTuple):
    endpoint: EndpointView
    share: int
    """Of its requests, in percent; 0: a revision with the model is on its way, or is kept to be rolled back to."""

    def __str__(self) -> str:
        return f"{self.endpoint.name} ({f'{self.share} %' if self.share else 'no requests'})"


def of_model(session: Session, name: str, version: int) -> list[Serving]:
    """By name of the endpoint."""
    use = ModelUse(name, version)
    found = []
    for view in session.api.endpoints.list():
        having = [each for each in view.revisions if use in each.models]
        if having:
            whole = sum(each.weight for each in view.revisions) or 1
            found.append(Serving(view, round(100 * sum(each.weight for each in having) / whole)))
    return found
