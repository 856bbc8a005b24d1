"""`python -m faena.node.join URL`: be a node of a workspace whose server is on another machine.

The token is in FAENA_TOKEN, or in the file that FAENA_TOKEN_FILE names; not among the arguments, which every user of
a machine can read. Once joined, the machine has one of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from faena.kernel.errors import FaenaError, UserErrorException
from faena.node.joined import machine, signals
from faena.node.joined.told import Told

_LONGEST_TOKEN = 4096


def main(arguments: Sequence[str] | None = None) -> int:
    """0: the server wants no more of the node, or this process was asked to end; 1: it says why not."""
    options = _parser().parse_args(arguments)
    signals.take()
    try:
        from faena.node.joined.runner import Runner

        Runner(options.url, _token(), _told(options), once=options.once).run()
    except signals.Interrupted:
        return 0
    except FaenaError as error:
        print(_broken(error.message), file=sys.stderr)
        return 1
    return 0


def _broken(message: str) -> str:
    """Between words, where it goes to a terminal."""
    if not sys.stderr.isatty():
        return message
    width = max(20, shutil.get_terminal_size().columns)
    lines = (
        textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False)
        for line in message.split("\n")
    )
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m faena.node.join", description="Be a node of a workspace."
    )
    parser.add_argument("url", help="of its server, as `faena node token` prints it")
    parser.add_argument("--name", default="", help="of this machine (default: its host name)")
    parser.add_argument("--label", action="append", default=[], metavar="KEY=VALUE", help="repeatable")
    parser.add_argument("--cores", type=int, default=0, help="that scripts may use (default: all)")
    parser.add_argument("--gpus", default="", help="that scripts may use: indexes or UUIDs, with commas")
    parser.add_argument("--address", default="", help="where other nodes of a run reach this machine")
    parser.add_argument("--once", action="store_true", help="leave after one run, and be forgotten")
    parser.add_argument("--temporary", action="store_true", help="be forgotten when it leaves")
    return parser


def _told(options: argparse.Namespace) -> Told:
    """Raises UserErrorException."""
    labels: dict[str, str] = {}
    for given in options.label:
        key, equals, value = given.partition("=")
        if not key or not equals or not value:
            raise UserErrorException(
                f"The label {given[:80]!a} has no key or no value. Give it as key=value."
            )
        if labels.get(key, value) != value:
            raise UserErrorException(f"The label {key[:80]!a} is given twice. Leave one out.")
        labels[key] = value
    if options.cores < 0:
        raise UserErrorException(f"cores is {options.cores}. Give a whole number from 1 up.")
    name = machine.check_name(options.name or machine.default_name())
    gpus = tuple(each.strip() for each in options.gpus.split(",") if each.strip())
    return Told(name, labels, options.cores, gpus, options.address, options.temporary or options.once)


def _token() -> str:
    """Empty where none was given. Raises UserErrorException."""
    if not (file := os.environ.get("FAENA_TOKEN_FILE")):
        return os.environ.get("FAENA_TOKEN", "").strip()
    try:
        with Path(file).expanduser().open("rb") as opened:
            return opened.read(_LONGEST_TOKEN).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserErrorException(f"FAENA_TOKEN_FILE={file} cannot be read: {error}.") from error


if __name__ == "__main__":
    sys.exit(main())
