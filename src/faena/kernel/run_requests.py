"""What is asked of a run, as HTTP: for a handle outside, and for the runner that asks on behalf of a script.

Each verb is one that `faena.script.known.KnownRun` asks; its arguments are those that stand there.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode

from faena.kernel import settings
from faena.kernel.transport import Transport, file_segment, segment

_PAGE = 100
_IMPATIENT = 60.0
"""Seconds: who waits less for an answer does not wait longer for a server either."""


class RunRequests:
    """Each call may be repeated; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._verbs: dict[str, Callable[[str, dict[str, Any], float], Any]] = {
            "get_run": lambda run, _, timeout: self._get(run, "", timeout),
            "get_details": lambda run, _, timeout: self._get(run, "/details", timeout),
            "get_environment": lambda run, _, timeout: self._get(run, "/lock", timeout),
            "get_file_names": self._file_names,
            "get_metrics": self._metrics,
            "list_runs": self._list,
            "set_tags": lambda run, given, timeout: self._put(run, "/tags", given["tags"], timeout),
            "change_run": self._change,
            "add_properties": lambda run, given, timeout: self._put(
                run, "/properties", given["properties"], timeout
            ),
            "remove_tags": self._remove_tags,
            "get_secrets": lambda run, given, timeout: self._transport.json(
                "POST", "/secrets/values", given["names"], timeout=timeout
            ),
            "log_value": lambda run, given, timeout: self._put(
                run, f"/metrics/{segment(given['name'])}", {"value": given["value"]}, timeout
            ),
            "upload_files": self._upload,
            "download_file": self._download,
            "restore_snapshot": self._restore,
        }

    @property
    def verbs(self) -> tuple[str, ...]:
        return tuple(self._verbs)

    def ask(self, verb: str, run_id: str, arguments: dict[str, Any], timeout: float) -> Any:
        """The answer within `timeout` seconds; a list of runs is of no run, '' will do for its id.

        Raises KeyError for a verb or an argument that is missing.
        """
        run = "" if verb == "list_runs" else f"/runs/{segment(run_id)}"
        return self._verbs[verb](run, arguments, timeout)

    def _get(self, run: str, below: str, timeout: float) -> Any:
        return self._transport.json("GET", run + below, timeout=timeout)

    def _put(self, run: str, below: str, value: Any, timeout: float) -> None:
        self._transport.json("PUT", run + below, value, timeout=timeout)

    def _remove_tags(self, run: str, given: dict[str, Any], timeout: float) -> None:
        keys = query(keys=json.dumps(given["keys"]))
        self._transport.json("DELETE", f"{run}/tags{keys}", timeout=timeout)

    def _change(self, run: str, given: dict[str, Any], timeout: float) -> None:
        wanted = {key: value for key, value in given.items() if key != "run_id"}
        self._transport.json("PATCH", run, wanted, timeout=timeout)

    def _file_names(self, run: str, given: dict[str, Any], timeout: float) -> list[str]:
        return [file["name"] for file in self._files(run, timeout)]

    def files(self, run_id: str) -> list[dict[str, Any]]:
        """Warns where the machine of a run that goes on does not tell what it has."""
        return self._files(f"/runs/{segment(run_id)}", None)

    def _files(self, run: str, timeout: float | None) -> list[dict[str, Any]]:
        answer = self._transport.request("GET", f"{run}/files", timeout=timeout)
        if untold := unquote(answer.headers.get(settings.UNTOLD_HEADER, "")):
            warnings.warn(untold, stacklevel=5)
        found: list[dict[str, Any]] = json.loads(answer.data)
        return found

    def _metrics(self, run: str, given: dict[str, Any], timeout: float) -> Any:
        return self._get(
            run,
            "/metrics"
            + query(
                name=given.get("name"),
                recursive=given.get("recursive") or None,
                type=given.get("run_type"),
                populate=given.get("populate") or None,
                attempt=given.get("attempt"),
            ),
            timeout,
        )

    def _list(self, run: str, given: dict[str, Any], timeout: float) -> dict[str, Any]:
        """`runs`: a page of rows; `next`: the argument `after` that gives the next one, None after the last."""
        filters = {key: value for key, value in given.items() if key not in ("tags", "properties")}
        marks = {key: json.dumps(given[key]) for key in ("tags", "properties") if given.get(key)}
        page: dict[str, Any] = self._transport.json(
            "GET", "/runs" + query(**{"limit": _PAGE, **filters, **marks}), timeout=timeout
        )
        return page

    def _upload(self, run: str, given: dict[str, Any], timeout: float) -> Any:
        if self._transport.shares_files:
            files = [{"name": name, "path": path} for name, path in given["files"].items()]
        else:
            from faena.kernel import uploads  # a server elsewhere is asked by few

            digests = uploads.bring(self._transport, given["files"].values())
            files = [{"name": name, "digest": digests[path]} for name, path in given["files"].items()]
        patience = timeout if timeout < _IMPATIENT else None
        asked = {"files": files, "datastore": given.get("datastore")}
        return self._transport.json("POST", f"{run}/files", asked, timeout=timeout, patience=patience)

    def _download(self, run: str, given: dict[str, Any], timeout: float) -> None:
        self._transport.download(f"{run}/files/{file_segment(given['name'])}", Path(given["path"]))

    def _restore(self, run: str, given: dict[str, Any], timeout: float) -> None:
        snapshot = segment(given["snapshot_id"])
        self._transport.download(f"/snapshots/{snapshot}/archive", Path(given["path"]))


def query(**values: Any) -> str:
    """`?name=value&…` of what is not None; booleans in small letters."""
    given = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in values.items()
        if value is not None
    }
    return "?" + urlencode(given) if given else ""
