"""The page of a sweep: what it tells, that it is text whatever it was called, and how trials are picked in Chromium.

All of it on made-up sweeps in one server of this process: no trial is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from faena.db import Write
from faena.kernel.clock import Micros
from faena.runs import record_store
from faena.runs import store as run_rows
from faena.server.pages.sweeps import words as sweep_words
from faena.server.pages.sweeps.data import MOST_CURVES, MOST_LINES, axis
from faena.sweeps import journal, store, trial_store
from faena.sweeps.model import Source, SweepState, TrialState
from faena.sweeps.schemas import Objective, Policy, Population, Retries, Sampling, SweepSpec
from faena.testing.sweep_history import METRIC, fill_sweep
from tests.pages.test_pages import EVIL, Document
from tests.server.house import Running, Visitor, running
from tests.sweeps import made_trials

expect.set_options(timeout=60_000)  # charts come a few seconds late, and the cores may be others'

NOW: Micros = 1_790_000_000_000_000
TRIALS, MANY = 60, 1_000
EVIL_NAME = f"--{EVIL.replace(' ', '').replace('=', '')}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("sweeps")) as found:
        database = found.house.database
        fill_sweep(database, "HD_some", TRIALS, state=SweepState.PAUSED, experiment="some")
        fill_sweep(database, "HD_many", MANY, experiment="many")
        fill_sweep(
            database,
            "HD_evil",
            4,
            experiment="evil",
            space={EVIL_NAME: ["choice", [[EVIL, f"{EVIL}2"]]], "--n": ["uniform", [0, 1]]},
            objectives=(Objective(EVIL, "minimize"), Objective(f"{EVIL}2", "maximize")),
            policy=Policy(),
        )
        yield found


@pytest.fixture(scope="module")
def browser(server: Running) -> Visitor:
    return server.browser()


class TestPage:
    def test_it_tells_of_the_sweep(self, browser: Visitor) -> None:
        text = Document(browser.get("/ui/runs/HD_some").text).text
        for part in (
            "Paused",
            "Best so far",
            METRIC,
            "loguniform(-9, -1)",
            "choice(32, 64, 128, 256)",
            "bandit, delay_evaluation 3, slack_factor 0.1",
            "random, seed 0",
            "60 at most, 4 at once",
            "stopped at interval 5",
            "The script ended with exit code 1.",
            "Experiment created",
        ):
            assert part in text, part
        assert "None" not in text

    def test_its_table_is_in_the_order_that_is_asked_for(self, browser: Visitor) -> None:
        assert numbers(browser, "HD_some")[:3] == [59, 58, 57]
        assert numbers(browser, "HD_some", "?sort=number&from=50") == list(range(50, 60))
        best = [
            *numbers(browser, "HD_some", "?sort=best"),
            *numbers(browser, "HD_some", "?sort=best&from=50"),
        ]
        data = browser.get("/ui/runs/HD_some/sweep/data").json
        value = dict(zip(data["numbers"], data["values"], strict=True))
        assert best[: len(value)] == sorted(value, key=lambda number: -value[number])
        assert sorted(best) == list(range(TRIALS)), "those without a value are the last"
        worst = numbers(browser, "HD_some", "?sort=worst")
        assert worst[0] == best[len(value) - 1]
        assert browser.get("/ui/runs/HD_some?sort=nope", Accept="text/html").status == 400
        assert numbers(browser, "HD_some", "?from=1000") == []

    @pytest.mark.long
    def test_its_data_is_bounded(self, browser: Visitor) -> None:
        data = browser.get("/ui/runs/HD_many/sweep/data").json
        assert (data["total"], len(data["numbers"])) == (MANY, MOST_LINES)
        assert data["valued"] > MOST_LINES
        assert data["numbers"] == sorted(data["numbers"])
        assert {len(each["values"]) for each in data["axes"]} == {MOST_LINES}
        best = data["history"]["best_values"]
        assert best == sorted(best)
        assert best[-1] == max(data["values"])
        curves = browser.get("/ui/runs/HD_many/sweep/curves?pixels=50").json
        assert len(curves["shown"]) == MOST_CURVES
        assert curves["best"] == data["history"]["best_numbers"][-1]
        have = ",".join(map(str, curves["shown"]))
        assert browser.get(f"/ui/runs/HD_many/sweep/curves?have={have}").json["curves"] == []
        assert browser.get(f"/ui/runs/HD_many/sweep/curves?have={quote(EVIL)},,-1").status == 200

    def test_axes_are_scales_or_options(self, browser: Visitor) -> None:
        axes = {each["name"]: each for each in browser.get("/ui/runs/HD_some/sweep/data").json["axes"]}
        assert list(axes) == ["lr", "batchsize", "optimizer", "momentum", "units", "augment"]
        assert axes["lr"]["kind"] == "log"
        assert axes["batchsize"]["options"] == ["32", "64", "128", "256"]
        assert axes["optimizer"]["options"] == ["adam", "sgd"]
        adam = [value == 0 for value in axes["optimizer"]["values"]]
        assert [value is None for value in axes["momentum"]["values"]] == adam

    def test_whatever_was_called_so_is_text(self, browser: Visitor) -> None:
        for path in (
            "/ui/runs/HD_evil",
            "/ui/runs/HD_evil/sweep/parts",
            f"/ui/runs/HD_evil?log={quote(EVIL)}",
        ):
            answer = browser.get(path)
            assert answer.status == 200
            document = Document(answer.text)
            assert document.tags.count("script") <= 1
            assert "img" not in document.tags
            assert not [name for name, _ in document.attributes if name.startswith("on")]
            assert document.text.count("alert(1)") > 4

    def test_trials_and_sweep_lead_to_each_other(self, browser: Visitor) -> None:
        answer = browser.get("/ui/runs/HD_some/trials/7")
        assert (answer.status // 100, answer.headers["location"]) == (3, "/ui/runs/HD_some_7")
        page = Document(browser.get("/ui/runs/HD_some_7").text)
        assert "trial 7 of the sweep HD_some" in page.text
        assert ("href", "/ui/runs/HD_some") in page.attributes
        for path in (
            "/ui/runs/HD_some/trials/99",
            "/ui/runs/HD_some_7/sweep/data",
            "/ui/runs/no/sweep/parts",
        ):
            assert browser.get(path).status == 404

    def test_a_run_that_was_taken_in_has_a_page_like_the_others(
        self, server: Running, browser: Visitor
    ) -> None:
        def take_in(write: Write) -> None:
            trial = trial_store.trial(write, "HD_evil", 0)
            assert trial is not None
            taken_in = replace(trial, number=-1, source=Source.ADOPTED, run_id="HD_some_0", allowed=False)
            trial_store.add_trials(write, [taken_in], ["-1"])

        server.house.database.submit_write(take_in).result()
        text = Document(browser.get("/ui/runs/HD_evil?sort=number").text).text
        assert "adopted" in text
        assert "does not fulfil the conditions on metrics" in text
        assert browser.get("/ui/runs/HD_evil/trials/-1").headers["location"] == "/ui/runs/HD_some_0"

    def test_the_table_of_runs_says_how_many_trials_there_are(self, browser: Visitor) -> None:
        text = Document(browser.get("/ui/runs").text).text
        assert "1,000 trials" in text
        assert "60 trials" in text

    def test_what_was_noted_is_shown(self, server: Running, browser: Visitor) -> None:
        def note(write: Write) -> None:
            record_store.add_note(
                write, "HD_many", "primary_metric", "Trial 0 never logged it. Did you mean 'acc'?"
            )
            store.update(write, "HD_many", state=SweepState.STOPPING.value, told="It is done: all is well.")

        server.house.database.submit_write(note).result()
        text = Document(browser.get("/ui/runs/HD_many").text).text
        assert "Did you mean 'acc'?" in text
        assert "No more trials are started: It is done: all is well." in text


class TestWords:
    def test_expressions_are_written_as_in_python(self) -> None:
        space: dict[str, Any] = {
            "--lr": ["loguniform", [-6, -1]],
            "o": ["choice", [[{"--o": "sgd", "--m": ["uniform", [0, 1]]}, {"--o": "adam"}]]],
            "--many": ["choice", [list(range(10_000))]],
            "--f": ["flag", []],
        }
        found = dict(sweep_words.expressions(space))
        assert found["lr"] == "loguniform(-6, -1)"
        assert found["o"] == "choice({o: sgd, m: uniform(0, 1)}, {o: adam})"
        assert len(found["many"]) <= 160
        assert found["f"] == "flag()"
        assert sweep_words.kinds(space) == {
            "lr": "loguniform", "o": "", "m": "uniform", "many": "choice", "f": "flag"
        }  # fmt: skip

    def test_a_population_is_told(self) -> None:
        population = Population(8, "--checkpoint-dir", quantile_fraction=0.5, perturbation_factors=(0.5, 2.0))
        sampling = Sampling("pbt", 3, population=population)
        assert dict(sweep_words.facts(made_trials.spec(sampling=sampling)))["Sampling"] == (
            "population based training, 8 members by --checkpoint-dir, quantile fraction 0.5, perturbation factors 0.5 "
            "and 2, seed 3"
        )

    def test_all_that_was_asked_for_is_told(self) -> None:
        spec = SweepSpec(
            space={},
            sampling=Sampling("bayesian", 3, "gp"),
            objectives=(Objective("a", "maximize"), Objective("b", "minimize")),
            max_total_runs=10,
            max_concurrent_runs=2,
            value="last",
            repeats=3,
            stop_at=0.9,
            patience=5,
            fail_fast=False,
            max_duration_minutes=30,
            constraints=("a < b",),
            metric_constraints=("c < d",),
            retries=Retries(failed=2),
        )
        assert sweep_words.facts(spec) == [
            ("Metric", "a (maximize), b (minimize)"),
            ("Counts", "the last value"),
            ("Sampling", "Bayesian (GP), seed 3"),
            ("Policy", "none"),
            ("Trials", "10 at most, 2 at once"),
            ("Repeats", "3"),
            ("Constraints", "a < b"),
            ("Conditions", "c < d"),
            ("Time", "30 minutes at most"),
            ("Done at", "0.9"),
            ("Patience", "5 trials"),
            ("Fail fast", "off"),
            ("Retries", "3 after a lost node, 2 after a failure"),
        ]

    @pytest.mark.parametrize(
        ("kind", "values", "expected"),
        [
            ("uniform", [1, 2.5, None], ("number", [], [1.0, 2.5, None])),
            ("loguniform", [0.1, 10], ("log", [], [0.1, 10.0])),
            ("qloguniform", [0, 10], ("number", [], [0.0, 10.0])),
            ("choice", [128, 32, 128], ("options", ["32", "128"], [1.0, 0.0, 1.0])),
            ("choice", ["b", "a", True], ("options", ["True", "a", "b"], [2.0, 1.0, 0.0])),
            ("choice", list(range(20)), ("number", [], [float(each) for each in range(20)])),
            ("flag", ["", None], ("options", ["set"], [0.0, None])),
            ("uniform", [], ("number", [], [])),
        ],
    )
    def test_an_axis(self, kind: str, values: list[Any], expected: tuple[Any, ...]) -> None:
        found = axis("x", kind, values)
        assert (found.kind, found.options, found.values) == expected


def numbers(browser: Visitor, sweep: str, query: str = "") -> list[int]:
    """Of the trials in the table, in its order."""
    text = browser.get(f"/ui/runs/{sweep}{query}").text
    rows = text.partition('<table class="trials">')[2].partition("</table>")[0].split("<tr")[2:]
    return [int(Document(f"<tr{row}").text.split()[0]) for row in rows]


@pytest.fixture
def page(chromium: Browser, server: Running) -> Iterator[Page]:
    """Signed in. Fails where a script of the page does, or what the page's policy forbids was tried."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda told: wrong.append(told.text) if told.type == "error" else None)
    port, path = server.sign_in_address()
    opened.goto(f"http://127.0.0.1:{port}{path}")
    yield opened
    context.close()
    assert wrong == []


