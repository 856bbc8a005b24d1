"""What somebody may do with a run on its page, and the form of each, which says what it does before it is done."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from faena.compute import store as clusters
from faena.db import Read
from faena.kernel import ids
from faena.kernel.rights import Right
from faena.runs import service
from faena.runs.schemas import RunView
from faena.server.pages.browser_rights import ACTIONS
from faena.server.pages.permissions import may
from faena.server.pages.rendering import run_address
from faena.server.pages.run.again import can_be_had_again, has_checkpoint
from faena.server.pages.words import size, when
from faena.tidying.schemas import DeletionView
from faena.tracking import files as run_files

_NAMED = 3
_MOST_PATHS = 200


class Field(Struct, frozen=True):
    name: str
    label: str = ""
    value: str = ""
    options: tuple[str, ...] = ()
    """To choose from; for a text field, what is proposed."""
    kind: str = "text"
    """text, select, checkbox or hidden"""


class Asked(Struct, frozen=True):
    """A form about one action."""

    action: str
    title: str
    button: str
    says: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    is_grave: bool = False


class Offer(Struct, frozen=True):
    """A link to such a form."""

    label: str
    address: str


def address(run_id: str, action: str) -> str:
    assert action in ACTIONS, action
    return f"{run_address(run_id)}/do/{action}"


def right_of_action(action: str) -> Right:
    return Right.OWN if action == "delete" else Right.CONTRIBUTE


def offers(run: RunView, *, can_cancel: bool, is_sweep: bool = False) -> list[Offer]:
    """What the top of the page offers; a sweep's form says that of its trials."""
    found = {"cancel": f"Cancel {'sweep' if is_sweep else 'run'}"} if can_cancel else {}
    if can_be_had_again(run):
        found["rerun"] = "Run again"
    if not is_sweep:
        found["register"] = "Register model"
    if run.ended_at is not None:
        found |= {"archive": "Archive"} if run.archived_at is None else {"unarchive": "Unarchive"}
        found["delete"] = "Delete"
    return [
        Offer(label, address(run.id, action))
        for action, label in found.items()
        if may(right_of_action(action))
    ]


def cancel(*, is_sweep: bool) -> Asked:
    says = "Those of its trials that run are stopped, too. " if is_sweep else ""
    what = "sweep" if is_sweep else "run"
    return Asked("cancel", f"Stop this {what}?", f"Stop the {what}", (f"{says}What was written is kept.",))


def rerun(read: Read, run: RunView) -> Asked:
    names = [each.name for each in clusters.list_clusters(read)]
    has = has_checkpoint(read, service.get(read, run.id))
    goes_on = Field("checkpoint", "Go on from its checkpoint", "yes", kind="checkbox")
    return Asked(
        "rerun",
        "Run it again?",
        "Run again",
        ("A new run of the same code, packages, data, arguments and variables.",),
        (
            Field("new", value=ids.new_run_id(run.experiment), kind="hidden"),
            Field("cluster", "Cluster", run.cluster, tuple(names), "select"),
            *([goes_on] if has else []),
        ),
    )


def register(read: Read, run: RunView) -> Asked:
    names = [each.name for each in run_files.files(read, run.id)]
    folders = dict.fromkeys(name.rpartition("/")[0] for name in names if "/" in name)
    paths = [name for name in [*folders, *names] if not name.startswith(("azureml-logs", "logs"))]
    proposed = next((each for each in ("outputs/model", "outputs", *paths) if each in paths), "")
    return Asked(
        "register",
        "Register a model",
        "Register",
        ("A file of the run, or a folder of them. A name that exists gets another version.",),
        (
            Field("request", value=ids.new_id("page"), kind="hidden"),
            Field("name", "Name"),
            Field("path", "Path", proposed, tuple(paths[:_MOST_PATHS])),
            Field("description", "Description"),
        ),
    )


def archive(run: RunView) -> Asked:
    if run.archived_at is None:
        return Asked("archive", "Archive this run?", "Archive", ("Lists leave it out. Nothing is removed.",))
    return Asked("unarchive", "Bring this run back among the others?", "Unarchive")


def delete(would: DeletionView) -> Asked:
    """`would`: what a deletion says that changes nothing."""
    readers = ", ".join(would.given_to[:_NAMED]) + (", …" if len(would.given_to) > _NAMED else "")
    given_to = (f"Its files were given to other runs, which cannot be run again without them: {readers}.",)
    return Asked(
        "delete",
        "Delete this run?",
        "Delete",
        (
            f"What goes: {would.what}.",
            f"That frees {size(would.size)}, when it is collected. Until {when(would.until)} it can be undone.",
            *(given_to if readers else ()),
        ),
        is_grave=True,
    )


def given(fields: Mapping[str, str], name: str) -> str:
    return fields.get(name, "").strip()
