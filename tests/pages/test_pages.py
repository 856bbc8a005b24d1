"""What the page shows, read as a browser reads it: whatever people and scripts called things, it is text."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from faena.compute import service as clusters
from faena.compute.kinds import ClusterKind
from faena.compute.machines import service as machines
from faena.compute.machines.schemas import JoinRequest, JoinTokenRequest
from faena.compute.schemas import ClusterRequest
from faena.db import Write
from faena.models import service as models
from faena.models.schemas import Registration
from faena.runs import phase_store, record_store, store
from faena.runs.model import SCRIPT_RUN, EndReason, Run, RunStatus
from faena.runs.submission_schemas import Submission
from faena.server.pages import streams, words
from faena.server.pages.console import Console, shown
from faena.tracking import files as run_files
from faena.tracking import ingest
from faena.tracking.model import StoredFile, StreamKey
from faena.vendored import UPLOT
from faena.workspaces import store as workspaces
from tests.server.house import Running, Visitor, running
from tests.tracking import frames

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}"
LOG = f"{EVIL}\n\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07\nbar 1\rbar 2\rbar 3\n"
RUN = "evil_1_00000001"
_NAMED = f'"{EVIL.replace(chr(34), chr(34) * 2)}"'
_ALL_NAMED = ", ".join(f"{kind}.{_NAMED}" for kind in ("metrics", "tags", "properties"))
EVIL_COLUMNS = f"columns={quote(_ALL_NAMED)}&group={quote(f'tags.{_NAMED}')}&open={quote(f'={EVIL}')}&open=-"
"""What was called so as columns, and as what rows are grouped by."""


class Document(HTMLParser):
    """Its elements and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("pages")) as found:
        objects = found.house.objects.files
        stored = {
            f"outputs/{EVIL.replace('/', '_')}.html": StoredFile(*objects.put([EVIL.encode()])),
            "outputs/m": StoredFile(*objects.put([b"m"])),
        }
        found.house.database.submit_write(lambda write: _fill(write, stored)).result()
        yield found


def _fill(write: Write, stored: dict[str, StoredFile]) -> None:
    now = 1_790_000_000_000_000
    workspaces.create_experiment(write, "evil", now)
    submission = Submission(
        experiment="evil",
        snapshot="",
        script="train.py",
        cluster="cpu",
        arguments=("--name", EVIL),
        git={"commit": EVIL, "branch": EVIL, "remote": EVIL, "dirty": True},
        environment_name=EVIL,
    )
    run = Run(
        id=RUN,
        experiment="evil",
        number=1,
        status=RunStatus.RUNNING,
        version=1,
        user=EVIL,
        cluster="cpu",
        node_count=1,
        snapshot="",
        submission=msgspec.json.encode(submission),
        created_at=now,
        parent=None,
        type=SCRIPT_RUN,
        name=EVIL,
        attempt=1,
    )
    store.add(write, run)
    ended = {
        "status": "Failed",
        "reason": EndReason.EXIT_CODE.value,
        "message": EVIL,
        "last_lines": msgspec.json.encode([EVIL]),
        "started_at": now,
        "ended_at": now + 1_000_000,
    }
    store.update(write, RUN, ended)
    phase_store.begin_phase(write, RUN, "Running", 1, now)
    record_store.set_tags(write, RUN, {EVIL: EVIL})
    record_store.add_properties(write, RUN, {EVIL: EVIL})
    record_store.add_parameters(write, RUN, {"name": EVIL})
    record_store.add_note(write, RUN, "evil", EVIL)
    record_store.add_note(write, RUN, f"answered:boston:{EVIL}"[:64], EVIL)
    run_files.put_files(write, RUN, stored, now)
    spool = StreamKey(RUN, 1, 0, "spool/7-0a1b2c3d")
    data = frames.name(0, EVIL) + b"".join(frames.number(0.5 + at, time=at, step=at) for at in range(10))
    ingest.append(write, spool, 0, data + frames.event("scalar", name="text", value=EVIL), now)
    ingest.append(write, StreamKey(RUN, 1, 0, "log/azureml-logs/70_driver_log.txt"), 0, LOG.encode(), now)
    asked = Registration(run_id=RUN, path="outputs/m", description=EVIL, tags={EVIL: EVIL})
    models.register(write, "net", "request-1", asked, now)


