"""Whatever a run may be called and hold under which names: what can be exported can be imported, and is the same."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from faena.kernel import file_names
from faena.portable.naming import places_of_files, places_of_logs
from faena.runs import record_store, store
from faena.runs.engine.batches import _apply
from faena.tracking import files as run_files
from faena.tracking import query
from faena.tracking.model import Event, StreamKey
from tests.examples import examples
from tests.portable.places import RUN, Place
from tests.tracking import frames

ODD = [
    "outputs/a\\b.txt",
    "outputs/CON",
    "outputs/aux.txt",
    "outputs/a",
    "outputs/a/b",
    "outputs/A/B",
    "outputs/É",
    "outputs/E\u0301",
    "outputs/trailing.",
    "outputs/trailing /x",
    "outputs/" + "n" * 255,
    "outputs/" + "n" * 256,
    "outputs/" + "é" * 200,
    "/".join(["outputs", *["d" * 100] * 9]),
    "manifest.json",
    "children/x",
    ".renamed/x",
    ".long-names/x",
    "run.json",
    ".unfinished",
    "~",
    "-rf *",
    "a:b?<>|\"'",
    "\U0001f600/\u202egnp.exe",
    "outputs/ß",
    "outputs/ss",
]
LETTERS = st.sampled_from(list("aAbéE\u0301\\ .:*\u202e\U0001f600ßSs\u00a0\u2028#%?~-")) | st.characters(
    codec="utf-8"
)
PARTS = st.text(LETTERS, min_size=1, max_size=6) | st.sampled_from(["CON", "nul.txt", "a", "A", "x" * 256])
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join) | st.sampled_from(ODD)
FILES = st.lists(NAMES.filter(lambda name: file_names.refusal(name) is None), max_size=8, unique=True)
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


@given(FILES, st.booleans())
@example(ODD, True)
def test_places_are_files_of_their_own_wherever_the_folder_is_copied(names: list[str], outputs: bool) -> None:
    given_names = list(dict.fromkeys(f"outputs/{name}" if outputs else name for name in names))
    for places in (places_of_files(given_names), places_of_logs(1, 0, given_names)):
        assert places.keys() == set(given_names)
        folded = {path.casefold() for path in places.values()}
        assert len(folded) == len(given_names), "also where case is not told apart"
        above = {
            "/".join(path.split("/")[:count]) for path in folded for count in range(1, path.count("/") + 1)
        }
        assert not above & folded, "none is a file here and a folder there"
        assert all(file_names.refusal(path) is None and "\\" not in path for path in places.values())
        assert all(len(part.encode()) <= 255 for path in places.values() for part in path.split("/"))


def test_plain_names_stay() -> None:
    assert places_of_files(["outputs/model.npz", "logs/train.log", "a b/ü.txt"]) == {
        "outputs/model.npz": "outputs/model.npz",
        "logs/train.log": "files/logs/train.log",
        "a b/ü.txt": "files/a b/ü.txt",
    }


@pytest.mark.long
@given(
    files=FILES,
    logs=FILES,
    metrics=st.lists(TEXT.filter(bool), max_size=4, unique=True),
    tags=st.dictionaries(TEXT, TEXT, max_size=3),
    said=TEXT,
    arguments=st.dictionaries(TEXT.filter(bool), TEXT, max_size=3),
)
@example(
    files=ODD,
    logs=ODD,
    metrics=["=cmd()", "a\nb", "x" * 255],
    tags={"": "x", "a\tb": "\0", "k": ""},
    said="\0\u202e",
    arguments={"p\n": "\0"},
)
@settings(max_examples=examples(4))
def test_a_run_of_any_names_comes_back_as_it_was(
    files: list[str],
    logs: list[str],
    metrics: list[str],
    tags: dict[str, str],
    said: str,
    arguments: dict[str, str],
) -> None:
    root = Path(tempfile.mkdtemp(prefix="faena-test-"))
    here, there = Place(root / "here"), Place(root / "there")
    try:
        here.add_run()
        here.put_files({name: name.encode() for name in files})
        for name in logs:
            here.append(f"log/{name}", name.encode())
        for number, name in enumerate(metrics):
            here.append(f"spool/{number}", frames.name(0, name) + frames.number(0.5, 0, time=7))
        _describe(here, tags, said, arguments)
        here.export(root / "run")
        assert there.take(root / "run").imported == [RUN]
        assert _all_of(there) == _all_of(here)
        assert there.take(root / "run").imported == [], "the same run"
        there.export(root / "again")
    finally:
        here.database.close()
        there.database.close()
        shutil.rmtree(root)


def _describe(place: Place, tags: dict[str, str], said: str, arguments: dict[str, str]) -> None:
    """As a script says it, by events that nobody has checked before; what is refused is not there to be exported."""
    events = tuple(Event("tag", 1, {"key": key, "value": value}) for key, value in tags.items())
    spool = StreamKey(RUN, 1, 0, "spool/1")
    place.write(
        lambda write: _apply(write, spool, (*events, Event("note", 1, {"code": said, "message": said})))
    )
    place.write(
        lambda write: record_store.add_parameters(
            write, RUN, {key[:255]: value for key, value in arguments.items()}
        )
    )
    place.write(lambda write: store.update(write, RUN, {"message": said, "description": said}))


def _all_of(place: Place) -> dict[str, object]:
    return {
        "files": [(file.name, file.digest) for file in place.read(lambda read: run_files.files(read, RUN))],
        "logs": {
            log.name: place.read(
                lambda read, name=log.name: query.log_text(read, place.objects, RUN, name)
            ).data
            for log in place.read(lambda read: query.logs(read, RUN))
        },
        "metrics": place.metrics(),
        "tags": place.read(lambda read: record_store.list_tags(read, [RUN])),
        "notes": place.read(lambda read: record_store.list_notes(read, RUN)),
        "parameters": place.read(lambda read: record_store.list_parameters(read, [RUN])),
        "said": place.read(lambda read: [run.message for run in [store.get(read, RUN)] if run is not None]),
    }
