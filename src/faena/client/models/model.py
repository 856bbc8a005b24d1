"""Model: a registered version of files that a run made, or that lay on this machine."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from faena.client.models import finding, registration
from faena.client.models.known_model import KnownModel
from faena.client.wire import texts
from faena.client.workspaces.session import Session, checked, user
from faena.kernel.errors import UserErrorException, WebserviceException
from faena.models.schemas import DatasetUse, ModelChange
from faena.script import models as script
from faena.script.downloads import targets
from faena.script.messages import tell
from faena.script.registering import dataset_uses

if TYPE_CHECKING:
    from faena.client.endpoints.configuration import DeploymentConfiguration
    from faena.client.endpoints.inference_config import InferenceConfig
    from faena.client.endpoints.webservice import LocalWebservice
    from faena.client.packaging.model_package import ModelPackage


class Model(KnownModel):
    """A version of a registered model, the latest of those that match; `id` is `name:version`.

    `name@alias`, or `alias`: the version that the alias means now; the handle stays with it when the alias moves.
    `tags` and `properties`: a list of `key` and `[key, value]`. Raises ModelNotFoundException when there is none.
    """

    class Framework:
        """Words for `model_framework`; any other word will do."""

        CHAINER = "Chainer"
        CUSTOM = "Custom"
        ONNX = "Onnx"
        PYTORCH = "PyTorch"
        SCIKITLEARN = "ScikitLearn"
        TENSORFLOW = "TensorFlow"

    def __init__(
        self,
        workspace: Session,
        name: str | None = None,
        id: str | None = None,  # noqa: A002  v1 calls it so
        tags: Any = None,
        properties: Any = None,
        version: int | None = None,
        run_id: str | None = None,
        model_framework: str | None = None,
        *,
        alias: str | None = None,
    ) -> None:
        self.workspace = checked(workspace)
        self._view = finding.one(
            self.workspace,
            name,
            id,
            alias,
            version,
            tags=tags,
            properties=properties,
            run_id=run_id,
            framework=model_framework,
        )

    @classmethod
    def register(
        cls,
        workspace: Session,
        model_path: str | os.PathLike[str],
        model_name: str,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str | None = None,
        datasets: Iterable[Any] | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        child_paths: Sequence[str | os.PathLike[str]] | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
        *,
        request_id: str | None = None,
    ) -> Self:
        """Give a file or folder of this machine the next version of `model_name`; the files stay where they are.

        `child_paths`: these files and folders of the folder only. `datasets`: pairs such as `("training", dataset)`,
        kept as lineage, as the two samples are. `resource_configuration` has no effect until models are deployed.
        The same `request_id` again gives the same version. When it fails, nothing is registered.

        Raises WebserviceException for a path that is missing (naming what is there), for a folder without files, for
        links that leave the folder, FIFOs and what cannot be read, and for a bad name.
        """
        checked(workspace)
        tell(f"Registering model {model_name}")
        view = registration.of_path(
            workspace,
            model_path,
            model_name,
            child_paths,
            tags=tags,
            properties=properties,
            description=description,
            framework=model_framework,
            framework_version=model_framework_version,
            datasets=registration.with_samples(datasets, sample_input_dataset, sample_output_dataset),
            request_id=request_id,
        )
        return cls.of_view(workspace, view)

    @classmethod
    def list(
        cls,
        workspace: Session,
        name: str | None = None,
        tags: Any = None,
        properties: Any = None,
        run_id: str | None = None,
        latest: bool = False,
        dataset_id: str | None = None,
        expand: bool = True,
        page_count: int = 255,
        model_framework: str | None = None,
    ) -> builtins.list[Self]:
        """Those that match everything given, by name, the latest version first. `name@alias`: what it means now.

        `tags` and `properties`: a list of `key` and `[key, value]`. `latest`: of each name only the latest that
        matches. `dataset_id`: made with that dataset. `expand` and `page_count` have no meaning here: all of each is
        read at once.
        """
        views = finding.several(
            checked(workspace),
            name,
            latest=latest,
            dataset_id=dataset_id,
            tags=tags,
            properties=properties,
            run_id=run_id,
            framework=model_framework,
        )
        return [cls.of_view(workspace, view) for view in views]

    @staticmethod
    def deploy(
        workspace: Session,
        name: str,
        models: Iterable[KnownModel],
        inference_config: InferenceConfig | None = None,
        deployment_config: DeploymentConfiguration | None = None,
        deployment_target: Any = None,
        overwrite: bool = False,
        show_output: bool = False,
    ) -> LocalWebservice:
        """Have models answer over HTTP under a name; returns at once: see `wait_for_deployment`.

        `inference_config`: its script; None for a model of a known kind, which needs none: `InferenceConfig.of_kind`.
        `overwrite`: an endpoint of that name gets a new revision, without losing a request. `show_output`: wait, and
        print what goes on. `deployment_target`: a JoinedCluster, or its name, on a machine of which it is to answer;
        None: on the server's host.

        Raises WebserviceException for a bad name, one that is taken, and what cannot be deployed.
        """
        from faena.client.endpoints.deploying import deploy  # few deploy
        from faena.client.endpoints.webservice import LocalWebservice

        onto: Any = "any" if overwrite else "new"
        session = checked(workspace)
        view = deploy(
            session, name, models, inference_config, deployment_config, onto=onto, target=deployment_target
        )
        service = LocalWebservice.of_view(session, view)
        if show_output:
            service.wait_for_deployment(show_output=True)
        return service

    @staticmethod
    def package(
        workspace: Session,
        models: Iterable[KnownModel],
        inference_config: InferenceConfig | None = None,
        generate_dockerfile: bool = False,
        image_name: str | None = None,
        image_label: str | None = None,
        *,
        deployment_config: DeploymentConfiguration | None = None,
    ) -> ModelPackage:
        """Models with their script and environment: `.save(folder)` writes a folder that serves them anywhere.

        `.pull()` builds an image of it where docker, podman or buildah works. `generate_dockerfile` has no meaning
        here: a Dockerfile is always in the folder. `deployment_config`: its workers, batches, limits and sample.

        Raises WebserviceException for what cannot be deployed.
        """
        from faena.client.packaging.model_package import ModelPackage  # few package

        return ModelPackage(
            checked(workspace),
            models,
            inference_config,
            deployment_config,
            name=image_name,
            label=image_label,
        )

    @staticmethod
    def get_model_path(
        model_name: str, version: int | str | None = None, _workspace: Session | None = None
    ) -> str:
        """The model's file or folder on this machine; `name@alias`: the version that it means, else the latest.

        With a workspace, and inside a run, it is brought to `azureml-models/<name>/<version>/` under the working
        directory, read-only. Else it is looked for there, then as `./<name>`.

        Raises ModelNotFoundException, naming where it was looked for.
        """
        if _workspace is None:
            return script.get_model_path(model_name, version)
        found = Model(_workspace, script.check_name(model_name), version=script.check_version(version))
        folder = str(Path.cwd() / script.CACHE)
        return script.place(folder, found.name, found.version, lambda target: found._copy_into(Path(target)))

    def update(
        self,
        tags: Mapping[str, Any] | None = None,
        description: str | None = None,
        sample_input_dataset: Any = None,
        sample_output_dataset: Any = None,
        resource_configuration: Any = None,
    ) -> None:
        """Put `tags`, `description` and the samples in the place of those that it has; None leaves them.

        `resource_configuration` has no effect until models are deployed.
        """
        kept = None if tags is None else texts(tags, "tags")
        samples = registration.with_samples(None, sample_input_dataset, sample_output_dataset)
        self._change(ModelChange(tags=kept, description=description, datasets=_uses(samples)))

    def set_alias(self, alias: str) -> None:
        """Have `name@alias` mean this version from now on, and no other, in one step.

        Raises WebserviceException for what cannot be an alias, ModelNotFoundException for a version that is gone.
        """
        self._view = self.workspace.api.models.set_alias(self.name, str(alias), self.version)

    def remove_alias(self, alias: str) -> None:
        """Take the alias from this version; silent where it does not mean it."""
        self.workspace.api.models.remove_alias(self.name, str(alias), self.version)
        self._view = self.workspace.api.models.get(self.name, self.version)

    def set_stage(self, stage: str | None, *, archive_others: bool = False) -> None:
        """Put this version into `Staging`, `Production` or `Archived`; None: into none of these.

        Several versions of a model may be in one stage. `archive_others`: those that are in it go to `Archived`.
        Raises WebserviceException for another word.
        """
        wanted = "" if stage is None else str(stage)
        self._view = self.workspace.api.models.set_stage(
            self.name, self.version, wanted, archive_others=archive_others
        )

    def add_dataset_references(self, datasets: Iterable[Any]) -> None:
        """Add datasets to its lineage: pairs such as `("training", dataset)`; one that is there changes nothing."""
        self._change(ModelChange(add_datasets=_uses(datasets)))

    def add_tags(self, tags: Mapping[str, Any]) -> None:
        """Add tags; one of a key that is there is replaced."""
        self.update_tags_properties(add_tags=tags)

    def remove_tags(self, tags: str | Iterable[str]) -> None:
        """Remove the tags of these keys; silent about those that are not there."""
        self.update_tags_properties(remove_tags=tags)

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Add properties. They never change: Raises Conflict for one that has another value."""
        self.update_tags_properties(add_properties=properties)

    def update_tags_properties(
        self,
        add_tags: Mapping[str, Any] | None = None,
        remove_tags: str | Iterable[str] | None = None,
        add_properties: Mapping[str, Any] | None = None,
    ) -> None:
        """All three at once, or none when one is refused."""
        keys = (remove_tags,) if isinstance(remove_tags, str) else tuple(remove_tags or ())
        self._change(
            ModelChange(
                add_tags=texts(add_tags, "add_tags"),
                remove_tags=tuple(str(key) for key in keys),
                add_properties=texts(add_properties, "add_properties"),
            )
        )

    def delete(self) -> None:
        """Forget this version. Its number is never given out again; runs keep the files that they made."""
        self.workspace.api.models.delete(self.name, self.version, user())

    def download(
        self,
        target_dir: str | os.PathLike[str] = ".",
        exist_ok: bool = False,
        exists_ok: bool | None = None,
    ) -> str:
        """Copy the model into `target_dir`; the path of its file, or of its folder. `exists_ok`: the same, older.

        Raises WebserviceException when a file is there already, unless `exist_ok`, and when one cannot be written.
        """
        self._check_files()
        folder = Path(target_dir).expanduser()
        for file in self._view.files:
            target = folder / file.path
            if os.path.lexists(target) and not (exist_ok or exists_ok):
                raise WebserviceException(f"{target} exists already. Use exist_ok=True to replace it.")
        try:
            targets([file.path for file in self._view.files], folder, None)
            self._copy_into(folder)
        except UserErrorException as error:
            raise WebserviceException(f"The model {self.id} cannot be downloaded: {error.message}") from error
        tops = {file.path.partition("/")[0] for file in self._view.files}
        return str(folder / tops.pop() if len(tops) == 1 else folder)

    @classmethod
    def deserialize(cls, workspace: Session, model_payload: Mapping[str, Any]) -> Self:
        """The version that `serialize` described, as it is now. Raises UserErrorException, ModelNotFoundException."""
        try:
            return cls(workspace, id=str(model_payload["id"]))
        except (KeyError, TypeError) as error:
            raise UserErrorException(
                f"{str(model_payload)[:80]!r} describes no model: it has no id. Use what serialize() gives."
            ) from error

    def _check_files(self) -> None:
        if not self._view.files:
            raise WebserviceException(
                f"The model {self.id} has no files here: it was registered as {self._view.source[:300]!r}. "
                "Get them there."
            )

    def _copy_into(self, folder: Path) -> None:
        self._check_files()
        files = self._view.files
        self.workspace.api.download_objects([(each.digest, each.size, folder / each.path) for each in files])

    def _change(self, wanted: ModelChange) -> None:
        self._view = self.workspace.api.models.change(self.name, self.version, wanted)


def _uses(datasets: Iterable[Any]) -> tuple[DatasetUse, ...]:
    return tuple(DatasetUse(**use) for use in dataset_uses(datasets))