@pytest.fixture(scope="module")
def browser(server: Running) -> Visitor:
    return server.browser()


@pytest.mark.parametrize(
    "path",
    [
        "/ui/runs",
        f"/ui/runs/{RUN}",
        "/ui/models",
        "/ui/clusters",
        f"/ui/runs?filter={quote(EVIL)}",
        f"/ui/runs?experiment={quote(EVIL)}",
        f"/ui/runs?sort={quote(EVIL)}",
        f"/ui/runs?columns={quote(EVIL)}",
        f"/ui/runs?group={quote(EVIL)}",
        f"/ui/runs?{EVIL_COLUMNS}",
        f"/ui/runs/{quote(EVIL.replace('/', '_'))}",
        f"/ui/runs/{RUN}?log={quote(EVIL)}",
    ],
)
def test_what_was_called_so_is_text(browser: Visitor, path: str) -> None:
    answer = browser.get(path, Accept="text/html")
    assert answer.status < 500
    document = Document(answer.text)
    assert document.tags.count("script") <= 1, "our own module and no other"
    assert "img" not in document.tags
    assert not [name for name, _ in document.attributes if name.startswith("on")]
    assert not [value for _, value in document.attributes if value.lower().startswith("javascript:")]
    assert "49" not in re.findall(r"\b49\b", document.text), "no template is made of what was given"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_run_is_told_whole(browser: Visitor) -> None:
    text = Document(browser.get(f"/ui/runs/{RUN}").text).text
    assert text.count(EVIL) >= 10
    for part in (
        "Failed",
        "Metrics",
        "Parameters",
        "Tags",
        "Files",
        "net:1",
        "bar 3",
        "red link",
        "boston asked for at",
    ):
        assert part in text
    assert "bar 2" not in text, "a progress bar is one line"
    assert "\x1b" not in text
    assert "evil.example" not in text
    assert words.unbroken("a.py --lr <b>") == 'a.py <span class="word">--lr</span> &lt;b&gt;'


def test_of_thousands_of_tags_the_first_are_shown(server: Running, browser: Visitor) -> None:
    many = "many_1_00000001"

    def add(write: Write) -> None:
        run = store.get(write, RUN)
        assert run is not None
        store.add(write, msgspec.structs.replace(run, id=many, number=2))
        record_store.set_tags(write, many, {f"t{each:04}": "v" for each in range(3_000)})
        record_store.set_tags(write, many, {"a long one": "x" * 100_000})
        store.update(write, many, {"description": "word " * 20_000})

    server.house.database.submit_write(add).result()
    document = Document(browser.get(f"/ui/runs/{many}").text)
    assert "t0198" in document.text and "t0199" not in document.text
    assert "and 2,801 more" in document.text
    boxes = [value for name, value in document.attributes if name == "aria-label"]
    assert "a long one" in boxes and "Note" in boxes, "what is long is in a box that scrolls"
    assert "x" * 100_000 in document.text and "t0000" not in boxes


def test_of_many_children_the_first_are_shown(server: Running, browser: Visitor) -> None:
    parent = "parent_1_00000001"

    def add(write: Write) -> None:
        run = store.get(write, RUN)
        assert run is not None
        store.add(write, msgspec.structs.replace(run, id=parent, number=3))
        for each in range(120):
            child = msgspec.structs.replace(
                run, id=f"{parent}_{each:03}", parent=parent, name=None, number=4 + each
            )
            store.add(write, child)
        below = msgspec.structs.replace(
            run, id=f"{parent}_b", parent=f"{parent}_000", name="grandchild", number=200
        )
        store.add(write, below)

    server.house.database.submit_write(add).result()
    document = Document(browser.get(f"/ui/runs/{parent}").text)
    assert f"{parent}_099" in document.text and f"{parent}_100" not in document.text
    assert "and 20 more" in document.text
    assert "1 below" in document.text and "grandchild" not in document.text, (
        "what is below is read when it is opened"
    )
    rest = Document(browser.get(f"/ui/runs/{parent}/children?from=100").text)
    assert f"{parent}_119" in rest.text and f"{parent}_099" not in rest.text and "more" not in rest.text
    opened = Document(browser.get(f"/ui/runs/{parent}_000/children").text)
    assert "grandchild" in opened.text and opened.tags.count("script") == 1 and "img" not in opened.tags
    assert "child of" in Document(browser.get(f"/ui/runs/{parent}_000").text).text


