"""One request as a call of `run`: its arguments, and what its result becomes."""

from __future__ import annotations

import functools
import json

from . import answers, rows, wire
from .answers import BadInput, NotJson, Said
from .failures import answer_to
from .inputs import by_name, fit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Tuple

    from .calling import Calling

    Job = Tuple[Tuple[Any, ...], dict[str, Any], Callable[[Any], "bytes | Said"]]
    """Arguments, named arguments, what turns a result into an answer."""


METHOD, PARAMS = "method", "params"
OF_A_CALL = (METHOD, PARAMS)
"""What a request says beside its rows: those that are run together have it alike."""
_KEPT = 1024
"""Bytes of a description that are kept with what they say."""


class Jobs:
    """Of one script. No method raises what the script raises."""

    def __init__(self, calling: Calling) -> None:
        self._calling = calling
        self._run = calling.run
        self._makers: dict[int, Callable[[dict[str, Any] | None, bytes], Job]] = {
            wire.SCORE: self._score,
            wire.INVOCATIONS: self._invocations,
            wire.INFER: self._infer,
        }
        self._looks = calling.raw or calling.headers
        """Whether the script gets what is said of a request, and may change it."""
        self._floats = calling.floats
        self.plain = calling.parameters is None and not calling.raw and not calling.headers
        """Whether `run` takes the text of the body, and nothing else."""

    def answer(self, kind: int, description: bytes, body: bytes) -> bytes | Said:
        try:
            if self.plain and kind == wire.SCORE and not description:
                return answers.encode(self._run(body.decode()))
            arguments, named, finish = self._make(kind, description, body)
            return finish(self._run(*arguments, **named))
        except UnicodeDecodeError as error:
            return answer_to(_not_text(error, body))
        except BaseException as error:
            return answer_to(error)

    def make(self, kind: int, description: bytes, body: bytes) -> Job | Said:
        """The job of a request that is run later, or its answer where it cannot be run."""
        try:
            return self._make(kind, description, body)
        except UnicodeDecodeError as error:
            return answer_to(_not_text(error, body))
        except BaseException as error:
            return answer_to(error)

    def run_alone(self, job: Job) -> bytes | Said:
        try:
            return job[2](self._run(*job[0], **job[1]))
        except BaseException as error:
            return answer_to(error)

    def _make(self, kind: int, description: bytes, body: bytes) -> Job:
        if not description:
            about = None
        elif self._looks or len(description) > _KEPT:
            about = json.loads(description)
        else:
            about = _about(bytes(description))
        return self._makers[kind](about, body)

    def _score(self, about: dict[str, Any] | None, body: bytes) -> Job:
        calling = self._calling
        if calling.raw:
            return (_raw(about, body),), {}, answers.encode
        query = about is not None and about["method"] == "GET"
        if calling.parameters is None:
            text = json.dumps(_query(about)) if query else body.decode()
            return (text,), self._headers(about), answers.encode
        values = {name: _value(text) for name, text in _query(about).items()} if query else self._read(body)
        if calling.methods and METHOD in values:
            return self._by_method(values)
        named = by_name(values, calling)
        named.update(self._headers(about))
        return (), named, answers.encode

    def _by_method(self, values: dict[str, Any]) -> Job:
        """v1's form of a request to a model without a script: `{"data": [[…]], "method": "predict_proba"}`."""
        values = dict(values)
        method, known = values.pop(METHOD), self._calling.methods
        if method not in known:
            raise BadInput(
                "{!r} is no method of the model that can be asked for. Use one of {}.".format(
                    str(method)[:80], ", ".join(known)
                )
            )
        named = by_name(values, self._calling)
        named[METHOD] = method
        return (), named, lambda result: answers.encode({method: result})

    def _read(self, body: bytes) -> dict[str, Any]:
        if self._floats and (name := rows.name(body)) in self._floats:
            values = rows.read(body)
            if name is not None and values is not None:
                return {name: values}
        return _object(body, self._calling.taker)

    def _invocations(self, about: dict[str, Any] | None, body: bytes) -> Job:
        from . import invocations

        if self._calling.raw:
            return (_raw(about, body),), {}, _predictions
        given, params = invocations.read(_header(about, "content-type") or "", bytes(body))
        if isinstance(given, invocations.Whole):
            return self._whole(about, given.values)
        arguments, named = fit(given, self._calling)
        if params and self._calling.params:
            named[PARAMS] = params
        named.update(self._headers(about))
        return arguments, named, _predictions

    def _whole(self, about: dict[str, Any] | None, values: dict[str, Any]) -> Job:
        calling = self._calling
        arguments: tuple[Any, ...] = ()
        if calling.params:
            params = {name: value for name, value in values.items() if name in calling.param_names}
            data = {name: value for name, value in values.items() if name not in params}
            takes_one = [each.name for each in calling.parameters or []] == ["data"]
            named: dict[str, Any] = {"data": data} if takes_one else data
            if params:
                named[PARAMS] = params
        elif calling.parameters is None:
            arguments, named = (json.dumps(values),), {}
        else:
            named = by_name(values, calling)
        named.update(self._headers(about))
        return arguments, named, lambda result: _sent(result) or answers.encode(_decoded(result))

    def _infer(self, about: dict[str, Any] | None, body: bytes) -> Job:
        from . import tensors

        if self._calling.raw:
            return (_raw(about, body),), {}, answers.encode
        asked = tensors.Asked(
            _header(about, tensors.LENGTH_HEADER), about["path"] if about else "", bytes(body)
        )
        arguments, named = fit(asked.given, self._calling)
        named.update(self._headers(about))
        known = self._calling.outputs
        return arguments, named, lambda result: _sent(result) or asked.answer(result, known)

    def _headers(self, about: dict[str, Any] | None) -> dict[str, Any]:
        if not self._calling.headers:
            return {}
        return {"request_headers": {name.title(): value for name, value in (about or {}).get("headers", [])}}


