"""People of a shared server, their tokens, and whom experiments are shared with: `ws.people`."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any

from faena.client.wire import shown
from faena.client.workspaces.opened import OpenedWorkspace
from faena.kernel.errors import UserErrorException
from faena.people.schemas import AuditEntry, Me, PersonView, Sharing, SharingChange, TokenIn, TokenView


class People:
    """Who may do what at a shared server. What the role of whoever asks does not allow raises NotAllowed.

    Roles are 'reader', 'contributor' and 'owner' (docs/server.md). Times are microseconds since 1970, UTC.
    """

    def __init__(self, workspace: OpenedWorkspace) -> None:
        self._api = workspace.api.people

    def me(self) -> Me:
        """Who asks, and their role. `name` is empty on the server's own host."""
        return self._api.me()

    def list(self) -> builtins.list[PersonView]:
        """All of them, by name, with their roles and when they were last seen."""
        return self._api.all()

    def add(self, name: str, role: str = "contributor") -> None:
        """Let somebody in, or give them another role. For owners.

        Raises UserErrorException for what is no name or role, and Conflict where no owner would be left.
        """
        self._api.put(_text(name, "The name of a person"), _text(role, "A role"))

    def remove(self, name: str) -> None:
        """Let somebody in no more: their tokens and browsers end at once, their runs stay. For owners.

        Raises NotFound, and Conflict where no owner would be left.
        """
        self._api.remove(_text(name, "The name of a person"))

    def tokens(self, of: str | None = None) -> builtins.list[TokenView]:
        """Somebody's tokens, without themselves. `of`: whose, for owners; default: yours. Raises UserErrorException."""
        return self._api.tokens(self._whose(of))

    def new_token(
        self, of: str | None = None, *, label: str = "", days: float | None = 90, role: str | None = None
    ) -> TokenView:
        """A new token: its `token` is told this once, and nothing that shows it by chance shows that.

        `of`: whose, for owners; default: yours. `label`: what it is for. `days`: for which it is good; None: until it
        is revoked. `role`: where it may do less than its person. Raises UserErrorException and NotFound.
        """
        if days is not None and (isinstance(days, bool) or not isinstance(days, (int, float))):
            raise UserErrorException(
                f"days is {shown(days)}. Use a number, or None for one that does not end."
            )
        asked = TokenIn(_text(label, "The label of a token"), days, _text(role or "", "A role"))
        return self._api.new_token(self._whose(of), asked)

    def revoke_token(self, token_id: str, of: str | None = None) -> None:
        """End the token with this id, at once. `of`: whose it is, for owners; default: yours. Raises NotFound."""
        self._api.revoke(self._whose(of), _text(token_id, "The id of a token"))

    def sharing(self, experiment: str) -> Sharing:
        """Whose an experiment is, whether it is private, and whom it is shared with. Raises NotFound."""
        return self._api.sharing(_text(experiment, "The name of an experiment"))

    def share(
        self,
        experiment: str,
        people: Mapping[str, str] | None = None,
        *,
        without: Iterable[str] = (),
        private: bool | None = None,
        owner: str | None = None,
    ) -> Sharing:
        """Say who sees an experiment, as `Experiment.share` does.

        `people`: 'reader' or 'contributor' by person. `without`: with whom it is shared no more. `private`: whether it
        is there for nobody else, but for owners of the workspace; None: as it is. `owner`: whose it is from then on.
        Raises NotFound, NotAllowed and UserErrorException.
        """
        if isinstance(without, str):
            raise UserErrorException(f"without is {shown(without)}. Use a list of people: [{without!r}].")
        change = SharingChange(private, dict(people or {}), [*without], owner)
        return self._api.share(_text(experiment, "The name of an experiment"), change)

    def audit_log(
        self, person: str | None = None, *, before: int | None = None, limit: int = 100
    ) -> builtins.list[AuditEntry]:
        """Who changed what, the latest first. For owners.

        `before`: the `number` of the last entry of the page before. `limit`: entries at most, 1 to 1000.
        """
        return self._api.audit_log(person, before, limit)

    def _whose(self, of: str | None) -> str:
        if of:
            return _text(of, "The name of a person")
        me = self._api.me()
        if not me.name:
            raise UserErrorException("Nobody is logged in here: say whose token by --of NAME (of='NAME').")
        return me.name


def _text(given: Any, what: str) -> str:
    if not isinstance(given, str):
        raise UserErrorException(f"{what} is text, not {shown(given)}.")
    return given