def test_curves_of_several_runs_and_names_come_in_one_answer(browser: Visitor) -> None:
    asked = f"run={RUN}&run=none&name={quote(EVIL, safe='')}&name=none"
    answer = browser.get(f"/ui/curves?{asked}")
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int.from_bytes(answer.body[:4], "little")
    [chart] = msgspec.json.decode(answer.body[4 : 4 + length])["charts"]
    assert (chart["name"], chart["axis"], chart["x"]["count"]) == (EVIL, "step", 10)
    [curve] = chart["curves"]
    assert (curve["run"], curve["last"]) == (RUN, 9.5)
    assert browser.get(f"/ui/runs/{RUN}/curve-names").json == [EVIL]
    assert browser.get("/ui/runs/none/curve-names").status == 404
    for wrong in ("buckets=5", "axis=no", "from=x"):
        assert browser.get(f"/ui/curves?{asked}&{wrong}").status == 400


def test_files_are_saved_and_never_shown(browser: Visitor) -> None:
    name = quote(f"outputs/{EVIL.replace('/', '_')}.html")
    answer = browser.get(f"/ui/runs/{RUN}/files/{name}")
    assert answer.body == EVIL.encode()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    for other in ("../../faena.db", "outputs/none", "%2e%2e%2ftoken", "//etc/passwd"):
        assert browser.get(f"/ui/runs/{RUN}/files/{other}").status == 404
    log = browser.get(f"/ui/runs/{RUN}/files/azureml-logs/70_driver_log.txt")
    assert log.body == LOG.encode()


def test_an_error_of_the_filter_points_at_the_place(browser: Visitor) -> None:
    answer = browser.get(f"/ui/runs?filter={quote('metrics.loss > a')}")
    assert answer.status == 400
    assert "metrics.loss &gt; a" in answer.text
    assert re.search(r"\n\s+\^", answer.text)


def test_static_files_may_be_kept(browser: Visitor) -> None:
    page = Document(browser.get("/ui/runs").text)
    [module] = [value for name, value in page.attributes if name == "src"]
    answer = browser.get(module)
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    assert browser.get(module.replace("runs.whole.js", "../rendering.py")).status == 404


def test_the_charts_library_is_ours_to_serve_and_is_what_its_version_says(browser: Visitor) -> None:
    page = Document(browser.get("/ui/runs").text)
    [module] = [value for name, value in page.attributes if name == "src"]
    version = (UPLOT / "VERSION").read_text()
    for name, kind in (("uPlot.esm.js", "text/javascript"), ("uPlot.min.css", "text/css")):
        answer = browser.get(module.replace("runs.whole.js", name))
        assert answer.headers["content-type"].startswith(kind)
        assert f"{name} sha256 {hashlib.sha256(answer.body).hexdigest()}" in version
    assert "MIT" in (UPLOT / "LICENSE").read_text()


