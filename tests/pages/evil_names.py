"""Whatever people can give a name, called what nobody should: asked for as people ask, by the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from tests.mlflow import otlp
from tests.people.shared import Caller
from tests.server.house import Answer

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}</td></textarea></title>"
NAMES = {
    "markup": MARKUP,
    "turned": "safe\u202egpj.exe\u2066\u2067tail",
    "controls": "a\x00b\x1b[31mred\x07\x08\x7f\x9bc",
    "lines": "one\r\ntwo\nthree\tfour",
    "long": "W" * 10_000,
    "words": "many words " * 900,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈 Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢",
    "header": 'a"; filename="b.html\r\nSet-Cookie: a=b',
    "address": "javascript:alert(3)//%2e%2e/..;/?a#b&c=d",
    "formula": '=HYPERLINK("https://evil.example","x")',
    "arabic": "تجربة التدريب",
}
MLFLOW = "/api/2.0/mlflow"


@dataclass
class Given:
    """Who asked for what, and what came of it."""

    caller: Caller
    taken: list[str] = field(default_factory=list)
    """`field: name` of what was taken."""
    failed: list[str] = field(default_factory=list)

    def ask(self, what: str, verb: str, path: str, body: Any = None, **headers: str) -> Answer:
        answer = self.caller.ask(verb, path, body, **headers)
        if answer.status < 300:
            self.taken.append(what)
        elif answer.status >= 500:
            self.failed.append(f"{what}: {verb} {path[:200]}: {answer.status} {answer.text[:300]}")
        return answer


def give_all(caller: Caller) -> Given:
    given = Given(caller)
    for number, (kind, name) in enumerate(NAMES.items()):
        for field_name, verb, path, body in _asked(caller, kind, name, number):
            given.ask(f"{field_name}: {kind}", verb, path, body, **{"x-mlflow-experiment-id": "0"})
    return given


def _asked(caller: Caller, kind: str, name: str, number: int) -> Iterator[tuple[str, str, str, Any]]:
    """Field, and the request that gives it the name; names that are to be of one kind are cut to what may be."""
    short, spelled = name[:250], quote(name[:250], safe="")
    yield "experiment", "PUT", f"/experiments?{urlencode({'name': short})}", None
    yield "experiment's tag", "PATCH", "/experiments?name=evil", {"add_tags": {short: name}}
    made = caller.ask("POST", f"{MLFLOW}/runs/create", {"experiment_id": "0", "run_name": name})
    if made.status != 200:
        made = caller.ask("POST", f"{MLFLOW}/runs/create", {"experiment_id": "0", "run_name": kind})
    info = made.json["run"]["info"]
    run, place = info["run_id"], info["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/")
    files = f"/api/2.0/mlflow-artifacts/artifacts/{place}"
    yield "run", "PATCH", f"/runs/{run}", {"name": name}
    yield "note", "PATCH", f"/runs/{run}", {"description": f"# {name}\n\n[{name}]({name})\n\n`{name}`"}
    yield "tag", "PUT", f"/runs/{run}/tags", {name: name}
    yield "short tag", "PUT", f"/runs/{run}/tags", {short: name}
    yield "property", "PUT", f"/runs/{run}/properties", {short: name}
    yield "comment", "POST", f"/runs/{run}/comments", {"text": name}
    yield (
        "parameter",
        "POST",
        f"{MLFLOW}/runs/log-parameter",
        {"run_id": run, "key": short, "value": name[:6000]},
    )
    for step in range(3):
        point = {"run_id": run, "key": short, "value": step, "timestamp": step, "step": step}
        yield "metric", "POST", f"{MLFLOW}/runs/log-metric", point
    yield "text", "PUT", f"/runs/{run}/metrics/{spelled}", {"value": name}
    yield "file", "PUT", f"{files}/outputs/{quote(name[:120].replace('/', '_'), safe='')}.html", name.encode()
    yield "log", "PUT", f"{files}/logs/{number}.txt", f"{name}\n".encode() * 3
    yield "file with a plain name", "PUT", f"{files}/net/MLmodel", f"flavors: {{}}\nrun_id: {run}\n".encode()
    yield (
        "dataset",
        "PUT",
        f"/file-datasets/ds-{number:032}",
        {
            "sources": [{"datastore": "workspaceblobstore", "path": f"a/{short[:60]}"}],
            "name": short,
            "description": name,
            "tags": {short: name},
        },
    )
    yield (
        "environment",
        "PUT",
        f"/environments/{spelled}",
        {
            "request": {"packages": ["numpy"]},
            "environment_variables": {"NOTE": name[:4000]},
        },
    )
    yield "model", "POST", f"{MLFLOW}/registered-models/create", {"name": short, "description": name[:4000]}
    yield "version", "POST", f"{MLFLOW}/model-versions/create", {"name": "net", "source": f"runs:/{run}/net"}
    yield (
        "version of it",
        "POST",
        f"{MLFLOW}/model-versions/create",
        {"name": short, "source": f"runs:/{run}/net"},
    )
    yield "model's tag", "PATCH", "/models/net/versions/1", {"add_tags": {short: name}, "description": name}
    yield "alias", "PUT", f"/models/net/aliases/{spelled}", {"version": 1}
    yield "cluster", "PUT", f"/clusters/{spelled}", {"max_nodes": 1}
    yield "person", "PUT", f"/people/{spelled}", {"role": "reader"}
    yield "token", "POST", "/people/ada/tokens", {"label": name[:200]}
    yield "short token", "POST", "/people/ada/tokens", {"label": short[:60]}
    yield "view", "POST", "/views", {"name": short[:100], "query": urlencode({"filter": name[:500]})}
    yield "notice", "POST", "/notices/rules", {"mail": f"{short[:30]}@example.org"}
    yield "webhook", "POST", "/notices/rules", {"webhook": f"https://example.org/{spelled[:200]}"}
    yield "audited", "DELETE", f"/experiments?{urlencode({'name': name[:1000]})}", None
    span = otlp.span(
        name=name[:1000],
        traceId=f"{number + 1:032x}",
        attributes={"input.value": name, "output.value": name, short: name},
    )
    yield "span", "POST", "/v1/traces", json.dumps(otlp.request(span)).encode()
    trace = f"/traces/tr-{number + 1:032x}"
    yield "trace's tag", "PATCH", trace, {"add_tags": {short: name[:4000]}}
    yield (
        "assessment",
        "POST",
        f"{trace}/assessments",
        {"name": short, "value": name[:2000], "rationale": name[:2000]},
    )
    told = {"name": short, "experiment_ids": ["0"], "tags": json.dumps({short: name[:4000]})}
    found = caller.ask("POST", "/api/3.0/mlflow/datasets/create", told)
    if found.status == 200:
        record = {"inputs": {short: name}, "expectations": {short: name}, "tags": {short: short}}
        yield (
            "record",
            "POST",
            f"/api/3.0/mlflow/datasets/{found.json['dataset']['dataset_id']}/records",
            {"records": json.dumps([record])},
        )
    yield "retention", "PUT", f"/retention/{spelled}", {"keeps": "logs", "days": 30}
    yield "secret", "PUT", "/secrets", {short: name}
    yield "deletion", "POST", "/deletions", {"models": [short]}
