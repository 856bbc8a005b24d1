"""Data on a node: where it is put, what stands in for it in arguments, what goes back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from faena.attempts.folder import AttemptFolder
from faena.kernel import copying
from faena.kernel.errors import NotFound, StorageFull, UserErrorException
from faena.node import bind_mounts, data, data_copies, mounts


class Node:
    """An attempt folder with a staged `train.py`, and a datastore `store` with `words/a.txt` and `words/b/c.txt`."""

    def __init__(self, path: Path) -> None:
        self.store = path / "store"
        (self.store / "words" / "b").mkdir(parents=True)
        (self.store / "words" / "a.txt").write_text("a")
        (self.store / "words" / "b" / "c.txt").write_text("c")
        self.attempt = AttemptFolder(path / "attempt")
        self.attempt.code.mkdir(parents=True)
        (self.attempt.code / "train.py").write_text("")
        self.notes: dict[str, str] = {}
        """What the reader of the run is told, by code."""

    def reference(self, name: str, mode: str, path: str = "", **options: Any) -> dict[str, Any]:
        return {
            "name": name,
            "token": f"$AZUREML_DATAREFERENCE_{name}",
            "variable": f"AZUREML_DATAREFERENCE_{name}",
            "mode": mode,
            "datastore": "store",
            "path": path,
            "dataset": "",
            "path_on_compute": "",
            "overwrite": False,
            "sources": [{"datastore": "store", "folder": str(self.store), "path": path}],
            **options,
        }

    def dataset(self, name: str, mode: str, *paths: str, **options: Any) -> dict[str, Any]:
        return {
            **self.reference(name, mode),
            "token": f"$AZUREML_DATASET_{name}",
            "variable": name,
            "datastore": "",
            "dataset": "ds-1",
            "sources": [{"datastore": "store", "folder": str(self.store), "path": path} for path in paths],
            **options,
        }

    def place(self, *inputs: dict[str, Any], arguments: list[str] | None = None) -> dict[str, Any]:
        order = {"arguments": arguments or [each["token"] for each in inputs], "inputs": list(inputs)}
        self.notes.clear()
        return data.place(order, self.attempt, lambda: None, self.notes.__setitem__)

    def bring_back(self, *inputs: dict[str, Any]) -> list[str]:
        return data.bring_back({"inputs": list(inputs)}, self.attempt)


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


@pytest.fixture
def no_mounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAENA_MOUNTS", "copy")


def files(folder: str | Path) -> list[str]:
    return sorted(
        str(Path(found, name).relative_to(folder)) for found, _, names in os.walk(folder) for name in names
    )


class TestDownloads:
    def test_a_folder_lies_beside_the_script_unless_told(self, node: Node) -> None:
        order = node.place(
            node.reference("in", "download", "words"),
            node.reference("there", "download", "words/b", path_on_compute="data/here"),
        )
        assert order["arguments"] == [str(node.attempt.data / "in"), str(node.attempt.code / "data/here")]
        assert files(order["arguments"][0]) == ["a.txt", "b/c.txt"]
        assert files(node.attempt.code) == ["data/here/c.txt", "train.py"]
        assert order["mounts"] == []

    def test_a_file_is_named_as_it_is(self, node: Node) -> None:
        order = node.place(node.reference("in", "download", "words/a.txt"))
        assert order["arguments"] == [str(node.attempt.data / "in" / "a.txt")]
        assert Path(order["arguments"][0]).read_text() == "a"

    def test_a_copy_is_the_scripts_own(self, node: Node) -> None:
        (node.store / "words" / "a.txt").chmod(0o444)
        order = node.place(node.reference("in", "download", "words"))
        (Path(order["arguments"][0]) / "a.txt").write_text("changed")
        assert (node.store / "words" / "a.txt").read_text() == "a"

    def test_what_the_source_folder_holds_is_replaced_only_when_told(self, node: Node) -> None:
        (node.attempt.code / "a.txt").write_text("mine")
        (node.attempt.code / "words").mkdir()
        (node.attempt.code / "words" / "a.txt").write_text("mine")
        kept = node.reference("in", "download", "words", path_on_compute="words")
        with pytest.raises(UserErrorException, match=r"'a.txt' already where 'in'.*overwrite=True"):
            node.place(kept)
        node.place({**kept, "overwrite": True})
        assert (node.attempt.code / "words" / "a.txt").read_text() == "a"

    def test_doing_it_again_gives_the_same(self, node: Node) -> None:
        wanted = [node.reference("in", "download", "words"), node.dataset("ds", "download", "words/**/*.txt")]
        assert node.place(*wanted) == node.place(*wanted)
        assert files(node.attempt.data) == ["ds/a.txt", "ds/b/c.txt", "in/a.txt", "in/b/c.txt"]

    def test_links_that_leave_the_datastore_are_left_out_and_told(self, node: Node) -> None:
        (node.store / "words" / "passwd").symlink_to("/etc/passwd")
        order = node.place(node.reference("in", "download", "words"))
        assert files(order["arguments"][0]) == ["a.txt", "b/c.txt"]
        assert "'words/passwd' is a link out of its folder" in node.notes["data_left_out"]


class TestMounts:
    def test_the_guard_is_told_what_to_mount_where(self, node: Node) -> None:
        order = node.place(
            node.reference("all", "mount", "words"),
            node.reference("one", "mount", "words/a.txt"),
            node.dataset("ds", "mount", "words"),
        )
        if "data_copied" in node.notes:
            pytest.skip("this kernel permits no mounts")
        assert order["mounts"] == [
            [str(node.store / "words"), str(node.attempt.data / "all")],
            [str(node.store / "words" / "a.txt"), str(node.attempt.data / "one" / "a.txt")],
            [str(node.store / "words"), str(node.attempt.data / "ds")],
        ]
        assert seen_through(order) == {
            str(node.attempt.data / "all"): ["a.txt", "b/c.txt"],
            str(node.attempt.data / "ds"): ["a.txt", "b/c.txt"],
            str(node.attempt.data / "one"): ["a.txt"],
        }
        assert files(node.attempt.data / "all") == []  # nothing of it is seen outside

    def test_a_dataset_of_many_places_is_a_folder_of_links(self, node: Node) -> None:
        order = node.place(node.dataset("ds", "mount", "words/*.txt", "words/b"))
        assert files(node.attempt.data / "ds") == ["a.txt", "b/c.txt"]
        if order["mounts"]:
            assert seen_through(order)[str(node.attempt.data / "ds")] == ["a.txt", "b/c.txt"]

    def test_they_hide_nothing_of_the_source_folder(self, node: Node) -> None:
        (node.attempt.code / "words").mkdir()
        (node.attempt.code / "words" / "mine").write_text("mine")
        with pytest.raises(UserErrorException, match=r"something at 'words' already"):
            node.place(node.reference("in", "mount", "words", path_on_compute="words"))


@pytest.mark.usefixtures("no_mounts")
class TestCopies:
    """Where no mounts are permitted."""

    def test_the_script_never_gets_the_originals(self, node: Node) -> None:
        (node.store / "words" / "none").mkdir()
        order = node.place(
            node.reference("all", "mount", "words", path_on_compute="here"),
            node.reference("one", "mount", "words/a.txt"),
            node.dataset("ds", "mount", "words/*.txt", "words/b"),
            node.dataset("id", "direct", "words"),
        )
        assert order["mounts"] == []
        here = node.attempt.code / "here"
        places = [here, node.attempt.data / "ds", node.attempt.data / "id"]
        assert [files(place) for place in places] == [["a.txt", "b/c.txt"]] * 3
        assert (here / "none").is_dir()
        copies = [place / name for place in places for name in files(place)] + [Path(order["arguments"][1])]
        for copy in copies:
            assert not copy.is_symlink()
            copy.chmod(0o644)  # what root need not do
            copy.write_text("broken")
            copy.unlink()
        assert (node.store / "words" / "a.txt").read_text() == "a"
        assert (node.store / "words" / "b" / "c.txt").read_text() == "c"
        assert not any(path.is_symlink() for path in node.attempt.path.rglob("*"))

    def test_writing_by_mistake_is_refused_as_on_a_mount(self, node: Node) -> None:
        (node.store / "words" / "a.txt").chmod(0o755)
        copy = Path(node.place(node.reference("in", "mount", "words/a.txt"))["arguments"][0])
        assert copy.stat().st_mode & 0o777 == 0o555

    def test_the_size_is_told_before_anything_is_copied(self, node: Node) -> None:
        (node.store / "words" / "large").write_bytes(bytes(3_000_000))
        seen: list[tuple[str, list[str]]] = []
        data.place(
            {"arguments": [], "inputs": [node.reference("in", "mount", "words")]},
            node.attempt,
            lambda: None,
            lambda code, message: seen.append((f"{code}: {message}", files(node.attempt.data))),
        )
        ((told, there),) = seen
        assert told.startswith("data_copied: This machine permits no mounts (FAENA_MOUNTS is 'copy')")
        assert "(3 files, 3.0 MB" in told
        assert there == []

    def test_a_disk_that_cannot_hold_them_is_told_with_both_sizes(
        self, node: Node, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        free = data_copies.KEPT_FREE + 2_000_000
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
        monkeypatch.setattr(copying, "can_share", lambda *_: False)
        (node.store / "words" / "large").write_bytes(bytes(3_000_000))
        with pytest.raises(StorageFull, match=r"3 files, 3\.0 MB.* has 258 MB free"):
            node.place(node.reference("in", "mount", "words"))
        monkeypatch.setattr(copying, "can_share", lambda *_: True)  # then they take no room
        assert files(node.place(node.reference("in", "mount", "words"))["arguments"][0]) == [
            "a.txt",
            "b/c.txt",
            "large",
        ]
        assert "shares their blocks" in node.notes["data_copied"]

    def test_links_that_leave_the_datastore_are_left_out_and_told(self, node: Node) -> None:
        (node.store / "words" / "passwd").symlink_to("/etc/passwd")
        (node.store / "words" / "again.txt").symlink_to("a.txt")
        order = node.place(node.reference("in", "mount", "words"))
        assert files(order["arguments"][0]) == ["a.txt", "again.txt", "b/c.txt"]
        assert "'passwd' is a link out of its folder" in node.notes["data_left_out"]

    def test_a_cancel_stops_the_copying(self, node: Node) -> None:
        def stop() -> None:
            raise data.Canceled

        order = {"arguments": [], "inputs": [node.reference("in", "mount", "words")]}
        with pytest.raises(data.Canceled):
            data.place(order, node.attempt, stop, lambda *_: None)


def seen_through(order: dict[str, Any]) -> dict[str, list[str]]:
    """The files below each mount's folder, as a process that entered them lists them; writing must fail there."""
    code = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import mounts
