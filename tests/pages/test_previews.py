"""What a run logged or wrote is drawn where it can be, and else is text or a refusal; nothing of it runs."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import numpy as np
import pytest

from faena.db import Write
from faena.runs import store
from faena.runs.model import SCRIPT_RUN, Run, RunStatus
from faena.runs.submission_schemas import Submission
from faena.server.pages.previews import charted, contents, images
from faena.tracking import files as run_files
from faena.tracking import ingest
from faena.tracking.model import StoredFile, StreamKey
from faena.workspaces import store as workspaces
from tests.pages.test_pages import EVIL, Document
from tests.server.house import Running, Visitor, running
from tests.tracking import frames

RUN = "drawn_1_00000001"
NOW = 1_790_000_000_000_000
KEPT = "aml://artifactId/ExperimentRun/dcid."


def png(width: int = 2, height: int = 1) -> bytes:
    """A black one; what it says of its size need not be true."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0\0")) + chunk(b"IEND", b"")


def npz(values: dict[str, Any], save: Any = np.savez) -> bytes:
    made = io.BytesIO()
    save(made, **values)
    return made.getvalue()


def npy(value: Any) -> bytes:
    made = io.BytesIO()
    np.save(made, value)
    return made.getvalue()


def chart(kind: str, **data: Any) -> bytes:
    return json.dumps({"schema_type": kind, "schema_version": "v1", "data": data}).encode()


MATRIX = chart("confusion_matrix", class_labels=[EVIL, "seven"], matrix=[[90, 10], [3, 97]])
TABLE = [[[10, 90, 0, 0], [9, 20, 70, 1], [0, 0, 90, 10]]]
FILES = {
    "curve_1.png": png(),
    "curve_2.png": png(),
    "matrix": MATRIX,
    "accuracy": chart("accuracy_table", probability_tables=TABLE, class_labels=[EVIL]),
    "residuals": chart("residuals", bin_edges=[-1, 0, 1, 2], bin_counts=[5, 70, 4]),
    "predictions": chart(
        "predictions", bin_edges=[0, 1, 2], bin_averages=[0.4, 1.6], bin_errors=[0.1, 0.2], bin_counts=[3, 4]
    ),
    "outputs/page.html": EVIL.encode(),
    "outputs/drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "outputs/really.png": b"<html>" + EVIL.encode(),
    "outputs/cells.csv": f'name,value\n"{EVIL.replace(chr(34), "")}, quoted",1.5\nb,2\n'.encode(),
    "outputs/arrays.npz": npz({"<script>": np.zeros((3, 4), np.float32), "y": np.arange(7)}),
    "outputs/words.npy": npy(np.array([{}], object)),
    "outputs/binary.bin": bytes(range(256)) * 4,
    "outputs/empty.txt": b"",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("previews")) as found:
        put = found.house.objects.files.put
        stored = {name: StoredFile(*put([data])) for name, data in FILES.items()}
        found.house.database.submit_write(lambda write: _fill(write, stored)).result()
        yield found


def _fill(write: Write, stored: dict[str, StoredFile]) -> None:
    workspaces.create_experiment(write, "drawn", NOW)
    submission = Submission(experiment="drawn", snapshot="", script="train.py", cluster="cpu")
    run = Run(
        id=RUN,
        experiment="drawn",
        number=1,
        status=RunStatus.RUNNING,
        version=1,
        user="u",
        cluster="cpu",
        node_count=1,
        snapshot="",
        submission=msgspec.json.encode(submission),
        created_at=NOW,
        parent=None,
        type=SCRIPT_RUN,
        name=None,
        attempt=1,
    )
    store.add(write, run)
    run_files.put_files(write, RUN, stored, NOW)
    logged: list[tuple[str, dict[str, Any]]] = [
        ("scalar", {"name": name, "value": f"{KEPT}{RUN}/{file}"})
        for name, file in (
            ("curve", "curve_1.png"),
            ("curve", "curve_2.png"),
            *((each, each) for each in ("matrix", "accuracy", "residuals", "predictions")),
            ("gone", "none.png"),
            ("page", "outputs/page.html"),
        )
    ]
    logged += [
        ("scalar", {"name": "elsewhere", "value": f"{KEPT}other_run/x.png"}),
        ("row", {"name": "line", "columns": {"x": 1, "y": 10}}),
        ("row", {"name": "line", "columns": {"x": 2, "y": 30.5}}),
        ("table", {"name": EVIL, "columns": {EVIL: [EVIL, "b"], "n": [1, None]}}),
        ("list", {"name": "words", "values": [EVIL, "two"]}),
    ]
    data = b"".join(frames.event(op, time=at, **given) for at, (op, given) in enumerate(logged))
    ingest.append(write, StreamKey(RUN, 1, 0, "spool/7-0a1b2c3d"), 0, data, NOW)


