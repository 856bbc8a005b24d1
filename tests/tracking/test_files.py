from __future__ import annotations

import pytest

from faena.kernel.errors import NotFound, UserErrorException
from faena.objects import store as objects
from faena.tracking import service
from faena.tracking.model import RunFile, StoredFile
from tests.tracking.workspace import RUN, TrackedWorkspace

ONE, TWO = StoredFile("1" * 64, 10), StoredFile("2" * 64, 20)


def put(workspace: TrackedWorkspace, stored: dict[str, StoredFile], now: int = 5) -> None:
    workspace.write(lambda write: service.put_files(write, RUN, stored, now))


def names(workspace: TrackedWorkspace, prefix: str = "") -> list[str]:
    return [file.name for file in workspace.read(lambda read: service.files(read, RUN, prefix))]


def test_files_by_name(workspace: TrackedWorkspace) -> None:
    put(workspace, {"outputs/b": ONE, "outputs/a": TWO, "logs/x": ONE})
    assert names(workspace) == ["logs/x", "outputs/a", "outputs/b"]
    assert names(workspace, "outputs/") == ["outputs/a", "outputs/b"]
    found = workspace.read(lambda read: service.file(read, RUN, "outputs/a"))
    assert found == RunFile("outputs/a", 20, "2" * 64, 5)


def test_a_prefix_is_no_pattern(workspace: TrackedWorkspace) -> None:
    put(workspace, {"a_b/x": ONE, "acb/x": ONE, "A_B/x": ONE, "a%/x": ONE})
    assert names(workspace, "a_b/") == ["a_b/x"]
    assert names(workspace, "a%") == ["a%/x"]


def test_the_same_name_again_replaces(workspace: TrackedWorkspace) -> None:
    put(workspace, {"outputs/a": ONE})
    put(workspace, {"outputs/a": TWO}, now=9)
    assert workspace.read(lambda read: service.files(read, RUN)) == [RunFile("outputs/a", 20, "2" * 64, 9)]


def test_objects_are_kept_with_the_reference(workspace: TrackedWorkspace) -> None:
    put(workspace, {"outputs/a": ONE})
    assert workspace.read(lambda read: objects.known(read, ["1" * 64])) == {"1" * 64: 10}


def test_a_file_that_is_not_there(workspace: TrackedWorkspace) -> None:
    with pytest.raises(NotFound, match="no file 'outputs/a'"):
        workspace.read(lambda read: service.file(read, RUN, "outputs/a"))


@pytest.mark.few(5)
@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../../x",
        "a/..",
        "..\\x",
        "a//b",
        "./a",
        "a/",
        "C:\\x",
        "a\0b",
        "a\nb",
        "a\x7fb",
        "\udc80",
        "x" * 1025,
    ],
)
def test_names_that_could_leave_their_place(workspace: TrackedWorkspace, name: str) -> None:
    with pytest.raises(UserErrorException):
        put(workspace, {"outputs/good": ONE, name: ONE})
    assert names(workspace) == []


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "name", ["outputs/損失.npz", "outputs/a b", "%2e%2e/x", "a#b?c;d", "...", "x" * 1024]
)
def test_odd_names_that_are_fine(workspace: TrackedWorkspace, name: str) -> None:
    put(workspace, {name: ONE})
    assert names(workspace) == [name]


def test_a_digest_that_is_none(workspace: TrackedWorkspace) -> None:
    with pytest.raises(UserErrorException, match="digest"):
        put(workspace, {"outputs/a": StoredFile("../../x", 1)})
