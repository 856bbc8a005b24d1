"""Text from outside costs time in proportion to its length, whatever it is made of, or is refused for its length."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from faena.client.environments import conda_files, curated, local_packages, pip_file, pip_lines, pip_request
from faena.client.submission import command
from faena.client.wire import _refusal
from faena.comparison import packages
from faena.data import downloads, git, ignore_patterns, patterns
from faena.environments import bounds, causes, conda, failures, lock_text, redaction, requirements
from faena.environments.catalogue import plan
from faena.environments.model import EnvironmentSpec, IndexUrl
from faena.health.packages import _cause
from faena.kernel import experiment_names, file_names, ids, text_files
from faena.kernel.errors import FaenaError
from faena.node.hints import files, modules, others, reading
from faena.node.hints.world import World
from faena.runs import follow, parameters, variables
from faena.runs.schemas import Failure
from faena.script import values
from faena.search import language
from faena.server.listener.request_headers import Headers
from faena.server.pages import browser_rights
from faena.server.pages.console import Console, shown
from faena.sweeps import arguments, constraints, endings, metric_constraints, options
from tests.examples import long_form

SHORT, TIMES = 2_000, 8
SHORTER = {"a line of a requirements file": 700, "a command": 700}
"""Where much is done with each character."""
WITHIN = 110
"""Characters of a short text where the long one is still within what most names and lines may have."""
MOST_OF_A_LINE = reading._LONGEST_LINE
QUICK = 0.05
"""Seconds of CPU that need no second look."""
MOST = 3.0 * TIMES
"""That the long text may cost, as multiples of the short one; what grows with the square costs 64."""

LOOKS = 9
"""At most: on a busy machine the fastest of a few is not always the true cost."""

UNITS = [
    *"aA0_-.:=<>!~,;#@%&|\\/?*+$^'\"`()[]{} \t\r\n\b\x00\x07\x1b\x85\x90\x9b\x9c\x9d\u0301\u2028\ud800é漢",
    *(
        "\x1b[",
        "\x1b]",
        "\x1b]a",
        "\x1b[0",
        "\x1b ",
        "\x9d\x1b",
        "\x9d\x90",
        "\r\n",
        "\\\n",
        "''",
        '""',
        "::",
    ),
    *("1e", "1.", "-1", "_1", "a.", ".a", "a-", "a=", "a==1 ", ">=1,", "=1=", "1 |", "1,", "a[", "[:", "[[:"),
    *("*a", "a*", "**/", "a/", "../", "a b", "not ", "and ", "a or ", "a=1 or ", "://", "://a@", "@a", "%a"),
    *(
        "https://a ",
        "remote.a.url ",
        " - at `$",
        " #",
        "--",
        "--a ",
        "--index-url ",
        "error sending ",
        "Failed to fetch ",
        "An index (a)",
        "HTTP status client error (404 ",
        "\n ",
        "_1.txt",
    ),
]
AFFIXES = [
    ("1", "x"),
    ("a=", ")"),
    ("https://", "/a"),
    ("[", "]"),
    ("*a*a*a*a", "*b"),
    ("\x9d", "a"),
    ("a = '", ""),
    ("a=", "'"),
]
MADE = [(before, unit, after) for before, after in (("", ""), ("'", "!")) for unit in UNITS] + [
    (before, unit, after) for before, after in AFFIXES for unit in ("a", "1", " ", "a/")
]


def _in_parts(text: str) -> None:
    console = Console()
    for at in range(0, len(text), 1000):
        console.feed(text[at : at + 1000])


def _ignored(text: str) -> None:
    """A long line of an ignore file, and a long path."""
    for line, path in (
        (text[: len(text) // 8], "a/b"),
        ("*a*a*a*a*a*a*a*a*b", text),
        ("**/a/**/a/**/a/**/a/b", text),
        (text[:64], text),
        (f"**/a/**/{text[:9]}/**/", text),
    ):
        found = ignore_patterns.parse(line)
        if found is not None:
            found.regex.fullmatch(path)


def _matched(text: str) -> None:
    patterns.matches("a/*a*a*a*a*a*b/**/c", text)
    patterns.matches(text[:50], text)


WORLD = World(Path("/nowhere"), Path("/nowhere"), "python", built=True, gpu="none")


def _advised(text: str) -> None:
    header = "Traceback (most recent call last):"
    for last in (text, f"ImportError: {text}", f"AttributeError: module '{text}", f"OSError: {text}"):
        for found in reading.raised(
            [header, f'  File "{text}", line 1', f"    {text}", last[:MOST_OF_A_LINE]]
        ):
            for advise in (modules.advise, files.advise, others.advise):
                advise(found, WORLD)


READ: dict[str, Callable[[str], object]] = {
    "a log": shown,
    "a log in parts": _in_parts,
    "a filter": language.parse,
    "a field": language.parse_field,
    "an ignore file and a path": _ignored,
    "a data pattern": _matched,
    "a requirement": requirements.check_requirement,
    "a value in an error": requirements.shown,
    "an index": IndexUrl,
    "a conda package": conda.parse,
    "what stands in the brackets of a conda package": conda._keys,
    "packages of an environment": lambda text: plan(EnvironmentSpec(packages=(text,))),
    "a conda list": lambda text: conda.translate([text, f"a={text}", f"a[{text}]"], has=bool),
    "a conda file": lambda text: conda_files._listed(text, "a"),
    "a requirements file": pip_lines.logical,
    "a line that has lines": pip_lines._without_comment,
    "a line of a requirements file": lambda text: pip_request.asked([text, f"-i https://{text}"]),
    "a place of a package": lambda text: local_packages.parse(text) or pip_file.is_version_control(text),
    "the URL of a package": lambda text: pip_request._named(f"https://{text}"),
    "a line in an error": pip_lines.shown,
    "what uv says": causes.of_the_index,
    "a lock's versions": lambda text: (bounds.broken(text), lock_text.blocks(text)),
    "a text file": lambda text: text_files.decode(text.encode("utf-8", "replace")),
    "a lock": lambda text: packages._PINNED.match(text) or packages._AT.match(text),
    "credentials": redaction.redacted,
    "a build's failure": failures._PASSING.search,
    "the doctor's cause": _cause,
    "a run id": ids.check_run_id,
    "a model's name": ids.check_model_name,
    "a data set's name": ids.check_dataset_name,
    "an experiment's name": experiment_names.refusal,
    "an experiment's stem": experiment_names.stem,
    "a file's name": file_names.refusal,
    "a log's place": file_names.log_precedence,
    "a log's place among others": lambda text: file_names.log_precedence(f"azureml-logs/70_{text}.tx"),
    "arguments": lambda text: parameters.of_arguments([text, f"--{text}", f"--a={text}"]),
    "offsets": follow.parse_offsets,
    "a remote": git.without_credentials,
    "an address": downloads.check_url,
    "a decoder's reason": lambda text: _refusal(Failure("a"), text),
    "a metric's name": values.check_name,
    "a metric's text": lambda text: values.text_value(text, "a"),
    "a cookie": lambda text: Headers([(b"cookie", text.encode("latin-1", "replace"))]).cookie("a"),
    "where a sign-in goes on": browser_rights.is_page,
    "a script's last words": _advised,
    "a command": command.parse,
    "a curated environment": curated.find,
    "a variable": lambda text: variables.without_credentials("https_proxy", text),
    "a constraint": lambda text: constraints.parse(text, ["a", "a-a", "a.a"]).allows({"a": 1, "a-a": 2}),
    "a condition on metrics": lambda text: metric_constraints.parse_all([text]),
    "an exception of a trial": lambda text: endings.fail_alike([endings.Failure("a", "exit_code", text)] * 3),
    "a parameter of a space": arguments.check_name,
    "a value of a space": options.Choice([1, "", [1]]).find,
    "a pattern of a filter": lambda text: language.parse(f"a like '{text[:9000]}'"),
}


def cost(read: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    with suppress(FaenaError, ValueError, RecursionError):  # refused
        read(text)
    return time.process_time() - began


@pytest.mark.parametrize("size", [WITHIN, long_form(SHORT)])
@pytest.mark.parametrize("name", READ)
def test_time_grows_with_length(name: str, size: int) -> None:
    read = READ[name]
    size = min(size, SHORTER.get(name, size))
    for before, unit, after in MADE:
        long, short = (before + unit * (most // len(unit)) + after for most in (size * TIMES, size))
        if cost(read, long) <= QUICK:
            continue
        fastest_long = fastest_short = float("inf")
        for _ in range(LOOKS):  # in turns: what slows one of them down for a while slows both
            fastest_long = min(fastest_long, cost(read, long))
            fastest_short = min(fastest_short, cost(read, short))
            if fastest_long <= max(QUICK, MOST * fastest_short):
                break
        assert fastest_long <= max(QUICK, MOST * fastest_short), (
            f"{name} of {before!r}, {unit!r} again and again, {after!r}: {fastest_short:.4f} s for {size} "
            f"characters, {fastest_long:.4f} s for {size * TIMES}"
        )
