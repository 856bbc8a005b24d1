"""The pages of models, data, environments and clusters: what they tell, that it is text, that they are bounded."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faena.data import glimpse
from faena.db import Write
from faena.models.name_store import names
from faena.models.store import versions
from faena.runs.node_times import Stretch
from faena.server.pages.clusters import node_timeline
from faena.server.pages.data import tabular_words
from faena.server.pages.environments import list as environment_list
from faena.tracking.model import StoredFile
from tests.pages import test_pages, things
from tests.pages.test_pages import EVIL, Document
from tests.server.house import Running, Visitor, running

MANY = 10_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("home")
    things.shelve(home)
    with pytest.MonkeyPatch.context() as patch, running(tmp_path_factory.mktemp("lists")) as found:
        patch.setenv("FAENA_HOME", str(home))
        stored = StoredFile(*found.house.objects.files.put([b"weights"]))

        def fill(write: Write) -> None:
            test_pages._fill(write, {"outputs/m": stored})
            things.fill(write, stored, time.time_ns() // 1000)

        found.house.database.submit_write(fill).result()
        yield found


@pytest.fixture(scope="module")
def browser(server: Running) -> Visitor:
    return server.browser()


PAGES = [
    "/ui/models",
    "/ui/models/digits",
    "/ui/models/digits?version=1",
    "/ui/models/net",
    "/ui/clusters",
    "/ui/data",
    f"/ui/data/sets/{things.IMAGES}",
    f"/ui/data/sets/{things.TABLE}",
    "/ui/data/stores/own",
    "/ui/traces",
    "/ui/evaluation-sets",
    f"/ui/evaluation-sets/{things.SET}",
    f"/ui/traces/{things.TRACE}",
    "/ui/environments",
    f"/ui/environments/{things.LOCK.digest}",
    f"/ui/environments/{things.FAILED}",
    "/ui/environments/named/named?version=1",
]


@pytest.mark.parametrize("path", PAGES)
def test_what_was_called_so_is_text(browser: Visitor, path: str) -> None:
    answer = browser.get(path, Accept="text/html")
    assert answer.status == 200
    document = Document(answer.text)
    assert EVIL in document.text
    assert document.tags.count("script") == 1, "our own module and no other"
    assert "img" not in document.tags
    assert not [name for name, _ in document.attributes if name.startswith("on") or name == "style"]
    assert not [value for _, value in document.attributes if value.lower().startswith("javascript:")]
    assert not re.search(r"\bNone\b", document.text)


class TestModels:
    def test_a_name_is_a_row(self, browser: Visitor) -> None:
        text = browser.get("/ui/models").text
        assert text.count('href="/ui/models/digits"') == 1
        assert "3 versions" in text
        assert 'href="/ui/models/digits"' not in browser.get("/ui/models?q=NE").text

    def test_aliases_stand_at_their_versions(self, browser: Visitor) -> None:
        row = Document(browser.get("/ui/models").text).text
        assert "@challenger: 3" in row and "@champion: 2" in row
        text = browser.get("/ui/models/digits?version=2").text
        assert "<option selected>2</option>" in text and text.count("@champion<") == 1
        assert "Take the alias größer away" in text

    def test_lineage_leads_from_data_to_endpoints(self, browser: Visitor) -> None:
        text = browser.get("/ui/models/digits").text
        lineage = text[text.index('class="lineage"') : text.index("</ol>")]
        order = [
            "images of digits:1",
            "table:1",
            "own/x",
            f'href="/ui/runs/{things.MADE}"',
            "digits:3",
            "digits-api, revision 1",
        ]
        places = [lineage.index(each) for each in order]
        assert places == sorted(places)
        assert lineage.count("table:1") == 1, "given to the run and named by the model: once"

    def test_versions_stand_beside_the_metrics_of_their_runs(self, browser: Visitor) -> None:
        text = browser.get("/ui/models/digits?version=1").text
        assert "accuracy" in text
        assert text.count("0.97") == 3
        chosen = re.findall(r'version=(\d)" aria-current', text)
        assert chosen == ["1"]

    def test_a_file_is_saved_and_never_shown(self, browser: Visitor) -> None:
        page = browser.get("/ui/models/digits").text
        [save] = [each for each in re.findall(r'href="([^"]*)" download', page) if "weights" in each]
        answer = browser.get(save)
        assert answer.body == b"weights"
        assert answer.headers["content-disposition"].startswith("attachment;")
        preview = f"/ui/runs/{things.MADE}/preview/outputs/model/weights.npz"
        assert preview in page
        assert browser.get(preview).status == 200
        assert browser.get(save.replace("weights", "../weights")).status == 404
        for wrong in ("/ui/models/none", "/ui/models/digits?version=9"):
            assert browser.get(wrong).status == 404


class TestClusters:
    def test_a_timeline_shows_which_run_had_which_node_when(self, browser: Visitor) -> None:
        text = browser.get("/ui/clusters").text
        lanes = re.findall(r'<span title="(node-\d)">.*?</svg>', text, re.DOTALL)
        assert sorted(lanes) == ["node-1", "node-2"]
        bars = re.findall(
            r'<a href="([^"]*)" tabindex="-1"><rect class="of-(\w+)" x="([\d.]+)" width="([\d.]+)"', text
        )
        found = {(address.rpartition("/")[2], status): (float(x), float(w)) for address, status, x, w in bars}
        assert len(bars) == len(found) == 3
        x, width = found[things.MADE, "Completed"]
        assert (x, width) == pytest.approx((667, 233), abs=15)
        assert found["again_1_0000001", "Failed"] == pytest.approx((500, 100), abs=15)
        assert found["again_1_0000001", "Canceled"] == pytest.approx((800, 100), abs=15)
        assert text.count('<tr><td class="text">node-') == 3, "the same in words"
        assert browser.get("/ui/clusters?span=day").text.count("<rect") == 3
        assert browser.get("/ui/clusters?span=year").status == 400

    def test_the_queue_has_places_and_blockers(self, browser: Visitor) -> None:
        text = browser.get("/ui/clusters").text
        [row] = re.findall(r'<tr><td class="number">1</td>.*?</tr>', text, re.DOTALL)
        assert "waits_1_0000001" in row
        assert "GPU" in row

    def test_bars_and_lanes_are_bounded(self) -> None:
        now = 10 * things.HOUR
        many = [
            Stretch("cpu", f"n{each % 90}", "r", "r", 1, "Running", now - 2 * each - 2, now - 2 * each)
            for each in range(4000)
        ]
        found = node_timeline.build(many, ["n7"], now - things.HOUR, now)
        assert [lane.node for lane in found.lanes[:2]] == ["n7", "n0"]
        assert (len(found.lanes), found.more, len(found.lines)) == (40, 50, 100)
        bars = [bar for lane in found.lanes for bar in lane.bars]
        assert len(bars) <= 1000
        assert all(bar.x >= 0 and bar.x + bar.width <= 1000.1 for bar in bars)


class TestData:
    def test_datasets_and_datastores_are_listed_with_the_runs_that_read_them(self, browser: Visitor) -> None:
        text = browser.get("/ui/data").text
        rows = {
            name: row
            for row in re.findall(r"<tr><td class=\"title\">.*?</tr>", text, re.DOTALL)
            for name in re.findall(r"<a [^>]*>([^<]*)</a>", row)
        }
        assert set(rows) == {"images of digits", "table", "workspaceblobstore", "workspacefilestore", "own"}
        assert "table, delimited" in rows["table"]
        assert "own/images/**/*.png and 1 more" in rows["images of digits"]
        for name in ("images of digits", "table", "own"):
            assert '<td class="number">1</td>' in rows[name]
        assert "the default" in rows["workspaceblobstore"]

    def test_a_table_tells_its_steps_and_the_beginning_of_its_file(
        self, server: Running, browser: Visitor
    ) -> None:
        path = f"/ui/data/sets/{things.TABLE}"
        assert "It is not there." in browser.get(path).text
        place = server.house.folder.path / "datastores" / "workspaceblobstore" / "t"
        place.mkdir(parents=True)
        (place / "a.csv").write_text(f'a,b,"{EVIL.replace(chr(34), chr(34) * 2)}"\n11,22,33\n')
        answer = browser.get(path)
        document = Document(answer.text)
        steps = re.findall(r"<li><b>(\w+)</b>", answer.text)
        assert steps == ["read", "drop", "keep", "take"]
        assert "count: 5" in document.text
        assert "22" in document.text and EVIL in document.text
        assert "img" not in document.tags
        assert f"/ui/runs/{things.MADE}" in answer.text

    def test_names_of_files_are_looked_at_within_bounds(self, tmp_path: Path) -> None:
        root = tmp_path / "root"
        (root / "a").mkdir(parents=True)
        (tmp_path / "secret").write_text("s")
        (root / "out").symlink_to(tmp_path)
        (root / "loop").symlink_to(root)
        for each in range(300):
            (root / "a" / f"{each:03}.png").write_text("x")
        (root / "a" / "b.txt").write_text("xx")
        seen = glimpse.look(root, "")
        assert (len(seen.files), seen.is_all, seen.files[0]) == (100, False, ("a/000.png", 1))
        assert glimpse.look(root, "**/*.txt").files == [("a/b.txt", 2)]
        assert glimpse.look(root, "a/b.txt").files == [("a/b.txt", 2)]
        for wrong in ("../secret", "out", "out/secret", "none", "a/none"):
            assert glimpse.look(root, wrong).files == []
            assert glimpse.opened(root, wrong) is None
        assert glimpse.opened(root, "a") is None

    def test_what_is_no_definition_is_shown_as_it_is(self) -> None:
        for given in ({}, {"steps": 5, "columns": [[1]], "options": []}, {"steps": [["x", 3]], "kind": None}):
            assert tabular_words.table(given).more_steps == 0


class TestEnvironments:
    def test_those_on_this_machine_and_those_registered_are_listed(self, browser: Visitor) -> None:
        text = browser.get("/ui/environments").text
        rows = re.findall(r"<code>(\w{12})</code>.*?environment-(\w+)", text, re.DOTALL)
        digests = {things.LOCK.digest[:12]: "ready", things.OTHER.digest[:12]: "ready", "f" * 12: "failed"}
        assert dict(rows) == digests
        assert "Python 3.11, numpy" in text and "2 versions" in text
        assert "…</td>" not in text, "small ones have their size at once"
        found = browser.get(f"/ui/environments?q={things.OTHER.digest[:9]}").text
        assert re.findall(r"<code>(\w{12})</code>", found) == [things.OTHER.digest[:12]]

    def test_one_has_its_lock_its_build_and_its_runs(self, browser: Visitor) -> None:
        answer = browser.get(f"/ui/environments/{things.LOCK.digest}")
        document = Document(answer.text)
        for each in ("7.8.1", "1.23.5", "CPython 3.11.7", "sha256:aaa", things.MADE, "example.org/simple"):
            assert each in answer.text
        assert "secret" not in document.text and "\x1b" not in document.text
        [option] = re.findall(r'<option value="(\w{64})"', answer.text)
        assert option == things.OTHER.digest

    def test_two_locks_are_compared(self, browser: Visitor) -> None:
        text = browser.get(f"/ui/environments/{things.LOCK.digest}?with={things.OTHER.digest}").text
        cells = re.findall(r'<td class="wide">(.*?)</td>', text)
        assert cells == ["numpy", "1.24.0", "1.23.5"]

    def test_what_is_not_there_is_told(self, browser: Visitor) -> None:
        for wrong, status in (("0" * 64, 404), ("xyz", 400), (f"{things.LOCK.digest}?with={'0' * 64}", 404)):
            assert browser.get(f"/ui/environments/{wrong}").status == status
        assert browser.get("/ui/environments/named/none").status == 404
        for version in (1, 2):
            assert browser.get(f"/ui/environments/named/named?version={version}").status == 200
        assert browser.get("/ui/environments/named/named?version=3").status == 404

    @pytest.mark.long
    def test_ten_thousand_are_read_page_by_page(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAENA_HOME", str(tmp_path))
        for each in range(MANY):
            (tmp_path / "envs" / f"{each:064x}").mkdir(parents=True)
        seen = environment_list.look("", 9_990)
        assert (seen.total, len(seen.kept), len(seen.looked)) == (MANY, 10, 10)
        assert {each.state for each in seen.looked.values()} == {"half-made"}


@pytest.mark.long
def test_ten_thousand_models_are_read_page_by_page(server: Running, browser: Visitor) -> None:
    def add(write: Write) -> None:
        row = write.execute(versions.select().where(versions.c.name == "net")).first()
        assert row is not None
        many = [{**row._asdict(), "name": f"x{each:05}", "request_id": f"x{each}"} for each in range(MANY)]
        write.execute(versions.insert(), many)
        of_net = write.execute(names.select().where(names.c.name == "net")).one()._asdict()
        write.execute(names.insert(), [{**of_net, "name": each["name"]} for each in many])

    server.house.database.submit_write(add).result()
    text = browser.get("/ui/models?q=x0").text
    assert text.count('<td class="title"><a href="/ui/models/x') == 50
    assert "1 to 50 of 10,000" in text
    assert "x00050" not in text and "x00050" in browser.get("/ui/models?q=x0&from=50").text
    assert len(text) < 100_000
