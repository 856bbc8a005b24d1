"""A run as the server knows it: what is asked about it and kept with it, over the runner's socket."""

from __future__ import annotations

from faena.script import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Mapping, Sequence

ANSWER_S = 60.0
"""Seconds that the runner may take to answer a question."""
TRANSFER_S = 3600.0
"""Seconds that it may take to store a file or to register a model."""


class KnownRun:
    """What can be asked of any run, this process's own or another one. `id` names it."""

    __slots__ = ("id",)

    def __init__(self, run_id: str) -> None:
        self.id = run_id

    def _ask(self, verb: str, arguments: dict[str, Any], timeout: float = ANSWER_S) -> Any:
        """The runner's answer. Raises the error that it answers with."""
        raise NotImplementedError

    @property
    def number(self) -> int:
        """Its place among the runs of its experiment, from 1."""
        return int(self._known()["number"])

    @property
    def name(self) -> str | None:
        """The name that it was given when it was started; None for a submitted run."""
        name = self._known().get("name")
        return None if name is None else str(name)

    @property
    def status(self) -> str:
        return self.get_status()

    @property
    def tags(self) -> dict[str, str]:
        return self.get_tags()

    @property
    def properties(self) -> dict[str, str]:
        return self.get_properties()

    def tag(self, key: str, value: Any = None) -> None:
        """Sets a tag; what is not a str becomes one, with a warning."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Sets several tags, or changes them."""
        self._ask("set_tags", {"tags": values.marks(tags, "tag")})

    def remove_tags(self, tags: str | Iterable[str]) -> None:
        """Removes the tags of these keys; silent about those that are not there."""
        keys = [tags] if isinstance(tags, str) else [str(key) for key in tags]
        self._ask("remove_tags", {"keys": keys})

    def get_secret(self, name: str) -> str:
        """A secret of the workspace. Raises NotFound when there is none of that name."""
        found = self.get_secrets([name])[name]
        if found is None:
            from faena.script.errors import NotFound

            raise NotFound("There is no secret {!r}. Set it with `faena secret set`.".format(str(name)[:80]))
        return found

    def get_secrets(self, secrets: Sequence[str]) -> dict[str, str | None]:
        """Secrets of the workspace by name; None for one that is not there."""
        if isinstance(secrets, str):
            raise values.refuse("secrets is {!r}. Use a list of names.".format(secrets[:80]))
        found: dict[str, str | None] = self._ask("get_secrets", {"names": [str(name) for name in secrets]})
        return found

    def get_status(self) -> str:
        """Its state, `Running` while the script is."""
        return str(self._known()["status"])

    def get_tags(self) -> dict[str, str]:
        """Its tags as they are now."""
        return dict(self._known()["tags"])

    def get_properties(self) -> dict[str, str]:
        """The properties that were added to it, and what is known of its source: snapshot, git commit and branch."""
        return dict(self.get_details()["properties"])

    def add_properties(self, properties: Mapping[str, Any]) -> None:
        """Adds properties, all or none; what is not a str becomes one, with a warning.

        Raises Conflict naming a property that has another value already: properties never change.
        """
        self._ask("add_properties", {"properties": values.marks(properties, "property")})

    def get_details(self) -> dict[str, Any]:
        """The run in v1's keys: runId, status, target, startTimeUtc, properties, runDefinition, logFiles, …"""
        found: dict[str, Any] = self._ask("get_details", {})
        return found

    def get_metrics(
        self,
        name: str | None = None,
        recursive: bool = False,
        run_type: str | None = None,
        populate: bool = False,
        run_ids: Sequence[str] | None = None,
        use_batch: bool = False,
    ) -> dict[str, Any]:
        """What was logged so far, by name; only `name` when given.

        `recursive`: `{run id: metrics}` of the run and all runs below it, those of `run_type` only when given.
        `populate`: the contents of confusion matrices and their kin in place of their addresses. `run_ids`:
        `{run id: metrics}` of these runs. `use_batch` has no meaning here.
        """
        checked = None if name is None else values.check_name(name)
        if run_ids is not None:
            others = [(run_id, self._other({"id": str(run_id)})) for run_id in run_ids]
            return {run_id: run.get_metrics(checked, populate=populate) for run_id, run in others}
        asked = {"name": checked, "recursive": recursive, "run_type": run_type, "populate": populate}
        found: dict[str, Any] = self._ask("get_metrics", asked)
        return found

    def get_lock(self) -> dict[str, Any]:
        """What the run's environment held: interpreter, exact versions and their hashes."""
        found: dict[str, Any] = self._ask("get_environment", {})
        return found

    def get_environment(self) -> Any:
        """As `get_lock`; a handle outside of a script gives an Environment."""
        return self.get_lock()

    def _known(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("get_run", {})
        return found

    def _other(self, row: Mapping[str, Any]) -> KnownRun:
        """The handle of another run, of which at least the `id` is known."""
        raise NotImplementedError
