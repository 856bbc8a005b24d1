"""Waiting until what was deployed last answers."""

from __future__ import annotations

import time

from faena.client.endpoints.known_endpoint import KnownEndpoint
from faena.client.html.progress import Progress
from faena.client.wire import number
from faena.endpoints.schemas import EndpointView, FailureView
from faena.kernel.errors import NotFound, WebserviceException

_WAIT = 10.0
_SHOWN = 1.0
"""Seconds between two looks where a notebook shows how far it is."""


class AwaitedEndpoint(KnownEndpoint):
    """An endpoint that can be waited for."""

    def wait_for_deployment(self, show_output: bool = False, timeout_sec: float | None = None) -> None:
        """Wait until what was deployed last answers. `show_output`: print states and, where it fails, why.

        Raises WebserviceException, with the traceback of `init()`, where it fails or `timeout_sec` is over.
        """
        deadline = None if timeout_sec is None else time.monotonic() + number(timeout_sec, "timeout_sec")
        with Progress(f"Deploying {self.name}", is_wanted=not show_output) as progress:
            self._await(progress, deadline, timeout_sec, show_output=show_output)
            progress.end(self._view.state)
        operation = f'{self.compute_type} service creation operation finished, operation "%s"'
        if self._view.error is None and self._view.state == "Healthy":
            if show_output:
                print(f"\n{operation % 'Succeeded'}")
            return
        if show_output:
            print(f"\n{operation % 'Failed'}")
        raise WebserviceException(
            "Service deployment polling reached non-successful terminal state, current service state: "
            f"{self._view.state}\n{_told(self._view.error)}{_answering(self._view)}\nMore information can be found "
            f"using '.get_logs()', or with `faena logs {self.name}`."
        )

    def _await(
        self, progress: Progress, deadline: float | None, timeout: float | None, *, show_output: bool
    ) -> None:
        shown = ""
        while not self._view.is_settled:
            progress.at(said=self._view.state)
            if show_output and self._view.state != shown:
                print(self._view.state, end="", flush=True)
                shown = self._view.state
            most = _SHOWN if progress.is_possible else _WAIT
            left = most if deadline is None else min(most, deadline - time.monotonic())
            if left <= 0:
                raise WebserviceException(
                    f"{self.name} is {self._view.state} after {timeout:g} seconds. Wait again, or look at its "
                    f"logs: `faena logs -f {self.name}`."
                )
            self._view = self._changed(left)
            if show_output:
                print(".", end="", flush=True)

    def _changed(self, wait: float) -> EndpointView:
        try:
            return self.workspace.api.endpoints.changed(self.name, self._view.version, wait)
        except NotFound as error:
            raise WebserviceException(f"{self.name} was deleted meanwhile.") from error


def _answering(view: EndpointView) -> str:
    """Which revisions go on, where that which was deployed last is none of them."""
    before = sorted(int(number) for number, weight in view.traffic.items() if weight)
    if not before or view.revision in before:
        return ""
    named = f"revision{'s' if len(before) > 1 else ''} {' and '.join(map(str, before))}"
    goes = f"go{'' if len(before) > 1 else 'es'} on answering"
    if view.state != "Healthy":
        return f"\nRevision {view.revision} did not take over from {named}."
    return f"\nRevision {view.revision} did not take over: {named}, deployed before, {goes}."


def _told(failure: FailureView | None) -> str:
    if failure is None:
        return "Nothing says why."
    return "\n".join(part for part in (failure.message, failure.traceback.rstrip()) if part)
