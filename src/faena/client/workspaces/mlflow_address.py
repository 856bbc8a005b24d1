"""Where MLflow's clients of this process log into a workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from faena.kernel import settings
from faena.kernel.addresses import Url
from faena.kernel.durable import write_atomically
from faena.kernel.errors import NoFolder
from faena.kernel.remote_server import certificate_of
from faena.script.rpc import RunnerClient

if TYPE_CHECKING:
    from faena.client.workspaces.session import Session

_OURS = "FAENA_MLFLOW_URI"
"""Says that MLFLOW_TRACKING_URI is Faena's: what a run is then not given with all other variables."""
_LONGEST = 60.0


def address_of(workspace: Session) -> str:
    """In a run of the workspace, what its script logs lands in the run; elsewhere the server stays for its clients.

    Sets what MLflow's client reads besides. Raises FaenaError on a node elsewhere.
    """
    if own := _of_this_run(workspace):
        return own
    found = variables(workspace)
    if "FAENA_RUN_ID" in os.environ:
        found.pop(_OURS)
    url = found.pop("MLFLOW_TRACKING_URI")
    os.environ.update(found)
    return url


def variables(workspace: Session) -> dict[str, str]:
    """What MLflow's clients need in their environment. A server in a folder stays for them from now on.

    At a URL they show the token that this workspace was opened with, and trust the certificate that it names, of which
    a file is kept in Faena's home folder. Raises FaenaError.
    """
    address = workspace.address
    if not isinstance(address, Url):
        door = workspace.api.gateway.open_to_programs()
        return {"MLFLOW_TRACKING_URI": door.url, "MLFLOW_TRACKING_TOKEN": door.token, _OURS: door.url}
    trusted = address.ca
    if address.pinned:
        trusted = settings.home() / "certificates" / f"{address.pinned}.pem"
        trusted.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(trusted, certificate_of(address).encode())
    url = workspace.url
    found = {"MLFLOW_TRACKING_URI": url, "MLFLOW_TRACKING_TOKEN": address.token, _OURS: url}
    if trusted is not None:
        found["MLFLOW_TRACKING_SERVER_CERT_PATH"] = str(trusted.absolute())
    return found


def _of_this_run(workspace: Session) -> str:
    """Empty where there is none, and where the run shall have nothing to do with it."""
    folder, socket = os.environ.get("FAENA_WORKSPACE_FOLDER"), os.environ.get("FAENA_SOCKET")
    is_off = os.environ.get("FAENA_MLFLOW", "").lower() in ("off", "0", "no", "false")
    if not folder or not socket or is_off:
        return ""
    try:
        is_its = Path(folder).resolve() == workspace.files.path.resolve()
    except NoFolder:  # it is reached at an address
        is_its = False
    if not is_its:
        return ""
    if given := os.environ.get(_OURS):  # once MLflow was imported, or by a process that started this one
        return given
    runner = RunnerClient(socket)
    try:
        found = runner.call("open_mlflow", {}, timeout=_LONGEST)
    finally:
        runner.close()
    os.environ[_OURS] = found["url"]
    os.environ["MLFLOW_TRACKING_TOKEN"] = found["token"]
    os.environ["MLFLOW_RUN_ID"] = os.environ["FAENA_RUN_ID"]
    return str(found["url"])
