"""The build of an environment that was asked for without a run."""

from __future__ import annotations

from faena.client.html.progress import Progress
from faena.client.workspaces.session import Session
from faena.environments.schemas import BuildRequest, BuildView
from faena.kernel import ids
from faena.kernel.errors import EnvironmentBuildException
from faena.script.messages import tell

_WAIT = 10.0
"""Seconds that the server may hold a look at the build."""
_SHOWN = 1.0
"""Likewise, where a notebook shows how far it is."""
_LONGEST = 200
"""Characters of a line of the log that are shown."""
_PAUSE = 0.1


class EnvironmentBuild:
    """A build that has begun. It goes on when nobody waits for it. v1 calls it ImageBuildDetails."""

    def __init__(self, workspace: Session, asked: BuildRequest) -> None:
        self._workspace = workspace
        self._id = ids.new_request_id()
        self._view = workspace.api.start_build(self._id, asked)
        self._log = self._view.text

    @property
    def status(self) -> str:
        """`Running`, `Succeeded` or `Failed`."""
        if self._view.state == "running":
            self._look(0.0)
        return {"running": "Running", "ready": "Succeeded", "failed": "Failed"}[self._view.state]

    @property
    def log(self) -> str:
        """What the build said so far."""
        return self._log

    @property
    def digest(self) -> str:
        """Names the environment on this machine; empty until it is ready."""
        return self._view.digest

    @property
    def python(self) -> str:
        """Its interpreter; empty until it is ready."""
        return self._view.python

    def wait_for_completion(self, show_output: bool = True) -> BuildView:
        """Until it is ready; `show_output` prints the build's log as it comes.

        Raises EnvironmentBuildException with the cause when it failed.
        """
        if show_output:
            tell(self._log, end="")
        if show_output:
            while self._view.state == "running":
                tell(self._look(_PAUSE), end="")
        else:
            self._wait_in_silence()
        if self._view.state == "failed":
            raise EnvironmentBuildException(self._view.message)
        return self._view

    def _wait_in_silence(self) -> None:
        with Progress("Building the environment") as progress:
            while self._view.state == "running":
                self._look(_SHOWN if progress.is_possible else _WAIT)
                progress.at(said=self._log.rstrip().rpartition("\n")[2][-_LONGEST:])
            progress.end(self._view.state)

    def _look(self, wait: float) -> str:
        self._view = self._workspace.api.look_at_build(self._id, self._view.offset, wait)
        self._log += self._view.text
        return self._view.text
