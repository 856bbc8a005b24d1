"""What a model that needs no script is served with, where no run made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from faena import Environment, InferenceConfig
from faena.client.endpoints.kind_packages import check_options, environment_of, told_by_model
from faena.environments.schemas import EnvironmentRequest
from faena.kernel.errors import WebserviceException
from faena.models.schemas import LineageView, ModelFileView, ModelView

CONDA = "name: mlflow-env\nchannels: [conda-forge]\ndependencies:\n- python=3.10.2\n- pip\n- pip:\n  - mlflow==2.9.2\n"


def empty(kind: type[msgspec.Struct], **fields: Any) -> Any:
    required = dict.fromkeys(each.name for each in msgspec.structs.fields(kind) if each.required)
    return kind(**{**required, **fields})


def model(version: str = "", files: Mapping[str, str] | None = None, lineage: Any = None) -> Any:
    listed = [empty(ModelFileView, path=path, digest=text) for path, text in (files or {}).items()]
    return SimpleNamespace(
        view=empty(
            ModelView, id="m:1", properties={}, framework_version=version, files=listed, lineage=lineage
        )
    )


class Session:
    """Its objects are called as what they hold."""

    @property
    def api(self) -> Any:
        return self

    def download_object(self, digest: str, target: Path) -> None:
        target.write_text(digest)


def asked(kind: Any, given: Any) -> EnvironmentRequest:
    found = environment_of(Session(), InferenceConfig.of_kind(kind, trust=True), [given])  # type: ignore[arg-type]  # stands for a model
    assert found is not None
    return found.request()


@pytest.mark.parametrize(
    ("kind", "version", "package"),
    [
        ("sklearn", "1.3.2", "scikit-learn==1.3.2"),
        ("sklearn", "", "scikit-learn"),
        ("chainer", "7.8.1", "chainer==7.8.1"),
        ("onnx", "1.3", "onnxruntime"),
    ],
)
def test_the_package_that_loads_it(
    kind: str, version: str, package: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(kind, model(version)).packages == (package,)
    assert f"no run made m:1: it is served with {package}" in capsys.readouterr().out


def test_a_run_of_mlflows_client_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    files = {"m/MLmodel": "", "m/conda.yaml": CONDA}
    asked("mlflow", model(files=files, lineage=empty(LineageView, lock=None)))
    assert "the run that made m:1 had no environment of Faena's" in capsys.readouterr().out


def test_what_mlflow_wrote_beside_it() -> None:
    both = {"m/MLmodel": "", "m/conda.yaml": CONDA, "m/requirements.txt": "numpy==1.26.4\n"}
    found = asked("mlflow", model(files=both))
    assert found.packages == ("mlflow==2.9.2",)
    assert found.python is not None or "python=3.10.2" in found.conda_packages
    only = {"MLmodel": "", "requirements.txt": "numpy==1.26.4\n", "data/conda.yaml": CONDA}
    assert asked("mlflow", model(files=only)).packages == ("numpy==1.26.4", "mlflow")
    assert asked("mlflow", model(files={"MLmodel": ""})).packages == ("mlflow",)


def test_what_is_chosen_and_what_a_run_had_come_first() -> None:
    chosen = Environment("mine")
    config = InferenceConfig.of_kind("onnx", environment=chosen)
    assert environment_of(Session(), config, [model()]) is chosen  # type: ignore[arg-type]  # as above
    of_run = model(lineage=empty(LineageView, lock="5" * 64))
    assert environment_of(Session(), InferenceConfig.of_kind("onnx"), [of_run]) is None  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize("kind", ["sklearn", "mlflow"])
@pytest.mark.parametrize("options", [{}, {"trust": False}])
def test_what_is_a_pickle_takes_a_word_for_it_before_anything_is_built(
    kind: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(
        WebserviceException, match=rf"of_kind\('{kind}', trust=True\); at the command line --trust"
    ):
        check_options(InferenceConfig.of_kind(kind, **options))
    check_options(InferenceConfig.of_kind(kind, trust=True))


@pytest.mark.parametrize("link", [None, "", "net"])
def test_a_chainer_model_takes_its_class_before_anything_is_built(link: str | None) -> None:
    with pytest.raises(WebserviceException, match="at the command line --link module:Class"):
        check_options(InferenceConfig.of_kind("chainer", link=link))
    check_options(InferenceConfig.of_kind("chainer", link="net:Net"))
    linked = model()
    linked.view = msgspec.structs.replace(linked.view, properties={"link": "nets:Net"})
    assert told_by_model(InferenceConfig.of_kind("chainer", link=link), [linked]).options["link"] == (
        link or "nets:Net"
    )
    assert told_by_model(InferenceConfig.of_kind("onnx"), [linked]).options == {}
