"""What somebody does on a run's page, by its forms: as a browser without a script sends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import msgspec
import pytest

from faena.db import Write
from faena.kernel import ownership
from faena.kernel.errors import NotFound
from faena.models import alias_store
from faena.models import service as models
from faena.runs import service, store
from faena.runs.comments import store as comments
from faena.runs.model import RunStatus
from faena.runs.schemas import RunView
from faena.server.pages.run.notes import LONGEST, rendered
from faena.tracking.model import StoredFile
from tests.pages import test_previews
from tests.pages.test_pages import EVIL, Document
from tests.server.house import Answer, Running, Visitor, running

RUN = "drawn_1_00000001"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("actions")) as found:
        put = found.house.objects.files.put
        stored = {name: StoredFile(*put([data])) for name, data in test_previews.FILES.items()}

        def fill(write: Write) -> None:
            test_previews._fill(write, stored)
            run = store.get(write, RUN)
            assert run is not None
            for number in (2, 3):
                ended = msgspec.structs.replace(
                    run, id=f"ended_{number}", number=number, status=RunStatus.COMPLETED
                )
                store.add(write, ended)
                store.update(write, ended.id, {"started_at": 1, "ended_at": 2})

        found.house.database.submit_write(fill).result()
        yield found


@pytest.fixture(scope="module")
def browser(server: Running) -> Visitor:
    return server.browser()


def sent(browser: Visitor, address: str, /, **fields: str) -> Answer:
    body = urlencode(fields).encode()
    kind = "application/x-www-form-urlencoded"
    return browser.ask("POST", address, body, Origin=f"http://127.0.0.1:{browser.port}", Content_Type=kind)


def done(browser: Visitor, run_id: str, action: str, /, **fields: str) -> Document:
    """The page that a browser goes on to."""
    answer = sent(browser, f"/ui/runs/{run_id}/do/{action}", **fields)
    assert answer.status == 303, answer.text
    return Document(browser.get(answer.headers["location"]).text)


def run_of(server: Running, run_id: str) -> RunView:
    read = server.house.database.submit_read(lambda read: service.view(read, service.get(read, run_id)))
    return read.result()


def test_a_note_is_written_in_markdown_and_nothing_of_it_runs(server: Running, browser: Visitor) -> None:
    text = f"# Why\r\n\r\n{EVIL}\r\n\r\n[a](javascript:alert(1)) [b](https://example.org) **bold**"
    page = done(browser, RUN, "note", note=text)
    assert "The note was saved." in page.text
    assert run_of(server, RUN).description == text.replace("\r\n", "\n")
    assert "strong" in page.tags and page.tags.count("script") == 1 and "img" in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    links = [value for name, value in page.attributes if name == "href"]
    assert "https://example.org" in links and not [each for each in links if "javascript" in each]
    assert EVIL in page.text


@pytest.mark.long
def test_comments_stand_in_their_order_and_nothing_of_them_runs(server: Running, browser: Visitor) -> None:
    first = done(browser, RUN, "comment", text="**first**")
    assert "Your comment was added." in first.text and "strong" in first.tags
    page = done(browser, RUN, "comment", text=f"second {EVIL}")
    assert page.text.index("first") < page.text.index(f"second {EVIL}")
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    read = server.house.database.submit_read(lambda read: comments.list_comments(read, RUN))
    one, two = read.result()
    assert one.author == two.author == ownership.user()
    gone = done(browser, RUN, "uncomment", comment=two.id)
    assert "The comment was deleted." in gone.text and "second" not in gone.text
    assert sent(browser, f"/ui/runs/{RUN}/do/uncomment", comment=two.id).status == 404
    assert sent(browser, f"/ui/runs/{RUN}/do/comment", text=" ").status == 400


def test_tags_are_set_and_removed(server: Running, browser: Visitor) -> None:
    page = done(browser, RUN, "tags", name=EVIL, value=EVIL)
    assert "The tags were changed." in page.text
    assert run_of(server, RUN).tags == {EVIL: EVIL}
    assert page.text.count(EVIL) >= 2
    done(browser, RUN, "tags", name=EVIL, remove="yes")
    assert run_of(server, RUN).tags == {}
    assert sent(browser, f"/ui/runs/{RUN}/do/tags", name="", value="x").status == 400


def test_a_run_is_archived_and_back(server: Running, browser: Visitor) -> None:
    done(browser, "ended_2", "archive")
    assert run_of(server, "ended_2").archived_at is not None
    page = Document(browser.get("/ui/runs/ended_2").text)
    assert "Unarchive" in page.text
    done(browser, "ended_2", "unarchive")
    assert run_of(server, "ended_2").archived_at is None


def test_a_deletion_says_before_what_goes_and_is_undone(server: Running, browser: Visitor) -> None:
    form = Document(browser.get("/ui/runs/ended_3/do/delete").text)
    assert "What goes: 1 run" in form.text
    assert run_of(server, "ended_3").ended_at, "nothing is gone yet"
    page = done(browser, "ended_3", "delete")
    assert "Bring it back" in page.text
    with pytest.raises(NotFound):
        run_of(server, "ended_3")
    [undo] = [value for name, value in page.attributes if name == "action"]
    assert sent(browser, undo).status == 303
    assert run_of(server, "ended_3").ended_at
    refused = browser.get(f"/ui/runs/{RUN}/do/delete", Accept="text/html")
    assert refused.status == 409 and "and delete then" in refused.text


def test_a_model_is_registered_once_for_a_form(server: Running, browser: Visitor) -> None:
    form = Document(browser.get(f"/ui/runs/{RUN}/do/register").text)
    [request] = [value for _, value in form.attributes if re.fullmatch(r"page-[0-9a-f]{16}", value)]
    for _ in range(2):
        page = done(browser, RUN, "register", request=request, name="net", path="outputs/", description=EVIL)
    assert "net:1" in page.text and "net:2" not in page.text
    found = server.house.database.submit_read(lambda read: models.view(read, models.get(read, "net", None)))
    assert found.result().description == EVIL
    assert sent(browser, f"/ui/runs/{RUN}/do/register", name="net", path="../token").status in (400, 404)
    assert sent(browser, f"/ui/runs/{RUN}/do/register", name="", path="").status == 400


@pytest.mark.long
def test_an_alias_is_given_moved_and_taken_away(server: Running, browser: Visitor) -> None:
    for number in (1, 2):
        done(browser, RUN, "register", request=f"named-{number}", name="named", path="outputs")

    def said(action: str, alias: str, version: str) -> str:
        answer = sent(browser, f"/ui/models/named/do/{action}", alias=alias, version=version)
        assert answer.status == 303, answer.text
        return Document(browser.get(answer.headers["location"]).text).text

    def means() -> dict[str, int]:
        read = server.house.database.submit_read(lambda read: alias_store.of_models(read, ["named"]))
        return dict(read.result().get("named", {}))

    for version in ("1", "2"):
        assert "The alias means this version now." in said("alias", "champion", version)
        assert means() == {"champion": int(version)}
    for alias, version in (("v1", "1"), ("", "1"), ("latest", "1"), ("champion", ""), ("champion", "x")):
        assert sent(browser, "/ui/models/named/do/alias", alias=alias, version=version).status == 400
    assert sent(browser, "/ui/models/named/do/alias", alias="champion", version="3").status == 404
    path, ours = "/ui/models/named/do/alias", f"http://127.0.0.1:{browser.port}"
    kind = "application/x-www-form-urlencoded"
    assert browser.ask("POST", path, b"alias=x&version=1", Origin="null", Content_Type=kind).status == 403
    assert browser.ask("PUT", "/models/named/aliases/x", b'{"version":1}', Origin=ours).status == 403
    said("unalias", "champion", "1")
    assert means() == {"champion": 2}, "the page was older"
    said("unalias", "champion", "2")
    assert means() == {}


def test_what_is_no_form_of_ours_changes_nothing(server: Running, browser: Visitor) -> None:
    path, ours = f"/ui/runs/{RUN}/do/note", f"http://127.0.0.1:{browser.port}"
    before = run_of(server, RUN).description
    form = "application/x-www-form-urlencoded"
    for origin in (None, "null", "https://evil.example", f"http://127.0.0.1:{browser.port + 1}"):
        answer = browser.ask("POST", path, b"note=x", Origin=origin, Content_Type=form)
        assert answer.status == 403, origin
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x", None):
        assert browser.ask("POST", path, b"note=x", Origin=ours, Content_Type=kind).status == 400, kind
    assert browser.ask("POST", path, b"note=%ff", Origin=ours, Content_Type=form).status == 400
    assert sent(browser, path, **{f"f{each}": "x" for each in range(100)}).status == 400
    for action in ("fail", "properties", "..", ""):
        assert sent(browser, f"/ui/runs/{RUN}/do/{action}", note="x").status == 403, action
    assert server.client().ask("POST", f"/ui/runs/{RUN}/do/fail", b"", Origin=ours).status == 404
    assert run_of(server, RUN).description == before
    assert "said-by-a-link" not in browser.get(f"/ui/runs/{RUN}?done=said-by-a-link").text


def test_pages_tell_their_own_server_where_a_form_comes_from_and_nobody_else(browser: Visitor) -> None:
    assert browser.get(f"/ui/runs/{RUN}").headers["referrer-policy"] == "same-origin"
    assert browser.get("/").headers["referrer-policy"] == "no-referrer"


class TestNotes:
    @pytest.mark.parametrize(
        "text",
        [
            EVIL,
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html,x)",
            "[x](//evil.example)",
            "[x](/stop)",
            "<javascript:alert(1)>",
            "![x](data:image/png;base64,xx)",
            "[x]: vbscript:x\n\n[x]",
            "<a href='javascript:x'>",
            '```"><script>\nx\n```',
            "|a|\n|:-|\n|<script>|",
        ],
    )
    def test_nothing_of_it_runs_or_leads_astray(self, text: str) -> None:
        page = Document(str(rendered(text)))
        assert not {"script", "img"} & set(page.tags)
        assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("style", "href")]

    def test_images_are_files_of_runs_and_links_say_who_follows_to_nobody(self) -> None:
        ours = Document(str(rendered("![a](/ui/runs/1/images/x.png) [b](/ui/runs/2)")))
        assert ("src", "/ui/runs/1/images/x.png") in ours.attributes
        away = Document(str(rendered("![a](https://example.org/x.png)")))
        assert "img" not in away.tags
        assert ("rel", "noopener noreferrer nofollow") in away.attributes

    def test_a_long_note_is_shown_as_it_was_written(self) -> None:
        assert str(rendered("<b>" + "*" * LONGEST)).startswith("<pre>&lt;b&gt;***")