@pytest.fixture(scope="module")
def browser(server: Running) -> Visitor:
    return server.browser()


def looked_at(browser: Visitor, name: str) -> Document:
    return Document(browser.get(f"/ui/runs/{RUN}/preview/{quote(name)}", Accept="text/html").text)


def nothing_runs(document: Document) -> None:
    assert document.tags.count("script") == 1, "our own module"
    assert not [name for name, _ in document.attributes if name.startswith("on")]
    sources = [value for name, value in document.attributes if name in ("src", "href")]
    assert [value for value in sources if not value.startswith(("/ui/", "#"))] == []


def test_what_was_logged_is_drawn(browser: Visitor) -> None:
    text = browser.get(f"/ui/runs/{RUN}").text
    document = Document(text)
    nothing_runs(document)
    assert "{'x'" not in text
    shown = [value for name, value in document.attributes if name == "src" and "/images/" in value]
    assert shown == [f"/ui/runs/{RUN}/images/curve_{each}.png" for each in (2, 1)], "the latest first"
    for part in ("Confusion matrix", "93.5% on the diagonal", "Accuracy table", "Residuals", "Predictions"):
        assert part in document.text
    drawn = [value for name, value in document.attributes if name == "aria-label"]
    assert "ROC over false positive rate" in drawn
    assert f"{EVIL[:40]}…" in document.text, "a label of the matrix"
    assert document.text.count(EVIL) >= 4
    assert "Run drawn_1_00000001 has no file 'none.png'" in document.text
    assert f"{KEPT}other_run/x.png" in document.text, "of another run: not ours to show"
    assert document.tags.count("svg") >= 5


@pytest.mark.long
def test_of_many_large_charts_those_are_drawn_that_there_is_time_for(
    server: Running, browser: Visitor
) -> None:
    large = chart("confusion_matrix", class_labels=list(map(str, range(150))), matrix=[[10**9] * 150] * 150)
    large += b" " * (3_000_000 - len(large))
    stored = StoredFile(*server.house.objects.files.put([large]))

    def add(write: Write) -> None:
        run = store.get(write, RUN)
        assert run is not None
        store.add(write, msgspec.structs.replace(run, id="heavy", number=2))
        run_files.put_files(write, "heavy", {f"m{each}": stored for each in range(20)}, NOW)
        logged = (
            frames.event("scalar", time=each, name=f"m{each}", value=f"{KEPT}heavy/m{each}")
            for each in range(20)
        )
        ingest.append(write, StreamKey("heavy", 1, 0, "spool/7-0a1b2c3d"), 0, b"".join(logged), NOW)

    server.house.database.submit_write(add).result()
    page = Document(browser.get("/ui/runs/heavy").text)
    assert page.text.count("Confusion matrix") == 2, "8 MiB of them"
    assert [name for name in ("m0", "m19") if ("href", f"/ui/runs/heavy/preview/{name}") in page.attributes]
    assert "Confusion matrix" in Document(browser.get("/ui/runs/heavy/preview/m19").text).text


def test_images_are_known_by_their_bytes(browser: Visitor) -> None:
    answer = browser.get(f"/ui/runs/{RUN}/images/curve_1.png")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, png(), "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"
    policies = browser.get_all(f"/ui/runs/{RUN}/images/curve_1.png", "content-security-policy")
    assert "default-src 'none'; sandbox" in policies
    for other in (
        "outputs/page.html",
        "outputs/drawing.svg",
        "outputs/really.png",
        "matrix",
        "none",
        "../token",
    ):
        assert browser.get(f"/ui/runs/{RUN}/images/{other}").status == 404, other


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("outputs/page.html", EVIL),
        ("outputs/drawing.svg", 'onload="alert(1)"'),
        ("outputs/really.png", EVIL),
        ("outputs/cells.csv", ", quoted"),
        ("outputs/arrays.npz", "<script>(3, 4)float3212"),
        ("outputs/words.npy", "objects, which only pickle could read"),
        ("outputs/binary.bin", "This file is not text."),
        ("outputs/empty.txt", "This file is empty."),
        ("matrix", "Confusion matrix"),
    ],
)
def test_a_file_is_looked_at(browser: Visitor, name: str, said: str) -> None:
    document = looked_at(browser, name)
    nothing_runs(document)
    assert said in document.text
    assert "img" not in document.tags
    assert ("href", f"/ui/runs/{RUN}/files/{quote(name)}") in document.attributes


def test_an_image_is_looked_at_and_what_is_not_there_is_told(browser: Visitor) -> None:
    assert ("src", f"/ui/runs/{RUN}/images/curve_1.png") in looked_at(browser, "curve_1.png").attributes
    assert browser.get(f"/ui/runs/{RUN}/preview/none").status == 404
    assert browser.get(f"/ui/runs/{RUN}/preview/%2e%2e/%2e%2e/token").status == 404


