"""`./serve` of a packaged model: makes its environments, starts its front, shows what it says, ends with it.

Standard library, Python 3.11 or newer: it runs before anything is installed, with `front` on the path.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from faena.scoring.packaged import environments
from faena.scoring.packaged.following import Logs

HERE = Path(__file__).resolve().parents[4]
"""The packaged model: this file is front/faena/scoring/packaged/start.py in it."""
_LOOK = 0.1
_DIES_WITH_PARENT = 1
_NOT_PASSED_ON = frozenset(
    (
        "FAENA_KEYS",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHOME",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "__PYVENV_LAUNCHER__",
    )
)


def main() -> int:
    os.environ.pop("PYTHONPATH", None)  # of this process alone
    asked = _arguments()
    described = json.loads((HERE / "package.json").read_text())
    state = Path(asked.state or HERE / "state").absolute()
    try:
        front = environments.ready(
            state / "front", [HERE / "front" / "requirements.txt"], os.path.realpath(sys.executable)
        )
        python = _model_python(asked, described, state)
    except (environments.NotMade, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if asked.prepare:
        return 0
    run = state / "run"
    (run / "logs").mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(run / "endpoint.json", _endpoint(asked, described, python, _keys(asked, state)))
    return _serve(front, run, described["name"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./serve", description="Serve the model in this folder over HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0: whoever reaches this machine may ask")
    parser.add_argument("--port", type=int, default=5001, help="0: one that is free (default: %(default)s)")
    parser.add_argument("--workers", type=int, help="processes that score (default: as packaged)")
    parser.add_argument("--no-auth", action="store_true", help="ask for no key")
    parser.add_argument("--python", help="the model's interpreter, used as it is")
    parser.add_argument(
        "--state", help="folder for environments, keys and logs (default: state, beside this)"
    )
    parser.add_argument("--prepare", action="store_true", help="make the environments, and serve nothing")
    return parser.parse_args()


def _model_python(asked: argparse.Namespace, described: dict[str, Any], state: Path) -> Path:
    if asked.python is not None:
        return Path(asked.python).absolute()
    if described["python"] is None:
        return Path(sys.executable)
    requirements = [HERE / "requirements.txt", HERE / "requirements-unhashed.txt"]
    constraints = HERE / "build-constraints.txt"
    return environments.ready(
        state / "model", requirements, described["python"], constraints if constraints.is_file() else None
    )


def _keys(asked: argparse.Namespace, state: Path) -> list[str] | None:
    """Those of FAENA_KEYS, with a comma between two; else of keys.json, which is made where it is not there."""
    if asked.no_auth:
        return None
    if given := os.environ.get("FAENA_KEYS"):
        return given.split(",")[:2]
    path = state / "keys.json"
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        found = {"primary": secrets.token_hex(24), "secondary": secrets.token_hex(24)}
        _write(path, found)
    return [found["primary"], found["secondary"]]


def _endpoint(
    asked: argparse.Namespace, described: dict[str, Any], python: Path, keys: list[str] | None
) -> dict[str, Any]:
    app = HERE / "app"
    models = described["models"]
    of_one = Path(*models[0]) if len(models) == 1 else Path()
    workers = asked.workers or described["workers"]["workers"]
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    revision = {
        **described["workers"],
        "id": 1,
        "python": str(python),
        "app": str(app),
        "entry": described["entry"],
        "kind": described["kind"],
        "options": described["options"],
        "model_dir": str(app / "azureml-models" / of_one),
        "variables": {**inherited, **described["variables"]},
        "workers": workers,
        "threads": described["workers"]["threads"] or max(1, len(os.sched_getaffinity(0)) // workers),
        "sample": described["sample"],
        "models": models,
    }
    return {
        "format": 1,
        "name": described["name"],
        "host": asked.host,
        "port": asked.port,
        "keys": keys,
        "limits": described["limits"],
        "revisions": [revision],
    }


def _write(path: Path, value: object) -> None:
    """Whole, and for its owner alone."""
    half = path.with_suffix(f".{os.getpid()}")
    with open(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123  with a mode
        json.dump(value, file)
    half.replace(path)


def _serve(front: Path, run: Path, name: str) -> int:
    logs = Logs(run / "logs")
    child = subprocess.Popen(
        [front, "-m", "faena.scoring", run],
        env={**os.environ, "PYTHONPATH": str(HERE / "front")},
        start_new_session=True,  # Ctrl-C comes here, and is passed on as SIGTERM: what was asked is answered
        preexec_fn=_die_with_parent,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: child.terminate())
    told = ""
    while child.poll() is None:
        logs.show()
        state, text = _said(run, child.pid, name)
        if state != told and text:
            print(text, flush=True)
        told = state
        if state == "Failed":
            child.terminate()
            child.wait()
            return 1
        time.sleep(_LOOK)
    logs.show()
    return child.returncode


def _said(run: Path, pid: int, name: str) -> tuple[str, str]:
    """The state of the front, and what to tell of it. Nothing of another process's."""
    try:
        status = json.loads((run / "status.json").read_text())
    except (FileNotFoundError, ValueError):
        return "", ""
    if status["pid"] != pid:
        return "", ""
    if status["state"] == "Healthy":
        host = status.get("host") or "localhost"
        keys = (
            "" if json.loads((run / "endpoint.json").read_text())["keys"] is None else "; keys are asked for"
        )
        return "Healthy", f"{name} answers at http://{host}:{status['port']}/score{keys}"
    error = status.get("error") or {}
    told = "\n".join(filter(None, (error.get("message"), error.get("traceback"))))
    return status["state"], f"{status['state']}: {told}" if told else ""


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
