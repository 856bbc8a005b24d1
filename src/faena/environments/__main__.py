"""`python -m faena.environments ensure`: what a server starts to have an environment prepared.

The result file appears, whole, as soon as the interpreter may be used; the process goes on at the lowest priority until
bytecode is compiled and the disk has everything. No result file at the end: it was stopped or killed.
It outlives whoever asked, since others may wait for the same build. SIGTERM ends it, and uv with it.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TextIO

import msgspec

from faena.environments.model import EnvironmentSpec, Lock
from faena.environments.post_build import settle
from faena.environments.prepare import Prepared, only_resolve, prepare
from faena.environments.uv_process import without_credentials
from faena.kernel.durable import write_atomically
from faena.kernel.errors import FaenaError


def main(arguments: Sequence[str] | None = None) -> int:
    """0: ready; 1: failed, the result file says why; 143: stopped by SIGTERM."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    with options.log.open("a", encoding="utf-8", errors="replace", buffering=1) as file:
        try:
            prepared = _prepare(options, file)
        except FaenaError as error:
            message = without_credentials(error.message)
            print(_untold(message, options.log), file=file)
            answer = {"error": {"code": error.code, "message": message}}
            write_atomically(options.result, msgspec.json.encode(answer))
            return 1
        except OSError as error:
            message = f"The environment could not be prepared: {error}"
            print(message, file=file)
            answer = {"error": {"code": "EnvironmentBuildException", "message": message}}
            write_atomically(options.result, msgspec.json.encode(answer))
            return 1
        print(_done(prepared), file=file)
    write_atomically(options.result, msgspec.json.encode(prepared))
    if prepared.lock.built and prepared.python:
        settle(prepared.lock_digest)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m faena.environments", description="Prepare an environment."
    )
    commands = parser.add_subparsers(required=True)
    ensure = commands.add_parser("ensure", help="resolve and build an environment, unless it is there")
    ensure.add_argument("--spec", type=Path, required=True, help="an EnvironmentSpec as JSON")
    ensure.add_argument("--log", type=Path, required=True, help="gets every line, at its end")
    ensure.add_argument("--result", type=Path, required=True, help="gets the outcome as JSON")
    ensure.add_argument("--lock", type=Path, help="build this lock and resolve nothing")
    ensure.add_argument("--here", action="store_true", help="the lock was made on another machine")
    ensure.add_argument("--resolve-only", action="store_true", help="build nothing: nodes elsewhere do")
    ensure.add_argument("--retry", action="store_true", help="try again what is remembered as failed")
    return parser


def _prepare(options: argparse.Namespace, file: TextIO) -> Prepared:
    spec = EnvironmentSpec.from_json(options.spec.read_bytes())
    lock = Lock.from_json(options.lock.read_bytes()) if options.lock else None
    if options.resolve_only:
        return only_resolve(spec, lambda line: print(line, file=file), retry=options.retry)
    return prepare(
        spec,
        lambda line: print(line, file=file),
        lock=lock,
        retry=options.retry,
        from_elsewhere=options.here,
    )


def _done(prepared: Prepared) -> str:
    if not prepared.python:
        return f"Resolved in {prepared.seconds:.2f} s; the node builds it"
    return f"Ready in {prepared.seconds:.2f} s:\n  {prepared.python}"


def _untold(message: str, log: Path) -> str:
    """Without the output of uv that it ends with, where the log ends with that already."""
    first, _, output = message.partition("\n")
    told = log.read_text(encoding="utf-8", errors="replace").rstrip()
    ends = (output.rstrip(), output.rstrip().partition("\n")[2])  # its first line may be one from further up
    return first if any(end and told.endswith(end) for end in ends) else message


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: the clean-up is not to be cut short
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
