"""All checks in their groups. One that breaks down is a finding, too: the others go on."""

from __future__ import annotations

from collections.abc import Iterator

from faena.health import (
    attempts,
    certificates,
    clocks,
    database,
    disks,
    folders,
    leftovers,
    locations,
    machine,
    nodes,
    objects,
    packages,
    ray_clusters,
    versions,
)
from faena.health.finding import Check, Finding, problem
from faena.health.subject import Subject

GROUPS: dict[str, tuple[Check, ...]] = {
    "Folders": (
        folders.check_workspace,
        folders.check_folders,
        folders.check_private_files,
        folders.check_secrets,
    ),
    "Disks": (disks.check_disks, disks.check_kinds),
    "Versions": (versions.check_versions,),
    "Database": (database.check_database,),
    "Objects": (objects.check_objects, locations.check_locations),
    "Left behind": (
        attempts.check_attempts,
        attempts.check_attempt_records,
        attempts.check_attempt_folders,
        attempts.check_server_log,
        leftovers.check_sockets,
        leftovers.check_locks,
        leftovers.check_temporary_files,
    ),
    "Other machines": (
        nodes.check_node_listener,
        nodes.check_machines,
        ray_clusters.check_ray_clusters,
    ),
    "Endpoints": (certificates.check_certificates,),
    "Clocks": (clocks.check_clocks,),
    "Environments": (
        packages.check_interpreters,
        packages.check_named_pythons,
        packages.check_uv,
        packages.check_index,
        packages.check_environments,
    ),
    "Machine": (
        machine.check_memory,
        machine.check_limits,
        machine.check_control_groups,
        machine.check_mounts,
        machine.check_gpus,
    ),
}

_OF_FOLDERS = ("Folders", "Disks")


def examine(subject: Subject) -> Iterator[tuple[str, Finding]]:
    """(group, finding) of every check, as they are made.

    A workspace that this user may not look into is named once, by its folder.
    """
    visible = subject.visible
    for group, checks in GROUPS.items():
        for check in checks:
            seen = subject if group in _OF_FOLDERS else visible
            yield from ((group, finding) for finding in _guarded(check, seen))


def _guarded(check: Check, subject: Subject) -> Iterator[Finding]:
    try:
        yield from check(subject)
    except Exception as error:  # noqa: BLE001  whatever is wrong with this machine, the rest is still told
        name = check.__name__.removeprefix("check_").replace("_", " ")
        yield problem(
            name, f"could not be looked at: {type(error).__name__}: {error}", "look at what is named"
        )
