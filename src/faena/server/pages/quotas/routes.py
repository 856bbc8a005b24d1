"""HTTP of the page of quotas."""

from __future__ import annotations

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.response import Redirect
from msgspec import Struct

from faena.db import Database, Read
from faena.kernel import sizes
from faena.kernel.clock import Clock
from faena.kernel.errors import UserErrorException
from faena.kernel.rights import OWN, READ
from faena.runs.months import month_of, shown
from faena.runs.quotas import service
from faena.runs.quotas.schemas import QuotaChange, QuotaView
from faena.server.bodies import TypedRequest
from faena.server.pages import forms
from faena.server.pages.browser_rights import QUOTA_ACTIONS
from faena.server.pages.rendering import page, render
from faena.server.pages.words import number
from faena.workspaces.model import WorkspaceFolder

PATH = "/ui/quotas"


class Cell(Struct, frozen=True):
    text: str
    is_full: bool
    own: str
    """The quota's own limit, as a form has it; empty: none."""


class Row(Struct, frozen=True):
    view: QuotaView
    title: str
    cells: dict[str, Cell]

    @property
    def has_own(self) -> bool:
        return any(cell.own for cell in self.cells.values())


@get("/quotas", summary="Page: who may use how much, and what they use", opt=READ)
async def quotas(database: Database, clock: Clock, folder: WorkspaceFolder, done: str = "") -> Response[str]:
    def build(read: Read) -> str:
        now = clock.now()
        return render(
            "quotas.html",
            rows=[_row(view) for view in service.listed(read, now)],
            month=shown(month_of(now)),
            limits=service.LIMITS,
            done=forms.DONE.get(done, ""),
            workspace=folder.name,
            place=folder.path.parent,
            here="people",
        )

    return page(await database.read(build))


@post(
    "/quotas/do/{action:str}",
    summary="Set all limits of a person, an experiment or everybody; what is empty limits nothing",
    request_max_body_size=forms.MOST_BYTES,
    opt=OWN,
)
async def do(action: str, request: TypedRequest, database: Database, clock: Clock) -> Redirect:
    fields = await forms.fields_of(request, action, QUOTA_ACTIONS, "quotas")
    wanted = asked(fields)
    await database.write(lambda write: service.change(write, wanted, clock.now()))
    return forms.go_on(PATH, action)


def asked(fields: Mapping[str, str]) -> QuotaChange:
    """Raises UserErrorException."""
    given = {name: fields.get(name, "").strip() for name in service.LIMITS}
    limits = {name: _number(name, text) for name, text in given.items() if text}
    lifted = [name for name, text in given.items() if not text]
    kind, name = fields.get("kind", ""), fields.get("name", "").strip()
    match kind:
        case "person":
            return QuotaChange(limits, lifted, person=name)
        case "experiment":
            return QuotaChange(limits, lifted, experiment=name)
        case "everybody":
            return QuotaChange(limits, lifted, everybody=True)
    raise UserErrorException(f"{kind[:80]!a} has no quota. Use person, experiment or everybody.")


def _number(name: str, text: str) -> float:
    try:
        return float(sizes.parsed(text)) if name == "bytes" else float(text)
    except ValueError as error:
        why = str(error) if name == "bytes" else f"{text[:40]!r} is no number."
        raise UserErrorException(f"{name}: {why}") from None


def _row(view: QuotaView) -> Row:
    title = view.name or "Everybody"
    return Row(view, title, {name: _cell(view, name) for name in service.LIMITS})


def _cell(view: QuotaView, name: str) -> Cell:
    limit, used = getattr(view.applies, name), getattr(view.used, name)
    own = getattr(view.limits, name)
    most = "no limit" if limit is None else _shown(name, limit)
    between = ", " if limit is None else " of "
    text = most if used is None else f"{_shown(name, used)}{between}{most}"
    is_full = limit is not None and used is not None and used >= limit
    return Cell(text, is_full, "" if own is None else _written(name, own))


def _shown(name: str, value: float) -> str:
    return sizes.shown(int(value)) if name == "bytes" else number(value)


def _written(name: str, value: float) -> str:
    """So that it is the same when it is sent again."""
    if name != "bytes":
        return f"{value:.10g}"
    short = sizes.shown(int(value))
    return short if sizes.parsed(short) == value else str(int(value))


handlers = [quotas, do]