def preview(name: str, data: bytes) -> contents.Preview:
    return contents.preview(name, io.BytesIO(data), len(data))


class TestContents:
    @pytest.mark.parametrize(
        "data",
        [
            png(60_000, 60_000),
            b"GIF89a" + struct.pack("<HH", 0, 0),
            b"\x89PNG\r\n\x1a\n",
            b"RIFF....WAVE",
            b"<svg/>",
            b"",
        ],
    )
    def test_what_is_no_image_or_enormous_is_none(self, data: bytes) -> None:
        assert images.media_type(data[: images.HEAD]) == ""

    def test_a_table_is_its_first_rows(self) -> None:
        text = "a;b\n" + "".join(f"{each};x\n" for each in range(90_000))
        found = preview("t.csv", text.encode())
        assert found.table is not None and found.is_cut
        assert (found.table.columns, len(found.table.rows), found.table.all_rows) == (("a", "b"), 100, None)

    def test_ragged_lines_and_byte_order_marks_are_borne(self) -> None:
        found = preview("t.csv", b"\xef\xbb\xbfa,b\n1\n\n1,2,3\n").table
        assert found is not None
        assert found.columns == ("a", "b", "")
        assert [[cell.text for cell in row] for row in found.rows] == [["1", "", ""], ["1", "2", "3"]]
        assert preview("t.csv", "ä,b\n1,2\n".encode("utf-16")).table is not None
        latin = preview("t.csv", "Köln,b\n1,2\n".encode("latin-1")).table
        assert latin is not None and latin.columns == ("Köln", "b")

    def test_a_cut_goes_through_no_character(self) -> None:
        found = preview("t.txt", "é".encode() * 300_000)
        assert found.is_cut and "\ufffd" not in found.text

    def test_arrays_are_summarised_by_their_headers(self) -> None:
        values: dict[str, Any] = {"a": np.zeros((2, 0)), "b": np.array(1, ">i8"), "c": np.array(["ab"])}
        data = npz(values | {"d": np.zeros(2, "i4,f8")}, np.savez_compressed)
        found = preview("a.npz", data).arrays
        assert found is not None
        assert [(each.name, each.shape, each.type) for each in found.found[:3]] == [
            ("a", "(2, 0)", "float64"),
            ("b", "()", "int64, big-endian"),
            ("c", "(1,)", "text of 2 characters"),
        ]
        assert found.found[3].type.startswith("[('f0'")

    def test_an_archive_that_is_none_or_a_trap_is_refused(self) -> None:
        many = io.BytesIO()
        with zipfile.ZipFile(many, "w") as archive:
            for each in range(9_000):
                archive.writestr(f"{'x' * 1_000}{each}", b"")
        assert "too many members" in preview("a.npz", many.getvalue()).said
        whole = npz({"a": np.zeros(3)})
        assert preview("a.npz", whole[:-30]).said
        assert preview("a.npz", whole[:60] + bytes(40) + whole[100:]).said or preview("a.npz", whole).arrays
        trap = b"\x93NUMPY\x01\x00" + struct.pack("<H", 40) + b"{'descr': __import__('os').system('x')}\n "
        assert "not as numpy writes it" in preview("a.npy", trap).said
        assert preview("a.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 31)).said

    @pytest.mark.parametrize(
        "data",
        [
            {"class_labels": ["a"], "matrix": [["x"]]},
            {"class_labels": [], "matrix": [[1, 2], [None]]},
            {"class_labels": None, "matrix": [[10**400, float("nan")], [float("inf"), True]]},
            {"class_labels": [str(each) for each in range(200)], "matrix": [[1] * 200] * 200},
        ],
    )
    def test_any_matrix_is_borne(self, data: Any) -> None:
        found = charted.read(chart("confusion_matrix", **data))
        assert found is not None and found.matrix is not None
        assert found.matrix.size == min(150, len(data["matrix"]))

    @pytest.mark.parametrize(
        "kind", ["accuracy_table", "residuals", "predictions", "none", "confusion_matrix"]
    )
    @pytest.mark.parametrize("value", [None, [], [[]], [[[1]]], [1e308, -1e308, 1e308], ["x"], {"a": 1}])
    def test_any_lists_are_borne(self, kind: str, value: Any) -> None:
        names = ("probability_tables", "bin_edges", "bin_counts", "bin_averages", "bin_errors", "matrix")
        found = charted.read(chart(kind, **dict.fromkeys(names, value)))
        for plot in found.plots if found else ():
            drawn = [plot.bars, plot.errors, *(line.path for line in plot.lines)]
            assert not [path for path in drawn if "nan" in path or "inf" in path]
