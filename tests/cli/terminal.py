"""The command as people meet it: on a terminal of some width, in a pipe, with streams that are closed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import pytest

from faena.cli.main import main
from tests import busy_machine

FAENA = (sys.executable, "-m", "faena.cli")
_IN_FRONT = """
import signal
from faena.cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
FAENA_IN_FRONT = (sys.executable, "-c", _IN_FRONT)
"""Heeds Ctrl-C also where the tests run in the background, which ignores it."""
_STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    hidden = ("NO_COLOR", "COLUMNS", "FORCE_COLOR", "TERM", "FAENA_WORKSPACE")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "TERM": "xterm-256color", **(given or {})}


def piped(
    folder: Path, *arguments: str, given: Mapping[str, str] | None = None, typed: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return _said(
        subprocess.run(
            [*FAENA, *arguments],
            cwd=folder,
            env=environment(given),
            input=typed,
            capture_output=True,
            timeout=120,
            check=False,
        )
    )


def within(
    folder: Path, *arguments: str, given: Mapping[str, str] | None = None, encoding: str = "utf-8"
) -> subprocess.CompletedProcess[bytes]:
    """The same in this process: a start costs more than most commands."""
    written, told = io.BytesIO(), io.BytesIO()
    out = io.TextIOWrapper(written, encoding, write_through=True)
    err = io.TextIOWrapper(told, encoding, write_through=True)
    with (
        mock.patch.dict(os.environ, environment(given), clear=True),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main.main(list(arguments))
        except SystemExit as ended:
            return _said(
                subprocess.CompletedProcess(
                    arguments, int(ended.code or 0), written.getvalue(), told.getvalue()
                )
            )


def in_shell(
    folder: Path, command: str, *, given: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """A line of bash, in which `faena` is the command."""
    program = f'faena() {{ "{FAENA[0]}" -m faena.cli "$@"; }}; {command}'
    return _said(
        subprocess.run(
            ["bash", "-c", program],
            cwd=folder,
            env=environment(given),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
    )


def on_terminal(folder: Path, columns: int, *arguments: str, given: Mapping[str, str] | None = None) -> str:
    """What a terminal of so many columns gets, with its escape sequences."""
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        if "CI" in os.environ:
            raise
        pytest.skip(f"this machine has no terminals ({error}): mount -t devpts devpts /dev/pts")
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        process = subprocess.Popen(
            [*FAENA, *arguments],
            cwd=folder,
            env=environment(given),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
    finally:
        os.close(theirs)
    try:
        written = b"".join(iter(lambda: _read(ours), b""))
    finally:
        os.close(ours)
        process.wait(120)
    return without_waiting(written.replace(b"\r\n", b"\n")).decode()


def plain(text: str) -> str:
    """Without colours."""
    return _STYLES.sub("", text)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError as error:
        if error.errno != errno.EIO:  # Linux says so where the other side was closed
            raise
        return b""


def without_waiting(told: bytes) -> bytes:
    """What standard error has, but for what a busy machine adds to it."""
    return busy_machine.IN_BYTES.sub(b"", told)


def _said(done: subprocess.CompletedProcess[bytes]) -> subprocess.CompletedProcess[bytes]:
    done.stderr = without_waiting(done.stderr)
    return done