wanted = json.loads(sys.argv[2])
mounts.enter(wanted)
found = {}
for _, target in wanted:
    folder = target if os.path.isdir(target) else os.path.dirname(target)
    found[folder] = sorted(
        os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names
    )
    for name in found[folder]:
        try:
            open(os.path.join(folder, name), "a").close()
        except OSError:
            continue
        sys.exit("written: " + name)
print(json.dumps(found))
"""
    command = [sys.executable, "-c", code, str(Path(mounts.__file__).parent), json.dumps(order["mounts"])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, list[str]] = json.loads(done.stdout)
    return {folder: names for folder, names in found.items() if ".sources" not in folder}


class TestPlaces:
    def test_nothing_is_put_outside_the_attempt(self, node: Node) -> None:
        for place in ("../x", "a/../../x", "..", ".", "a\\b", "a\0b", "/x/../y", "/a\0b"):
            for mode in ("mount", "download", "upload"):
                with pytest.raises(UserErrorException, match="path_on_compute"):
                    node.place(node.reference("in", mode, "words", path_on_compute=place))
        assert sorted(found.name for found in node.attempt.path.parent.iterdir()) == ["attempt", "store"]

    @pytest.mark.parametrize(("one", "other"), [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("./a/", "a")])
    def test_they_do_not_lie_in_one_another(self, node: Node, one: str, other: str) -> None:
        with pytest.raises(UserErrorException, match=r"'one' and 'other'|'other' and 'one'"):
            node.place(
                node.reference("one", "mount", "words", path_on_compute=one),
                node.reference("other", "upload", "words", path_on_compute=other),
            )

    @pytest.mark.parametrize("mode", ["mount", "download"])
    def test_what_is_missing_is_named(self, node: Node, mode: str) -> None:
        for wanted in (
            node.reference("in", mode, "none/here"),
            node.dataset("ds", mode, "none/here"),
            node.dataset("ds", mode, "words", "none/here"),
        ):
            with pytest.raises(NotFound, match=r"datastore 'store' there is no 'none/here'"):
                node.place(wanted)
        with pytest.raises(NotFound, match=r"no file matches '\*.png'"):
            node.place(node.dataset("ds", mode, "*.png"))
        gone = node.reference("in", mode)
        gone["sources"][0]["folder"] = ""
        with pytest.raises(NotFound, match="not registered any more"):
            node.place(gone)

    @pytest.mark.parametrize("mode", ["mount", "download"])
    def test_a_link_out_of_the_datastore_is_not_given(self, node: Node, mode: str) -> None:
        (node.store / "out").symlink_to("/etc")
        for path in ("out", "out/passwd"):
            with pytest.raises(UserErrorException, match="link out"):
                node.place(node.reference("in", mode, path))

    def test_a_cancel_stops_the_copying(self, node: Node) -> None:
        def stop() -> None:
            raise data.Canceled

        order = {"arguments": [], "inputs": [node.reference("in", "download", "words")]}
        with pytest.raises(data.Canceled):
            data.place(order, node.attempt, stop, lambda *_: None)


class TestAbsolutePlaces:
    """Honoured in the script's own view of the file system, or refused: never somewhere else."""

    SCRIPT = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
