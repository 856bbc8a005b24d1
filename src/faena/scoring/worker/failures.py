"""What a script raises: in the log with its traceback, in an answer or in the endpoint's state without."""

from __future__ import annotations

import os
import traceback

from . import answers, log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_DECORATORS = os.path.join("inference_schema", "schema_decorators.py")
_FOLDER = os.path.dirname(os.path.abspath(__file__))


class NotLoaded(Exception):
    """The script cannot answer anything. `message`: in one line, why."""

    def __init__(self, message: str, trace: str | None = None, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.traceback = trace
        self.exit_code = exit_code


def attempt(do: Callable[[], Any], what: str) -> Any:
    """Raises NotLoaded for whatever it raises."""
    try:
        return do()
    except BaseException as error:
        trace = _trace(error)
        log.write_error(trace)
        code = 1
        if isinstance(error, SystemExit) and isinstance(error.code, int):
            code = error.code
        raise NotLoaded("{} failed: {}".format(what, _line(error)), trace, code) from None


def answer_to(error: BaseException) -> answers.Said:
    """The answer of the request that it was raised for, while the traceback goes to the log."""
    if isinstance(error, answers.BadInput):
        return answers.refused(str(error))
    if _is_of_the_schema(error):
        return answers.refused(
            "The input is refused: {}.".format(str(error).rstrip(".") or type(error).__name__)
        )
    log.write_error("{}\n".format(error) if isinstance(error, answers.NotJson) else _trace(error))
    return answers.Said(500, _line(error).encode("utf-8", "replace"), answers.TEXT, raised=True)


def _is_of_the_schema(error: BaseException) -> bool:
    """Whether an installed inference_schema could not convert what was sent: `run` has not been called then."""
    trace = error.__traceback__ if isinstance(error, Exception) else None
    inside = False
    while trace is not None:
        code = trace.tb_frame.f_code
        inside = code.co_filename.endswith(_DECORATORS) and code.co_name == "decorator_input"
        if code.co_filename.endswith(_DECORATORS) and code.co_name == "_deserialize_input_argument":
            return True
        trace = trace.tb_next
    return inside


def _line(error: BaseException) -> str:
    """What was raised, without where."""
    if isinstance(error, SystemExit):
        return "sys.exit({}) was called".format("" if error.code is None else repr(error.code))
    if isinstance(error, answers.NotJson):
        return str(error)
    return "".join(traceback.format_exception_only(type(error), error)).strip()


def _trace(error: BaseException) -> str:
    """The traceback without the frames of this folder and of the import system above the script's."""
    first = error.__traceback__
    while first is not None and _is_ours(first.tb_frame.f_code.co_filename):
        first = first.tb_next
    return "".join(traceback.format_exception(type(error), error, first))


def _is_ours(file: str) -> bool:
    return file.startswith((_FOLDER + os.sep, "<frozen importlib"))
