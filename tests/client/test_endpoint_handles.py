"""Handles of endpoints without a server: what is refused before one is asked, what is sent, what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pandas
import pytest

from faena.client.endpoints import asking
from faena.client.endpoints.configuration import DeploymentConfiguration
from faena.client.endpoints.deploying import checked_models
from faena.client.endpoints.updating import configuration_of
from faena.client.endpoints.webservice import LocalWebservice
from faena.endpoints.schemas import EndpointChange, EndpointView, FailureView, Settings
from faena.kernel.errors import NotFound, UserErrorException, WebserviceException
from faena.script import messages
from faena_azureml.deploying.configurations import AciDeployment, AksDeployment
from faena_azureml.deploying.services import AciWebservice


def empty(kind: type[msgspec.Struct], **fields: Any) -> Any:
    required = dict.fromkeys(each.name for each in msgspec.structs.fields(kind) if each.required)
    return kind(**{**required, **fields})


def view(**fields: Any) -> EndpointView:
    known = {
        "name": "digits",
        "state": "Healthy",
        "version": 1,
        "revision": 2,
        "traffic": {"1": 100},
        "revisions": [],
    }
    found: EndpointView = empty(
        EndpointView, **{**known, "is_settled": True, "settings": Settings(), **fields}
    )
    return found


class Endpoints:
    """Of a server: remembers what it was asked to change."""

    def __init__(self) -> None:
        self.changes: list[EndpointChange] = []

    def change(self, name: str, wanted: EndpointChange) -> EndpointView:
        self.changes.append(wanted)
        return view()

    def delete(self, name: str) -> None:
        pass

    def changed(self, name: str, after: int, wait: float) -> EndpointView:
        raise NotFound(f"{name} is not there.")


def handle(kind: type[LocalWebservice] = LocalWebservice, **fields: Any) -> Any:
    session: Any = SimpleNamespace(api=SimpleNamespace(endpoints=Endpoints()), url="https://faena.example")
    return kind.of_view(session, view(**fields))


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_told", set())


def test_what_has_no_meaning_is_taken_and_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    service = handle()
    service.update(enable_app_insights=True)
    service.update(enable_app_insights=False)
    assert service.workspace.api.endpoints.changes == []
    told = "faena: enable_app_insights belongs to Azure's services and has no effect: this machine serves.\n"
    assert capsys.readouterr().err == told
    service.update(cpu_cores=1, memory_gb=2)
    assert "cpu_cores, memory_gb belong to Azure's services and have no effect" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["num_replicas", "autoscale_min_replicas", "workers"])
def test_workers_are_of_a_revision(name: str) -> None:
    with pytest.raises(WebserviceException, match=r"^workers cannot change without a new revision"):
        handle().update(**{name: 2})
    found = configuration_of({name: 2})
    assert found is not None and found.workers == {"count": 2}


def test_a_certificate_is_of_a_revision_and_called_as_it_is_given() -> None:
    with pytest.raises(WebserviceException, match=r"^ssl_cert_pem_file cannot change"):
        handle().update(ssl_cert_pem_file="c.pem", ssl_key_pem_file="k.pem")


@pytest.mark.parametrize("given", [float("inf"), float("nan"), "much"])
def test_memory_that_is_no_number_is_named(given: Any) -> None:
    with pytest.raises(WebserviceException, match="max_memory_gb is "):
        LocalWebservice.deploy_configuration(max_memory_gb=given)


def test_one_origin_may_be_given_as_text() -> None:
    given = LocalWebservice.deploy_configuration(cors_origins="http://a.test")
    assert given.settings["cors_origins"] == ("http://a.test",)


def test_settings_are_changed_by_their_names() -> None:
    service = handle()
    service.update(
        scoring_timeout_ms=1500, deployment_config=DeploymentConfiguration(max_queue=7, timeout_seconds=9)
    )
    (changed,) = service.workspace.api.endpoints.changes
    assert (changed.limits.queue, changed.limits.timeout_seconds) == (7, 1.5)


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(WebserviceException, match=r"^update\(\) has no parameter 'modells'"):
        handle().update(modells=[])
    with pytest.raises(WebserviceException, match=r"inference_config, tags or auth_enabled\.$"):
        handle().update()


WRONG: list[tuple[Callable[[Any], object], str]] = [
    (lambda service: service.set_traffic([90, 10]), r"set_traffic was given \[90, 10\].*\{1: 90, 2: 10\}"),
    (lambda service: service.set_traffic(1), r"set_traffic was given 1\."),
    (lambda service: service.rollback("first"), r"revision is 'first'\. Use a whole number"),
    (lambda service: service.get_logs("all"), r"num_lines is 'all'\."),
    (lambda service: service.get_requests(1.5), r"limit is 1\.5\."),
    (lambda service: service.remove_tags(3), r"tags is 3\."),
    (lambda service: service.add_tags(["area"]), r"tags is .*Use a dict"),
    (lambda service: service.update(deployment_config={"port": 1}), r"deployment_config is \{'port': 1\}"),
    (lambda service: service.update(scoring_timeout_ms="5"), r"scoring_timeout_ms is '5'\. Use a number"),
    (lambda service: service.wait_for_deployment(timeout_sec="5"), r"timeout_sec is '5'\. Use a number"),
    (lambda service: checked_models(3), r"models is 3\. Use a list"),  # type: ignore[arg-type]  # wrong on purpose
]


@pytest.mark.parametrize(("ask", "refused"), WRONG)
def test_what_is_of_another_type_is_named(ask: Callable[[Any], object], refused: str) -> None:
    with pytest.raises(UserErrorException, match=refused):
        ask(handle())


GIVEN = [
    ({"data": np.array([[1, 2], [3, 4]])}, {"data": [[1, 2], [3, 4]]}),
    ({"data": [np.float32(0.5), np.int64(3), np.bool_(True)]}, {"data": [0.5, 3, True]}),
    (np.array([1.0, 2.0]), [1.0, 2.0]),
    (
        {"data": pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})},
        {"data": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]},
    ),
    ({"data": pandas.Series([0.1, 0.2])}, {"data": [0.1, 0.2]}),
    (
        {"at": pandas.DataFrame({"day": [pandas.Timestamp(2020, 1, 2)]})},
        {"at": [{"day": "2020-01-02T00:00:00"}]},
    ),
    ({"text": b"words"}, {"text": "words"}),
]


@pytest.mark.parametrize(("given", "sent"), GIVEN, ids=str)
def test_arrays_and_frames_are_sent_as_lists(given: Any, sent: Any) -> None:
    body, kind = asking._body(given)
    assert (json.loads(body), kind) == (sent, "application/json")


def test_text_and_bytes_are_sent_as_they_are() -> None:
    assert asking._body('{"a": 1}') == (b'{"a": 1}', "application/json")
    assert asking._body(b"\x00\xff") == (b"\x00\xff", "application/octet-stream")


@pytest.mark.parametrize("given", [{"data": object()}, {"data": 1j}, {("a", "b"): 1}, {"data": b"\xff"}])
def test_what_json_cannot_hold_is_named(given: Any) -> None:
    with pytest.raises(WebserviceException, match=r"^input_data, of the type dict, cannot be sent as JSON: "):
        asking._body(given)


def test_a_revision_that_failed_over_a_good_one() -> None:
    error = FailureView("init() failed")
    with pytest.raises(WebserviceException) as failed:
        handle(error=error).wait_for_deployment()
    said = str(failed.value)
    assert (
        "init() failed\nRevision 2 did not take over: revision 1, deployed before, goes on answering." in said
    )
    assert "`faena logs digits`" in said
    with pytest.raises(WebserviceException) as failed:
        handle(error=error, revision=3, traffic={"1": 90, "2": 10}).wait_for_deployment()
    assert "revisions 1 and 2, deployed before, go on answering" in str(failed.value)
    with pytest.raises(WebserviceException) as failed:
        handle(error=error, state="Failed", revision=1, traffic={}).wait_for_deployment()
    assert "take over" not in str(failed.value)


def test_what_was_deleted_says_so() -> None:
    service = handle()
    service.delete()
    assert service.state == "Deleted"
    assert "state='Deleted'" in repr(service)


def test_a_notebook_shows_the_page() -> None:
    shown = handle(scoring_uri="http://localhost:1/score")._repr_html_()
    assert 'href="https://faena.example/ui/endpoints/digits"' in shown and "http://localhost:1/score" in shown


def test_at_a_server_elsewhere_the_address_is_one_that_leads_there() -> None:
    uri = "http://localhost:1/score"
    assert (
        handle(scoring_uri=uri, settings=Settings(host="0.0.0.0")).scoring_uri
        == "http://faena.example:1/score"
    )
    service = handle(scoring_uri=uri, settings=Settings(auth_enabled=False))
    assert service.scoring_uri == uri
    with pytest.raises(
        WebserviceException, match=r"of the server's own host, where nobody elsewhere reaches it"
    ):
        service.run("1")


def test_configurations_say_what_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    made = AksDeployment(num_replicas=2, scoring_timeout_ms=500, enable_app_insights=True)
    assert repr(made) == "AksDeployment(auth_enabled=True, workers=2, timeout_seconds=0.5)"
    assert "enable_app_insights belongs to" in capsys.readouterr().err
    assert repr(DeploymentConfiguration(max_memory_gb=1)) == "DeploymentConfiguration(max_memory_gb=1.0)"
    assert AciDeployment(cpu_cores=1).enable_app_insights is None
    service = handle(AciWebservice)  # type: ignore[arg-type]  # has what a local one has
    assert (service.enable_app_insights, service.ssl_enabled, service.location) == (False, False, None)