import mounts
mounts.enter(json.loads(sys.argv[2]))
print(open(sys.argv[3] + "/a.txt").read(), os.listdir(sys.argv[4]), open(sys.argv[6] + "/b/c.txt").read())
for folder in sys.argv[3:7]:
    try:
        open(folder + "/new", "w").close()
        print("written")
    except OSError:
        print("refused")
open(sys.argv[7], "w").write("weights")
"""

    @pytest.fixture
    def empty(self, node: Node, tmp_path: Path) -> Path:
        """A folder with the empty folders `1` to `5`, on a machine that permits mounts."""
        if bind_mounts.refusal_of([]) is not None:
            pytest.skip("this kernel permits no mounts")
        for number in range(1, 6):
            (tmp_path / "machine" / str(number)).mkdir(parents=True)
        return tmp_path / "machine"

    def test_the_script_sees_them_and_the_machine_stays_as_it_is(self, node: Node, empty: Path) -> None:
        places = [str(empty / name) for name in ("1", "new/2", "new/3", "4", "5/model.npz")]
        given = [
            node.reference("all", "mount", "words", path_on_compute=places[0]),
            node.reference("one", "download", "words/a.txt", path_on_compute=places[1]),
            node.reference("out", "upload", "made", path_on_compute=places[2]),
            node.dataset("ds", "mount", "words/*.txt", "words/b", path_on_compute=places[3]),
            node.reference("file", "upload", "best", path_on_compute=places[4]),
        ]
        order = node.place(*given)
        assert order["arguments"] == [places[0], f"{places[1]}/a.txt", *places[2:]]
        module = str(Path(mounts.__file__).parent)
        command = [sys.executable, "-c", self.SCRIPT, module, json.dumps(order["mounts"]), *places]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert done.stdout.splitlines() == ["a ['a.txt'] c", "refused", "written", "written", "refused"]
        assert files(empty) == []
        made = f"{empty / 'new'}; {places[1]}; {places[2]}"
        assert node.notes["data_folder_made"].endswith(f"and left there empty: {made}.")
        assert [node.bring_back(data) for data in given] == [[]] * 5
        assert files(node.store) == ["best/model.npz", "made/new", "words/a.txt", "words/b/c.txt"]

    @pytest.mark.parametrize("mode", ["mount", "download", "upload"])
    def test_what_cannot_be_is_refused_by_name(self, node: Node, empty: Path, mode: str) -> None:
        (empty / "1" / "mine").write_text("mine")
        for place, reason in (
            (empty / "1", "is not empty"),
            (empty / "1" / "mine", "is no folder"),
            (empty / "1" / "mine" / "in" / "it", r"cannot be made \(Not a directory at .*mine/in\)"),
            (Path("/proc/nowhere/data"), r"cannot be made \(.* at /proc/nowhere\)"),
            ("/", "is not empty"),
        ):
            with pytest.raises(UserErrorException, match=reason) as error:
                node.place(node.reference("in", mode, "words", path_on_compute=str(place)))
            assert f"path_on_compute {str(place)!r} of 'in'" in error.value.message

    @pytest.mark.usefixtures("no_mounts")
    def test_without_mounts_they_are_refused(self, node: Node, tmp_path: Path) -> None:
        (tmp_path / "machine").mkdir()
        for mode in ("mount", "download", "upload"):
            with pytest.raises(UserErrorException, match=r"machine' of 'in' cannot.* permits no mounts"):
                node.place(node.reference("in", mode, "words", path_on_compute=str(tmp_path / "machine")))
            with pytest.raises(UserErrorException, match="permits no mounts"):
                node.place(node.reference("in", mode, "words", path_on_compute=str(tmp_path / "machine/a/b")))
        assert list((tmp_path / "machine").iterdir()) == []

    def test_they_do_not_lie_in_one_another(self, node: Node, empty: Path) -> None:
        (empty / "1" / "deep").mkdir()
        with pytest.raises(UserErrorException, match=r"'one' and 'other'|'other' and 'one'"):
            node.place(
                node.reference("one", "mount", "words", path_on_compute=str(empty / "1")),
                node.reference("other", "upload", "words", path_on_compute=str(empty / "1" / "deep")),
            )


class TestTokens:
    def test_whole_and_as_a_part_of_an_argument(self, node: Node) -> None:
        one, longer = node.reference("a", "download", "words"), node.reference("a_b", "download", "words")
        given = [
            "$AZUREML_DATAREFERENCE_a",
            "--in=$AZUREML_DATAREFERENCE_a_b/c.txt",
            "$AZUREML_DATAREFERENCE_a:$AZUREML_DATAREFERENCE_a_b",
            "$AZUREML_DATAREFERENCE_ab",
            "plain",
        ]
        first, second = str(node.attempt.data / "a"), str(node.attempt.data / "a_b")
        assert node.place(one, longer, arguments=given)["arguments"] == [
            first,
            f"--in={second}/c.txt",
            f"{first}:{second}",
            "$AZUREML_DATAREFERENCE_ab",
            "plain",
        ]

    def test_variables(self, node: Node) -> None:
        order = node.place(
            node.reference("in", "download", "words"),
            node.dataset("one", "download", "words"),
            node.dataset("two", "direct", "words"),
        )
        variables = order["data_variables"]
        assert variables["AZUREML_DATAREFERENCE_in"] == str(node.attempt.data / "in")
        assert variables["one"] == str(node.attempt.data / "one")
        assert variables["two"] == order["arguments"][2] == "ds-1"
        assert variables["AZUREML_DATASET_ENVIRONMENT_VARS"] == "one,two"
        assert json.loads(variables["FAENA_INPUTS"])["two"] == {
            "mode": "direct",
            "path": str(node.attempt.data / "two"),
            "id": "ds-1",
        }
        assert node.place()["data_variables"] == {}


class TestUploads:
    def test_the_folder_is_there_and_its_content_goes_back(self, node: Node) -> None:
        out = node.reference("out", "upload", "results")
        here = Path(node.place(out)["arguments"][0])
        (here / "deep").mkdir()
        (here / "deep" / "made.txt").write_text("made")
        for _ in range(2):
            assert node.bring_back(out) == []
        assert files(node.store / "results") == ["deep/made.txt"]

    def test_a_file_where_path_on_compute_names_one(self, node: Node) -> None:
        out = node.reference("out", "upload", "results", path_on_compute="./model.npz")
        named = node.reference("named", "upload", "models/best.npz", path_on_compute="best")
        for place in node.place(out)["arguments"]:
            Path(place).write_text("weights")
        (node.attempt.code / "best").write_text("best")
        assert node.bring_back(out, named) == []
        assert files(node.store) == ["models/best.npz", "results/model.npz", "words/a.txt", "words/b/c.txt"]

    def test_what_is_there_stays_unless_told(self, node: Node) -> None:
        out = node.reference("out", "upload", "words")
        here = Path(node.place(out)["arguments"][0])
        (here / "a.txt").write_text("changed")
        (here / "new.txt").write_text("new")
        assert node.bring_back(out) == [
            "out: 'words/a.txt' is in the datastore already, and overwrite is False"
        ]
        assert (node.store / "words" / "a.txt").read_text() == "a"
        assert (node.store / "words" / "new.txt").read_text() == "new"
        assert node.bring_back({**out, "overwrite": True}) == []
        assert (node.store / "words" / "a.txt").read_text() == "changed"

    def test_nothing_of_the_machine_goes_along_and_nothing_lands_outside(self, node: Node) -> None:
        (node.store / "sly").symlink_to(node.attempt.path)
        out, sly = node.reference("out", "upload", "results"), node.reference("sly", "upload", "sly/x")
        first, second = (Path(place) for place in node.place(out, sly)["arguments"])
        (first / "passwd").symlink_to("/etc/passwd")
        (first / "etc").symlink_to("/etc")
        (first / "new\nline").write_text("x")
        os.mkfifo(first / "pipe")
        (second / "x.txt").write_text("x")
        refused = node.bring_back(out, sly)
        assert len(refused) == 5
        assert any("link out" in reason for reason in refused if reason.startswith("sly"))
        assert files(node.store) == ["words/a.txt", "words/b/c.txt"]
        assert not (node.attempt.path / "x").exists()

    def test_a_place_that_the_script_made_a_link_is_not_followed(self, node: Node) -> None:
        out = node.reference("out", "upload", "results")
        here = Path(node.place(out)["arguments"][0])
        here.rmdir()
        here.symlink_to("/etc")
        assert node.bring_back(out) == ["out: its place became a link"]
        here.unlink()
        assert node.bring_back(out) == []

    def test_a_datastore_that_is_gone_is_told(self, node: Node) -> None:
        out = node.reference("out", "upload", "results")
        (Path(node.place(out)["arguments"][0]) / "x").write_text("x")
        out["sources"][0]["folder"] = str(node.store / "gone")
        assert "There is no 'folder'" in node.bring_back(out)[0]
        assert not (node.store / "gone").exists()
