"""What differs between two source folders."""

from __future__ import annotations

import time

from faena.client.comparison import Section
from faena.comparison.code import LONGEST, compare
from faena.data.schemas import SnapshotFile
from faena.kernel import digests


class Folders:
    """Two source folders; what is read of them is noted."""

    def __init__(self, left: dict[str, bytes], right: dict[str, bytes]) -> None:
        self.bytes = {digests.of_bytes(data): data for data in (*left.values(), *right.values())}
        self.read: list[bytes] = []
        self.section = compare(self._files(left), self._files(right), self._read)

    @staticmethod
    def _files(folder: dict[str, bytes]) -> list[SnapshotFile]:
        return [
            SnapshotFile(path.rstrip("*"), len(data), digests.of_bytes(data), path.endswith("*"))
            for path, data in folder.items()
        ]

    def _read(self, digest: str) -> bytes:
        self.read.append(self.bytes[digest])
        return self.bytes[digest]


def _texts(section: Section) -> dict[str, str]:
    return {change.name: change.text for change in section.changes}


def test_changed_added_and_removed_files_are_shown_and_equal_ones_not_read() -> None:
    left = {"same.py": b"s\n", "train.py": b"a\nb\nc\n", "old.py": b"o\n", "end": b"x"}
    right = {"same.py": b"s\n", "train.py": b"a\nB\nc\n", "new.py": b"n\n", "end": b"x\n"}
    found = Folders(left, right)
    assert found.section.same == 1 and b"s\n" not in found.read
    assert {change.name: change.kind for change in found.section.changes} == {
        "train.py": "changed",
        "old.py": "removed",
        "new.py": "added",
        "end": "changed",
    }
    assert _texts(found.section) == {
        "train.py": "--- a/train.py\n+++ b/train.py\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n",
        "old.py": "--- a/old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-o\n",
        "new.py": "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+n\n",
        "end": "--- a/end\n+++ b/end\n@@ -1 +1 @@\n-x\n\\ No newline at end of file\n+x\n",
    }


def test_what_is_no_text_or_large_is_named_and_large_files_are_not_read() -> None:
    large = b"y" * (LONGEST + 1)
    left = {"w.bin": b"\0a", "latin": b"\xe9", "large.txt": b"x"}
    right = {"w.bin": b"\0b", "latin": b"\xe8", "large.txt": large}
    found = Folders(left, right)
    assert set(_texts(found.section).values()) == {""}
    assert {change.name: change.right for change in found.section.changes} == {
        "w.bin": "2 bytes, binary",
        "latin": "1 byte, binary",
        "large.txt": "1,048,577 bytes, too large to show",
    }
    assert large not in found.read


def test_a_moved_file_says_where_and_a_mode_what() -> None:
    found = Folders({"a.py": b"code\n", "run.sh": b"x\n"}, {"b.py": b"code\n", "run.sh*": b"x\n"})
    said = {change.name: (change.left, change.right) for change in found.section.changes}
    assert said["a.py"] == ("5 bytes, moved to b.py", None)
    assert said["b.py"] == (None, "5 bytes, moved from a.py")
    assert said["run.sh"] == ("2 bytes, not executable", "2 bytes, executable")
    assert set(_texts(found.section).values()) == {""}


def test_only_line_feeds_end_lines() -> None:
    found = Folders({"a": b"x\x0cy\rz\n"}, {"a": b"x\x0cy\rw\n"})
    assert "-x\x0cy\rz\n+x\x0cy\rw\n" in _texts(found.section)["a"]


def test_the_largest_texts_take_seconds_at_most() -> None:
    left = b"".join(b"%d\n" % (number * 7919 % 97) for number in range(10_000))
    right = b"".join(b"%d\n" % (number * 104729 % 89) for number in range(10_000))
    began = time.process_time()
    found = Folders({"a": left}, {"a": right})
    assert found.section.changes and time.process_time() - began < 10
