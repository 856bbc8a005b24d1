"""The last words of a script, and what to do about them."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faena.attempts.folder import AttemptFolder
from faena.attempts.records import SCRIPT_ENDED, UnreadableRecord
from faena.node.hints import files, modules, of_its_time, others, shell
from faena.node.hints.reading import first_words, last_lines, raised
from faena.node.hints.world import World

_OF_PYTHON_M = re.compile(
    r"^\S{1,500}: (?:No module named '?([\w.]{1,200})|.{0,300}No module named '([\w.]{1,200}))"
)
_NO_PROGRAM = re.compile(r"[^\s/]{1,200} could not be started: No such file or directory")
_RULES = (others.advise, files.advise, modules.advise)
_BY_SIGNAL = {
    int(
        signal.SIGSEGV
    ): "A library of its own code failed: --env PYTHONFAULTHANDLER=1 has Python show where.",
    int(signal.SIGBUS): "Shared memory may be full (`df /dev/shm`): use fewer workers of a data loader.",
    int(signal.SIGILL): "A package was built for another processor: ask for another version of it.",
}


def with_advice(
    outcome: Mapping[str, Any], folder: AttemptFolder, order: Mapping[str, Any]
) -> dict[str, Any]:
    """The outcome of an attempt, its message with the exception that the script ended with and what to do about it."""
    said = ""
    if outcome["reason"] == "exit_code" and (outcome.get("rank") is not None or not folder.ranks.is_dir()):
        said = _of_log(outcome, folder, order)
    elif outcome["reason"] == "not_started" and _NO_PROGRAM.match(outcome["message"]):
        said = "It is not on the PATH of this machine: install it, or give its folder with --env PATH=…."
    elif outcome["reason"] == "signal":
        number = outcome.get("signal") or 0
        said = _sender_of_kill(folder) if number == signal.SIGKILL else _BY_SIGNAL.get(number, "")
    if not said:
        return dict(outcome)
    return {**outcome, "message": f"{outcome['message'].rstrip('.')}. {said}"}


def _of_log(outcome: Mapping[str, Any], folder: AttemptFolder, order: Mapping[str, Any]) -> str:
    lines = last_lines(_log(outcome, folder))
    world = World(
        code=folder.code,
        data=folder.data,
        python=str(order.get("python", "python")),
        built=bool(order.get("hooked", True)),
        gpu=str(order.get("gpu", "none")),
        run_id=str(order.get("run_id", "RUN")),
        elsewhere="node_lease" in order,
    )
    code = outcome.get("exit_code")
    exceptions = raised(lines)
    goes_on = not exceptions or exceptions[0].message.split("\n")[0] not in lines[-1]
    if goes_on and (said := shell.advise(lines, code, world)):
        return said
    for each in exceptions:
        for rule in _RULES:
            if advice := rule(each, world):
                cause = "" if each is exceptions[0] else f" (from {each})"
                return f"{exceptions[0]}{cause}. {advice} {of_its_time.advise(each, world)}".rstrip()
    if exceptions:
        more = of_its_time.advise(exceptions[0], world)
        return f"{exceptions[0]}. {more}" if more else str(exceptions[0])
    for line in lines[-3:]:
        if found := _OF_PYTHON_M.match(line):
            return f"{first_words(line)}. {modules.missing(found[1] or found[2], '', world)}"
    if code == 128 + signal.SIGKILL:
        return _sender_of_kill(folder)
    return shell.last_words(lines, code)


def _log(outcome: Mapping[str, Any], folder: AttemptFolder) -> Path:
    """Of the rank that failed, where the script runs in several processes."""
    number = outcome.get("rank")
    return folder.driver_log if number is None else folder.ranks / f"{number}.log"


def _sender_of_kill(folder: AttemptFolder) -> str:
    """Who sent a SIGKILL that Faena did not, as far as that is known."""
    try:
        end = folder.end(SCRIPT_ENDED)
    except UnreadableRecord:
        end = None
    kills = None if end is None else end.get("memory_kills")
    if kills == 0:
        return (
            "Who sent it is not known: Faena did not, nor the kernel for want of memory (it counts none meanwhile). "
            "The script itself may have, a user, or a program that watches over memory (systemd-oomd, earlyoom)."
        )
    if kills is None:
        return (
            "Who sent it is not known: Faena did not. Where it was the kernel, for want of memory, its log says so "
            "(dmesg, journalctl -k)."
        )
    return (
        f"The kernel killed for want of memory meanwhile (its count rose by {kills}). Use less memory (a smaller "
        "batch), or run fewer nodes at once (max_nodes)."
    )
