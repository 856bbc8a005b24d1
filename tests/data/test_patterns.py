from __future__ import annotations

import time

import pytest

from faena.data import patterns


@pytest.mark.parametrize(
    ("pattern", "path", "meant"),
    [
        ("a/*.png", "a/1.png", True),
        ("a/*.png", "a/b/1.png", False),
        ("a/*.png", "a/1.txt", False),
        ("**/*.png", "1.png", True),
        ("**/*.png", "a/b/1.png", True),
        ("a/**", "a/b/c", True),
        ("a/**", "b/c", False),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("*/c", "a/c", True),
        ("*", "a/c", False),
        ("[x]*", "[x]1", True),
        ("[x]*", "x1", False),
        ("?*", "a1", False),
        ("week */x", "week 27/x", True),
    ],
)
def test_which_files_a_pattern_means(pattern: str, path: str, meant: bool) -> None:
    assert patterns.matches(pattern, path) is meant


def test_the_folder_that_all_matches_lie_in() -> None:
    assert patterns.fixed_part("a/b/*.png") == "a/b"
    assert patterns.fixed_part("**/x") == ""
    assert patterns.fixed_part("a/b") == "a/b"


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("**/a/" * 200 + "b", "a/" * 1000 + "c"), ("a*" * 100 + "b", "a" * 255), ("*" * 2000, "a" * 255)],
)
def test_no_pattern_takes_long(pattern: str, path: str) -> None:
    begun = time.process_time()
    assert patterns.matches(pattern, path) is (set(pattern) == {"*"})
    assert time.process_time() - begun < 5
