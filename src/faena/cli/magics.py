"""`%load_ext faena`: `%%faena` submits a cell as a run, `%faena` is the command line in the notebook."""

from __future__ import annotations

import codecs
import io
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import rich_click as click
from click import core, exceptions
from click import globals as current

from faena.cli.command import command
from faena.cli.common import experiment_name_of
from faena.cli.common import workspace as open_workspace
from faena.cli.main import main
from faena.cli.script_options import ScriptOptions, script_options
from faena.cli.submit import AgainOptions, again_options, submitted
from faena.kernel.errors import FaenaError, UserErrorException

if TYPE_CHECKING:
    from faena.client.runs.run import Run

NAME = "faena"
_SCRIPT = "cell.py"
_SCRIPT_BESIDE_OTHERS = "faena_cell.py"
_KINDS = ("line", "cell")


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext faena`."""
    for kind, magic in zip(_KINDS, (run_command, run_cell), strict=True):
        shell.register_magic_function(magic, kind, NAME)


def unload_ipython_extension(shell: Any) -> None:
    """Called by `%unload_ext faena`."""
    for kind in _KINDS:
        shell.magics_manager.magics[kind].pop(NAME, None)


def run_command(line: str) -> None:
    """Run a command of faena in this process: %faena runs. See `%faena --help`.

    Raises UsageError where it fails, after what it has to say.
    """
    with _output():
        try:
            main.main(_words(line) or ["--help"], prog_name=f"%{NAME}")
        except SystemExit as ended:
            code = ended.code
    if code:
        raise _usage_error(f"%{NAME} {line.strip()} failed: exit code {code}.")


def run_cell(line: str, cell: str) -> None:
    """Submit the cell as a run and show it: %%faena [options of faena submit] -- [arguments of the script].

    The run is `_` afterwards. The script is the cell's text: it has its own process, and none of the notebook's
    variables.
    """
    from IPython.core.getipython import get_ipython

    try:
        run = submit_cell(line, cell)
    except FaenaError as error:
        told = f"{type(error).__name__}: {error}"
        error._render_traceback_ = lambda: [told]  # type: ignore[attr-defined]  # which IPython prints
        raise
    shell: Any = get_ipython()
    if run is not None and shell is not None:
        shell.displayhook.update_user_ns(run)  # not as the cell's value, which would be shown below the view


def submit_cell(line: str, cell: str) -> Run | None:
    """The run that the cell has become; None of `--help`."""
    with _output():
        try:
            with cell_command.make_context(f"%%{NAME}", _words(line), obj=cell) as context:
                run: Run = cell_command.invoke(context)
        except exceptions.Exit:
            return None
        except exceptions.ClickException as error:
            raise _usage_error(error.format_message()) from None
    return run


@command(f"%%{NAME}", context_settings={"allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@script_options
@again_options
@click.option("--follow", is_flag=True, help="Wait until the run has ended; a run that failed raises.")
def cell_command(
    arguments: tuple[str, ...], options: ScriptOptions, again: AgainOptions, follow: bool
) -> Run:
    """Submit the cell as a run, with ARGUMENTS, which stand behind `--`.

    Nothing but the cell is captured, unless --source names a folder.
    """
    context = current.get_current_context()
    if options.module:
        raise exceptions.UsageError("A cell is no module: leave out -m.", context)
    is_given = context.get_parameter_source("source") is not core.ParameterSource.DEFAULT
    experiment = options.experiment or experiment_name_of(options.source)
    with _script_of(str(context.obj), options.source if is_given else None) as script:
        asked = replace(options, source=script.parent, experiment=experiment)
        run = submitted(open_workspace(), script.name, arguments, asked, again)
    from faena.notebook.show import show

    show(run)
    if follow:
        run.wait_for_completion()
    return run


cell_command.unknown_option = f"Arguments of the script stand behind --: %%{NAME} -- {{}} …"


@contextmanager
def _script_of(cell: str, source: Path | None) -> Iterator[Path]:
    """The cell as a file, as long as it takes to capture it."""
    script = _own_folder() / _SCRIPT if source is None else source / _SCRIPT_BESIDE_OTHERS
    try:
        with script.open("w" if source is None else "x", encoding="utf-8") as file:
            file.write(cell)
    except OSError as error:
        raise UserErrorException(
            f"The cell cannot be put into --source as {script}: {error.strerror}."
        ) from None
    try:
        yield script
    finally:
        script.unlink(missing_ok=True)


@cache
def _own_folder() -> Path:
    """One a process: what captures folders remembers each."""
    folder = tempfile.TemporaryDirectory(prefix="faena-cells-")
    _kept.append(folder)  # it goes with the process
    return Path(folder.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise _usage_error(f"{line.strip()!r} cannot be read: {error}.") from None


def _usage_error(message: str) -> Exception:
    """Told by notebooks in one line."""
    from IPython.core.error import UsageError

    made: Exception = UsageError(message)
    return made


@contextmanager
def _output() -> Iterator[None]:
    """Standard streams as commands expect them: a notebook's have no bytes, and ask by other ways."""
    stdin = sys.stdin
    with _bytes_too(sys.stdout) as out, _bytes_too(sys.stderr) as err:
        if _is_kernel():
            sys.stdin = _Asking()
        try:
            with redirect_stdout(out), redirect_stderr(err):
                yield
        finally:
            sys.stdin = stdin


def _is_kernel() -> bool:
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


@contextmanager
def _bytes_too(stream: TextIO) -> Iterator[TextIO]:
    if isinstance(stream, io.TextIOWrapper):
        yield stream
        return
    wrapped = io.TextIOWrapper(
        io.BufferedWriter(_Into(stream.write)), encoding="utf-8", errors="replace", line_buffering=True
    )
    try:
        yield wrapped
    finally:
        wrapped.close()


class _Into(io.RawIOBase):
    """Bytes of UTF-8 into a stream of text."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._write = write
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._write(self._decoder.decode(bytes(data)))
        return len(data)


class _Asking(io.StringIO):
    """Nothing can be read from it: commands ask instead, which a notebook does in a field of its own."""

    def isatty(self) -> bool:
        return True