@pytest.mark.parametrize("address", ["/ui/nope", "/ui/runs/nope", "/ui/static/x/nope.js"])
def test_a_person_is_told_as_a_page_that_nothing_is_there(browser: Visitor, address: str) -> None:
    answer = browser.get(address, Accept="text/html,*/*;q=0.8")
    assert (answer.status, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    page = Document(answer.text)
    assert "nope" in page.text
    assert ("href", "/ui/runs") in page.attributes
    assert "style-src 'self'" in answer.headers["content-security-policy"]
    assert browser.get(address).json["code"] == "NotFound", "a program gets the error of the API"


def test_a_wrong_number_in_an_address_is_told_as_a_page(browser: Visitor) -> None:
    answer = browser.get(f"/ui/curves?run={RUN}&name=x&buckets=0", Accept="text/html")
    assert answer.status == 400
    assert "That did not work" in Document(answer.text).text
    said = browser.get("/ui/runs?rows=99999", Accept="text/html")
    assert (said.status, "GET /ui/runs is refused: rows must be at most 200." in said.text) == (400, True)


@pytest.mark.parametrize("address", ["/ui/runs", "/ui/models", "/ui/clusters", f"/ui/runs/{RUN}"])
def test_a_page_says_once_how_it_is_written_and_shows_no_word_of_python(
    browser: Visitor, address: str
) -> None:
    answer = browser.get(address)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.search(r"\bNone\b", Document(answer.text).text)


def test_a_cluster_shows_how_many_cores_a_node_gets(server: Running, browser: Visitor) -> None:
    requests = {
        "shared-cores": ClusterRequest(max_nodes=1_000),
        "one-core": ClusterRequest(max_nodes=2, cores_per_node=1),
        "three-cores": ClusterRequest(max_nodes=2, cores_per_node=3),
    }
    for name, request in requests.items():
        server.house.database.submit_write(partial(_make_cluster, name=name, request=request)).result()
    text = Document(browser.get("/ui/clusters").text).text
    assert "0 to 1000 nodes of 1 or more cores" in text
    assert "0 to 2 nodes of 1 core ·" in text
    assert "0 to 2 nodes of 3 cores ·" in text


def _make_cluster(write: Write, name: str, request: ClusterRequest) -> None:
    clusters.create(write, name, request, now=1_790_000_000_000_000)


def test_a_cluster_that_machines_join_names_them(server: Running, browser: Visitor) -> None:
    database = server.house.database
    request = ClusterRequest(max_nodes=3, kind=ClusterKind.JOINED)
    database.submit_write(partial(_make_cluster, name="yard", request=request)).result()
    assert "faena node token yard" in Document(browser.get("/ui/clusters").text).text

    def join(write: Write) -> None:
        told = JoinRequest("shed", "1", 1, 1, "3.11", "linux", 6)
        token = machines.new_join_token(write, JoinTokenRequest("yard"), "https://x", "", 1).token
        machines.join(write, told, token, "10.0.0.2", 1, (), "")

    database.submit_write(join).result()
    text = Document(browser.get("/ui/clusters").text).text
    assert "up to 3 machines, which join it" in text
    assert re.search(r"shed\s*(preparing|away)", text), "the engine may have looked"


class TestConsole:
    def test_parts_cut_anywhere_are_as_the_whole(self) -> None:
        text = "a\r\nb\rc\x1b[1;31md\x1b]0;title\x07e\nfg\b\bh\n" * 3 + "open\x1b["
        whole = shown(text)
        for size in (1, 2, 3, 7):
            console = Console()
            parts = [console.feed(text[at : at + size]) for at in range(0, len(text), size)]
            assert "".join(part.text for part in parts) == whole.text
            assert parts[-1].open == whole.open == "open"

    def test_a_long_line_is_as_long_as_all_its_parts(self) -> None:
        console = Console()
        console.feed("first\n" + "a" * 10_000)
        assert console.feed("b" * 10).open.endswith("… (10,010 characters)")
        ended = console.feed("c\nshort\n")
        assert ended.text.endswith("… (10,011 characters)\nshort\n")
        assert console.feed("a" * 10_000).open.endswith("… (10,000 characters)")
        assert console.feed("\rbar").open == "bar"

    def test_what_turns_writing_round_is_left_out(self) -> None:
        assert shown("safe\u202egpj.exe\n").text == "safegpj.exe\n"


def test_the_workspace_has_no_page_for_strangers(server: Running, tmp_path: Path) -> None:
    assert server.stranger().get(f"/ui/runs/{RUN}").status == 401


def test_a_log_that_came_between_the_page_and_its_stream_is_told(server: Running) -> None:
    async def first_events(watched: streams.Watched) -> list[bytes]:
        house = server.house
        stream = streams.of_run(watched, house.database, house.objects.files, house.notifications)
        return [part async for part in stream if part.startswith(b"event")]

    log = "azureml-logs/70_driver_log.txt"
    [other, *_] = asyncio.run(first_events(streams.Watched(RUN, "", 0, chosen=False)))
    assert other == streams.event("other", log)
    for watched in (streams.Watched(RUN, log, 0, False), streams.Watched(RUN, "logs/x", 0, True)):
        assert streams.event("other", log) not in asyncio.run(first_events(watched))
    of_an_earlier_attempt = streams.Watched(RUN, log, 1 << 20, chosen=True, attempt=0)
    assert streams.event("other", log) in asyncio.run(first_events(of_an_earlier_attempt))
