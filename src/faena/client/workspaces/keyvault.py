"""Keyvault: the secrets of a workspace, for its scripts to ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from faena.client.workspaces.session import Session
from faena.kernel.errors import NotFound, UserErrorException


class Keyvault:
    """Passwords, keys and tokens by name. They lie encrypted in the workspace, their key in the user's state folder.

    Backups and exported runs do not hold them. A script gets one by `Run.get_context().get_secret(name)`.
    """

    def __init__(self, workspace: Session) -> None:
        self._workspace = workspace

    def set_secret(self, name: str, value: str) -> None:
        """Add a secret, or replace it. Raises UserErrorException for a name or value that cannot be one."""
        self.set_secrets({name: value})

    def set_secrets(self, secrets_batch: Mapping[str, str]) -> None:
        """Add or replace several, all or none."""
        if not isinstance(secrets_batch, Mapping):
            raise UserErrorException("secrets_batch is no dict. Use {'name': 'value'}.")
        for name, value in secrets_batch.items():
            if not isinstance(name, str) or not isinstance(value, str):  # the value is not shown
                raise UserErrorException(f"The secret {str(name)[:80]!r} is not text under a name of text.")
        self._workspace.api.secrets.put(dict(secrets_batch))

    def get_secret(self, name: str) -> str:
        """Raises NotFound when there is none of that name."""
        found = self.get_secrets([name])[name]
        if found is None:
            raise NotFound(
                f"There is no secret {name[:80]!r}. `faena secret list` lists those that there are."
            )
        return found

    def get_secrets(self, secrets: Iterable[str]) -> dict[str, str | None]:
        """By name; None for one that is not there."""
        if isinstance(secrets, str):
            raise UserErrorException(f"secrets is {secrets[:80]!r}. Use a list of names.")
        return self._workspace.api.secrets.get(list(secrets))

    def list_secrets(self) -> list[str]:
        """Names only."""
        return self._workspace.api.secrets.names()

    def get_secret_content_type(self, name: str) -> str | None:
        """`text/plain`: secrets are texts. None where there is none of that name."""
        return "text/plain" if name in self.list_secrets() else None

    def delete_secret(self, name: str) -> None:
        """Silent when there is none of that name."""
        self.delete_secrets([name])

    def delete_secrets(self, secrets: Iterable[str]) -> None:
        """Silent about those that are not there."""
        if isinstance(secrets, str):
            raise UserErrorException(f"secrets is {secrets[:80]!r}. Use a list of names.")
        self._workspace.api.secrets.delete(list(secrets))

    def __repr__(self) -> str:
        return f"Keyvault(workspace={self._workspace!r})"
