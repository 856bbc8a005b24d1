"""Small objects that a run hands out: its experiment, the model it registered."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Mapping


class Experiment:
    """The experiment of the run: `name`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return "Experiment(Name: {})".format(self.name)

    @property
    def workspace(self) -> Any:
        """Raises OutsideRun: a workspace is opened by Faena itself, which a training script need not have."""
        from faena.script.errors import OutsideRun

        raise OutsideRun(
            "A script has no workspace of its own. Use run.register_model, run.get_metrics and run.upload_file, or "
            "add faena to pip_packages and use faena.Workspace."
        )


class RegisteredModel:
    """What `Run.register_model` made: `name`, `version` (1, 2, …), `id` (`name:version`), `details` (as answered)."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.name = str(answer["name"])
        self.version = int(answer["version"])
        self.id = "{}:{}".format(self.name, self.version)
        self.details = dict(answer)

    def __repr__(self) -> str:
        return "Model(name={!r}, version={})".format(self.name, self.version)
