"""How an endpoint is called, in words of Swagger 2 and of OpenAPI 3: from what its script's worker knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from faena.scoring.desired import Endpoint

_ANYTHING: dict[str, Any] = {"type": "object", "example": {"data": [0]}}
_ERROR = "An error; the body says which."


def swagger(endpoint: Endpoint, description: Mapping[str, Any]) -> dict[str, Any]:
    """Swagger 2, as v1's servers give it."""
    taken, given = _schemas(description)
    described: dict[str, Any] = {
        "swagger": "2.0",
        "info": _info(endpoint),
        "schemes": ["https" if endpoint.tls else "http"],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "paths": {
            "/": {
                "get": {
                    "operationId": "ServiceHealthCheck",
                    "description": "Simple health check endpoint to ensure the service is up at any given point.",
                    "responses": {"200": {"description": "It is.", "schema": {"type": "string"}}},
                }
            },
            "/score": {
                "post": {
                    "operationId": "RunMLService",
                    "description": f"Run the web service's model {endpoint.name} and get its answer.",
                    "parameters": [
                        {
                            "name": "serviceInputPayload",
                            "in": "body",
                            "schema": {"$ref": "#/definitions/ServiceInput"},
                        }
                    ],
                    "responses": {
                        "200": {
                            "description": "The answer.",
                            "schema": {"$ref": "#/definitions/ServiceOutput"},
                        },
                        "default": {"description": _ERROR, "schema": {"$ref": "#/definitions/ErrorResponse"}},
                    },
                }
            },
        },
        "definitions": {"ServiceInput": taken, "ServiceOutput": given, "ErrorResponse": _error()},
    }
    if endpoint.keys is not None:
        bearer = {"type": "apiKey", "name": "Authorization", "in": "header", "description": "Bearer KEY"}
        described["securityDefinitions"] = {"Bearer": bearer}
        described["security"] = [{"Bearer": []}]
    return described


def openapi(endpoint: Endpoint, description: Mapping[str, Any]) -> dict[str, Any]:
    """OpenAPI 3, of all protocols."""
    taken, given = _schemas(description)
    tensors = {"type": "object", "required": ["inputs"], "properties": {"inputs": {"type": "array"}}}
    model = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    described: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": _info(endpoint),
        "paths": {
            "/score": {"post": _posted("score", "Have the scoring script's run() answer.", taken, given)},
            "/invocations": {
                "post": _posted("invocations", "MLflow's protocol.", {"type": "object"}, {"type": "object"})
            },
            "/v2/models/{name}/infer": {
                "parameters": [model],
                "post": _posted("infer", "Open Inference Protocol v2.", tensors, {"type": "object"}),
            },
            "/v2/models/{name}": {"parameters": [model], "get": _looked_at("model", "The model's tensors.")},
            "/": {"get": _looked_at("health", "200 while requests are answered.")},
            "/ping": {"get": _looked_at("ping", "200 while requests are answered.")},
            "/v2/health/ready": {"get": _looked_at("ready", "200 while requests are answered.")},
            "/v2/health/live": {"get": _looked_at("live", "200 while the front runs.")},
            "/metrics": {"get": _looked_at("metrics", "Counts, in the form that Prometheus reads.")},
        },
        "components": {"schemas": {"Error": _error()}},
    }
    if endpoint.keys is not None:
        described["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
        described["security"] = [{"bearer": []}]
    return described


def _schemas(description: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return description.get("input") or _ANYTHING, description.get("output") or {}


def _info(endpoint: Endpoint) -> dict[str, str]:
    newest = max(each.id for each in endpoint.revisions)
    return {"title": endpoint.name, "description": f"The endpoint {endpoint.name}.", "version": str(newest)}


def _error() -> dict[str, Any]:
    return {"type": "object", "properties": {"message": {"type": "string"}}}


def _posted(name: str, what: str, taken: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    failed = {"description": _ERROR, "content": _content({"$ref": "#/components/schemas/Error"})}
    return {
        "operationId": name,
        "summary": what,
        "requestBody": {"required": True, "content": _content(taken)},
        "responses": {"200": {"description": "The answer.", "content": _content(given)}, "default": failed},
    }


def _looked_at(name: str, what: str) -> dict[str, Any]:
    return {"operationId": name, "summary": what, "responses": {"200": {"description": what}}}


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
