"""A run among its relatives: the one that started it, and those that it starts."""

from __future__ import annotations

import os
from time import time

from faena.script import values
from faena.script.known import ANSWER_S
from faena.script.named import NamedRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Mapping, Sequence

MOST_CHILDREN = 100
"""That one call of `create_children` starts; v1's limit."""


class FamilyRun(NamedRun):
    """Children are runs of the same experiment; the process that starts them writes and ends them."""

    __slots__ = ()

    def _start(self, children: Sequence[dict[str, Any]]) -> Sequence[FamilyRun]:
        """Starts children, each with `id`, `name`, `outputs` (an absolute path or "") and `tags`."""
        raise NotImplementedError

    @property
    def parent(self) -> Any:
        """The run that this one is a child of; None for most."""
        parent = self._known()["parent"]
        return None if parent is None else self._other({"id": parent})

    def get_children(
        self,
        recursive: bool = False,
        tags: Any = None,
        properties: Any = None,
        type: str | None = None,  # noqa: A002  v1's word
        status: str | None = None,
        _rehydrate_runs: bool = True,
    ) -> Iterator[Any]:
        """Its children, newest first, fetched in pages as they are asked for; with `recursive` theirs too.

        `tags` and `properties`: "key", or {"key": "value"}; several must all be there. `status`: those that are in
        this state now. Raises UserErrorException for a state that there is not.
        """
        wanted = {
            "parent": self.id,
            "recursive": bool(recursive),
            "tags": values.wanted_marks(tags, "tags"),
            "properties": values.wanted_marks(properties, "properties"),
            "type": type,
            "status": status,
        }
        return (self._other(row) for row in listed_rows(self._ask, wanted))

    def child_run(
        self,
        name: str | None = None,
        run_id: str | None = None,
        outputs: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Starts a child, which is `Running` until `complete()`, `fail()` or the end of this process.

        As a context manager it ends with its block. `outputs`: a folder whose files it keeps when it ends, made where
        it is missing; default: none. Raises UserErrorException for a name or id that cannot be one, Conflict for an
        id that is taken.
        """
        folder = "" if outputs is None else made_folder(outputs)
        return self._start([self._child(name=name, run_id=run_id, outputs=folder)])[0]

    def create_children(
        self, count: int | None = None, tag_key: str | None = None, tag_values: Sequence[Any] | None = None
    ) -> list[Any]:
        """Starts `count` children at once, or one for each of `tag_values`, which gets it as the tag `tag_key`.

        Raises UserErrorException for more than 100, and unless either `count` or both others are given.
        """
        labels = _labels(count, tag_key, tag_values)
        return list(self._start([self._child(tags=values.marks(tags, "tag")) for tags in labels]))

    def submit_child(self, config: Any, tags: Mapping[str, str] | None = None, **overrides: Any) -> Any:
        """Submits an estimator or a ScriptRunConfig as a child of this run; returns at once, as `Experiment.submit`."""
        return self.experiment.submit(config, tags=tags, parent=self.id, **overrides)  # type: ignore[attr-defined]  # each kind of run has one

    def _child(
        self,
        name: str | None = None,
        run_id: str | None = None,
        outputs: str = "",
        tags: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        made = "{}_{}_{}".format(self.id[:280].rpartition("_")[0] or "run", int(time()), os.urandom(4).hex())
        return {"id": run_id or made, "name": name, "outputs": outputs, "tags": tags or {}}


def _labels(count: Any, tag_key: Any, tag_values: Any) -> list[dict[Any, str]]:
    """The tags of each child."""
    if (tag_key is None) != (tag_values is None) or (count is None and tag_values is None):
        raise values.refuse("Give create_children either count, or tag_key and tag_values.")
    number = count if tag_values is None else len(tag_values)
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MOST_CHILDREN:
        raise values.refuse(
            "{!r} children cannot be created at once. Use a whole number from 1 to {}.".format(
                number, MOST_CHILDREN
            )
        )
    if count not in (None, number):
        raise values.refuse("count is {!r}, and there are {} tag_values.".format(count, number))
    return (
        [{} for _ in range(number)] if tag_values is None else [{tag_key: str(each)} for each in tag_values]
    )


def made_folder(path: str | os.PathLike[str]) -> str:
    """The absolute path of a folder, made where it is missing. Raises UserErrorException where it cannot be."""
    folder = os.path.abspath(os.path.expanduser(os.fspath(path)))
    try:
        os.makedirs(folder, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL
        raise values.refuse(
            "outputs is {!r}, which cannot be a folder: {}.".format(folder[:300], error)
        ) from None
    return folder


class Root(FamilyRun):
    """The run that this process belongs to, through which all others are asked."""

    __slots__ = ()

    def start_below(self, parent: str, children: Sequence[dict[str, Any]]) -> Sequence[FamilyRun]:
        """Starts children of any run."""
        raise NotImplementedError


def listed_rows(
    ask: Callable[[str, dict[str, Any], float], Any], wanted: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The rows of a list of runs, newest first, a page after the other."""
    while True:
        page = ask("list_runs", wanted, ANSWER_S)
        for row in page["runs"]:
            yield row
        if page["next"] is None:
            return
        wanted = dict(wanted, after=page["next"])
