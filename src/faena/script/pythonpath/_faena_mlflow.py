"""MLflow in a run: what a script logs with it lands in the run itself.

Once something imports MLflow, the runner is asked for an address and a token that is good for this run alone; nobody
else pays for it. `FAENA_MLFLOW=off`, or a MLFLOW_TRACKING_URI that was given, turns it off.
"""

from __future__ import annotations

import functools
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

SETTING = "FAENA_MLFLOW"
_OFF = ("off", "0", "no", "false")
_ADDRESS = "MLFLOW_TRACKING_URI"
_RUN = "MLFLOW_RUN_ID"
_OURS = "FAENA_MLFLOW_URI"
"""The address that Faena gave, in this process or in one that started it."""
_LONGEST = 60.0
_given: Dict[str, str] = {}
"""What MLflow's client reads, as it was set here."""
_put_away: Dict[str, str] = {}
"""Of it, what is not for the server that the script chose itself."""


def change(module: Any) -> None:
    """Called with modules of MLflow's, each once it is imported."""
    if hasattr(module, "set_tracking_uri"):
        begin()
        module.set_tracking_uri = _followed(module.set_tracking_uri)
    if module.__name__ == "mlflow.tracking.fluent":
        module.start_run = _following(module.start_run)
        module._get_or_start_run = _own_one_first(module._get_or_start_run)
    registry = getattr(module, "_artifact_repository_registry", None)
    if registry is not None and "mlflow-artifacts" not in registry._registry:  # before MLflow 1.23
        import _faena_mlflow_artifacts

        registry.register("mlflow-artifacts", _faena_mlflow_artifacts.Repository)


def begin() -> None:
    """Give this process what MLflow's client needs. MLflow reads it when it is used: an import may come before."""
    socket = os.environ.get("FAENA_SOCKET")
    if not socket or "FAENA_RUN_ID" not in os.environ or os.environ.get(SETTING, "").lower() in _OFF:
        return
    address = os.environ.get(_ADDRESS)
    if not address:
        _ask(socket)
    elif address == os.environ.get(
        _OURS
    ):  # of the process that started this one, and may have used up the run's id
        _give({_RUN: os.environ["FAENA_RUN_ID"]})


def _ask(socket: str) -> None:
    from urllib.parse import urlsplit

    from faena.script.errors import FaenaError
    from faena.script.rpc import RunnerClient

    runner = RunnerClient(socket)
    try:
        found = runner.call("open_mlflow", {}, timeout=_LONGEST)
    except FaenaError as error:
        _tell(str(error))
        return
    finally:
        runner.close()
    os.environ[_OURS] = found["url"]
    _reach_without_proxy(urlsplit(found["url"]).hostname or "")
    _give({_ADDRESS: found["url"], "MLFLOW_TRACKING_TOKEN": found["token"], _RUN: os.environ["FAENA_RUN_ID"]})
    if "MLFLOW_EXPERIMENT_NAME" not in os.environ:
        _give({"MLFLOW_EXPERIMENT_ID": found["experiment_id"]})


def _reach_without_proxy(host: str) -> None:
    """Libraries ask a proxy of this machine's network for what is on this machine, too, unless they are told."""
    if any(name.lower() in ("http_proxy", "all_proxy") and value for name, value in os.environ.items()):
        for name in ("NO_PROXY", "no_proxy"):
            told = [each.strip() for each in os.environ.get(name, "").split(",")]
            if host not in told and "*" not in told:
                os.environ[name] = ",".join([each for each in told if each] + [host])


def _give(variables: Dict[str, str]) -> None:
    for name, value in variables.items():
        if os.environ.setdefault(name, value) == value:
            _given[name] = value


def _followed(whole: Any) -> Any:
    """`set_tracking_uri`: what names this run is of no use to another server, and the token none of its business."""

    @functools.wraps(whole)
    def set_tracking_uri(*arguments: Any, **named: Any) -> Any:
        whole(*arguments, **named)
        _follow()

    return set_tracking_uri


def _following(whole: Any) -> Any:
    """`start_run`: the address may have been changed as a variable."""

    @functools.wraps(whole)
    def start_run(*arguments: Any, **named: Any) -> Any:
        _follow()
        return whole(*arguments, **named)

    return start_run


def _own_one_first(whole: Any) -> Any:
    """`_get_or_start_run`: what is logged while no run is active is the run's own, also after one was ended."""

    @functools.wraps(whole)
    def get_or_start_run(*arguments: Any, **named: Any) -> Any:
        _follow()
        is_needed = _RUN in _given and _RUN not in _put_away and _RUN not in os.environ
        if is_needed:
            os.environ[_RUN] = _given[_RUN]
        try:
            return whole(*arguments, **named)
        finally:
            if is_needed:
                os.environ.pop(_RUN, None)

    return get_or_start_run


def _follow() -> None:
    if not _given:
        return
    utils = sys.modules.get("mlflow.tracking._tracking_service.utils") or sys.modules["mlflow.tracking.utils"]
    if utils.get_tracking_uri() == os.environ.get(_OURS):
        os.environ.update(_put_away)
        _put_away.clear()
        return
    for name, value in _given.items():
        if name != _ADDRESS and os.environ.get(name) == value:
            _put_away[name] = os.environ.pop(name)


def _tell(why: str) -> None:
    from _faena_dead_data import is_first

    message = "what MLflow logs here does not come into the run: {} {}=off says no more of it.".format(
        why, SETTING
    )
    if is_first("mlflow"):
        sys.stderr.write("faena: {}\n".format(message))
        sys.stderr.flush()
