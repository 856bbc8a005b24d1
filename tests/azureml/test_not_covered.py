"""Names of v1 that are not covered: importable where notebooks import them at the top, and clear when used."""

from __future__ import annotations

import importlib

import pytest
from azureml.core import Datastore, Run, Webservice
from azureml.core.compute import RemoteCompute
from azureml.core.model import Model
from azureml.core.webservice import AksEndpoint
from azureml.exceptions import AzureMLException

from faena_azureml import NotCovered
from faena_azureml.not_covered import entry_of, not_covered


@pytest.mark.parametrize(
    ("use", "named"),
    [
        (lambda: AksEndpoint.create_version(), "azureml.core.webservice.AksEndpoint.create_version"),
        (lambda: Webservice.deploy_local_model(), "azureml.core.webservice.Webservice.deploy_local_model"),
        (lambda: Model.profile(None, "x", []), "azureml.core.model.Model.profile"),
        (lambda: RemoteCompute.attach_configuration(), "azureml.core.compute.RemoteCompute"),
    ],
)
def test_using_one_says_what_it_is_and_what_to_do(use: object, named: str) -> None:
    with pytest.raises(NotCovered, match=r"is not covered: .*\. It is not planned\. ") as raised:
        use()  # type: ignore[operator]  # what is wrong is meant
    error = raised.value
    assert (
        error.message == f"{error.subject} is not covered: {error.what}. It is not planned. {error.instead}"
    )
    assert error.subject.startswith(named) and error.planned == ""
    assert isinstance(raised.value, AzureMLException)


@pytest.mark.parametrize(
    "module",
    [
        "azureml.pipeline.core",
        "azureml.train.automl",
        "azureml.contrib.x",
        "azureml.core.databricks",
        "azureml._restclient.snapshots_client",
    ],
)
def test_a_module_of_another_service_is_refused_as_an_import_error(module: str) -> None:
    with pytest.raises(ImportError, match="not covered") as raised:
        importlib.import_module(module)
    assert isinstance(raised.value, NotCovered)


@pytest.mark.parametrize(
    ("use", "planned"),
    [
        (lambda: Datastore.register_azure_blob_container(None, "x"), "shared server"),
        (lambda: Run.add_type_provider(None, None), ""),
    ],
)
def test_one_that_is_planned_says_for_when(use: object, planned: str) -> None:
    with pytest.raises(NotCovered) as raised:
        use()  # type: ignore[operator]  # as above
    error = raised.value
    assert planned in error.planned
    plan = f"It is planned for {error.planned}." if planned else "It is not planned."
    assert error.message == f"{error.subject} is not covered: {error.what}. {plan} {error.instead}"
    assert error.instead[0].isupper() and error.instead.endswith(".")


def test_each_line_says_what_it_is_and_what_to_do() -> None:
    for name in ("azureml.pipeline", "azureml.core.profile"):
        entry = entry_of(name)
        assert (
            entry is not None and entry.what and not entry.what.endswith(".") and entry.instead.endswith(".")
        )


def test_probing_behaves_as_with_any_module_and_class() -> None:
    core = importlib.import_module("azureml.core")
    assert not hasattr(core, "nothing_of_the_kind")
    assert not hasattr(core, "__wrapped__")
    assert not hasattr(AksEndpoint, "_ipython_canary_method_should_not_exist_")
    assert core.__path__
    assert "Workspace" in dir(core)
    assert not isinstance(3, AksEndpoint)
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        exec("from azureml.core import Nothing")
    with pytest.raises(ModuleNotFoundError, match=r"azureml\.nothing"):
        importlib.import_module("azureml.nothing")


def test_a_name_has_the_line_of_the_longest_name_it_begins_with() -> None:
    general, own = (
        entry_of("azureml.core.compute.DsvmCompute.create"),
        entry_of("azureml.core.compute.RemoteCompute"),
    )
    assert general is not None and general.name == "azureml.core.compute"
    assert own is not None and own.name == "azureml.core.compute.RemoteCompute"
    assert "docs/coverage.md" in not_covered("azureml.unheard").message