def go(page: Page, path: str) -> None:
    page.goto(f"{page.url.partition('/ui/')[0]}{path}")


@pytest.mark.long
def test_trials_are_picked_with_the_pointer_and_by_the_keyboard(page: Page) -> None:
    go(page, "/ui/runs/HD_some")
    lines = page.locator("#parallel .trials path")
    picked = page.locator("#parallel .trials path:not(.off)")
    expect(page.locator("#parallel .trials path.best")).to_have_count(1)
    total = lines.count()
    assert picked.count() == total
    axis = page.locator("#parallel rect.hit").first
    axis.scroll_into_view_if_needed()
    box = axis.bounding_box()
    assert box is not None
    x = box["x"] + box["width"] / 2
    page.mouse.move(x, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(x, box["y"] + 90)
    page.mouse.move(x, box["y"] + 140)
    page.mouse.up()
    some = picked.count()
    assert 0 < some < total
    output = page.locator("#parallel output")
    expect(output).to_contain_text(f"{some} of {total} trials")
    expect(output.get_by_role("link").first).to_be_visible()

    page.get_by_text("Ranges", exact=True).click()
    least = page.get_by_role("group", name="lr").get_by_label("from")
    assert 0 < float(least.input_value()) < 1, "the fields say what the pointer has drawn"
    page.get_by_role("group", name="optimizer").get_by_label("adam").uncheck()
    assert picked.count() < some
    page.get_by_role("button", name="Clear ranges").click()
    expect(output).to_contain_text(f"{total} trials")
    assert picked.count() == total
    expect(least).to_have_value("")

    least.focus()
    page.keyboard.type("0.9")
    page.keyboard.press("Tab")
    expect(output).to_contain_text(f"0 of {total} trials")
    least.fill("abc")
    page.keyboard.press("Tab")
    expect(least).to_have_attribute("aria-invalid", "true")
    least.fill("")
    page.keyboard.press("Tab")
    expect(output).to_contain_text(f"{total} trials")


@pytest.mark.long
def test_it_follows_what_happens(page: Page, server: Running) -> None:
    go(page, "/ui/runs/HD_some?sort=best")
    expect(page.locator(".best .value")).to_be_visible()

    def better(write: Write, value: float) -> None:
        for number in (3, 9):  # the first of equals is the best
            trial_store.update_trial(
                write, "HD_some", number, value=value, metrics=(value,), status="Completed"
            )
        sweep = store.get(write, "HD_some")
        assert sweep is not None
        journal.told(write, sweep, "<b>Something</b> happened.", NOW)

    for value in (0.993, 0.995, 0.997, 0.999):  # each is asked for by itself
        server.house.database.submit_write(partial(better, value=value)).result()
        expect(page.locator(".best .value")).to_have_text(str(value))
    expect(page.locator("table.trials tr.best td").first).to_have_text("3")
    expect(page.locator("pre.log")).to_contain_text("<b>Something</b> happened.")
    expect(page.locator("#history output")).to_have_text("best 0.999")
    page.get_by_text("Ranges", exact=True).click()
    page.get_by_role("group", name="lr").get_by_label("from").fill("0")
    page.keyboard.press("Tab")
    expect(page.locator("#parallel output")).to_contain_text("best trial 3 (0.999), trial 9 (0.999)")
    asked = page.evaluate(
        "performance.getEntriesByType('resource').map((each) => [each.startTime, each.name])"
    )
    at = sorted(began for began, name in asked if "/sweep/" in name)
    gaps = [later - earlier for earlier, later in pairwise(at[2:])]
    assert len(gaps) > 1
    assert min(gaps) > 800, "one small request a second at most"


@pytest.mark.long
def test_it_is_resumed_and_paused(page: Page, server: Running) -> None:
    database = server.house.database
    fill_sweep(database, "HD_going", 3, state=SweepState.PAUSED, experiment="going")

    def go_on(write: Write) -> None:
        trial_store.update_trial(write, "HD_going", 2, state=TrialState.OPEN.value, status=None)
        run_rows.update(write, "HD_going_2", {"status": "Running", "ended_at": None})

    def state() -> SweepState:
        found = database.submit_read(lambda read: store.get(read, "HD_going")).result()
        assert found is not None
        return found.state

    database.submit_write(go_on).result()
    go(page, "/ui/runs/HD_going")
    for verb, other, expected in (
        ("Resume", "Pause", SweepState.RUNNING),
        ("Pause", "Resume", SweepState.PAUSED),
    ):
        page.get_by_role("button", name=f"{verb} sweep").click()
        expect(page.get_by_role("button", name=f"{other} sweep")).to_be_visible()
        expect(page.get_by_role("button", name=f"{verb} sweep")).to_have_count(0)
        assert state() is expected
    expect(page.locator(".notice")).to_contain_text("Paused")
    expect(page.locator("pre.log")).to_contain_text("The sweep was changed: paused.")


@pytest.mark.long
def test_it_fits_where_it_is_narrow_and_draws_all_that_is_called_badly(page: Page) -> None:
    for sweep in ("HD_some", "HD_evil"):
        page.set_viewport_size({"width": 390, "height": 800})
        go(page, f"/ui/runs/{sweep}")
        expect(page.locator("#parallel .trials path.best")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), sweep
    drawn = page.locator("#parallel svg, #curves svg, #history svg")
    assert "NaN" not in str(drawn.evaluate_all("(all) => all.map((each) => each.outerHTML).join()"))