@functools.lru_cache(maxsize=16)
def _about(description: bytes) -> dict[str, Any]:
    """Clients send the same again and again. Nobody changes what comes back."""
    about: dict[str, Any] = json.loads(description)
    return about


def _raw(about: dict[str, Any] | None, body: bytes) -> Any:
    from azureml.contrib.services.aml_request import AMLRequest

    return AMLRequest(about or {"method": "POST", "path": "/score", "query": "", "headers": []}, bytes(body))


def _sent(result: Any) -> Said | None:
    """Of an AMLResponse, which goes as it is."""
    sent = getattr(result, "_faena_said", None)
    answer: Said | None = None if sent is None else sent()
    return answer


def _predictions(result: Any) -> bytes | Said:
    sent = _sent(result)
    if sent is not None:
        return sent
    return answers.encode({"predictions": _decoded(result)})


def _decoded(result: Any) -> Any:
    """Many scripts return json.dumps(...), which v1 sends as a text."""
    if isinstance(result, str):
        try:
            return json.loads(result)
        except ValueError:
            pass
    return result


def _object(body: bytes, taker: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("The body is not JSON: {}.".format(error)) from None
    if not isinstance(said, dict):
        raise BadInput(
            "The body is {}, and an object with {} is expected.".format(
                type(said).__name__,
                "run()'s parameters" if taker == "run()" else "the model's inputs, or data,",
            )
        )
    return said


def _query(about: dict[str, Any] | None) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl((about or {}).get("query", ""), keep_blank_values=True))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _header(about: dict[str, Any] | None, name: str) -> str | None:
    for known, value in (about or {}).get("headers", []):
        if known == name:
            return str(value)
    return None


def _not_text(error: UnicodeDecodeError, body: bytes) -> BaseException:
    if error.object != bytes(body):
        return error
    return BadInput(
        "The body is not text in UTF-8 ({}). A run() decorated with @rawhttp takes bytes.".format(error)
    )


__all__ = ["Jobs", "NotJson"]
