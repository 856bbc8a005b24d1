"""A person of a shared server in a real browser: what it says of where a form comes from, the server believes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from faena.people.model import Role
from tests.pages import chromium
from tests.pages.accessibility import violations
from tests.people.shared import Shared

pytestmark = pytest.mark.long


@pytest.fixture
def page() -> Iterator[Page]:
    with chromium.launched() as browser:
        yield browser.new_page(ignore_https_errors=True, viewport={"width": 1280, "height": 900})


def test_somebody_signs_in_works_and_signs_out(shared: Shared, page: Page) -> None:
    owner = shared.owner.token
    shared.person("kim", Role.READER)
    page.goto(f"{shared.url}/ui/people?of=kim")
    page.get_by_label("Token").fill("FAENAP-plain-0")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not good here")
    assert violations(page) == []
    page.get_by_label("Token").fill(owner)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Tokens of kim")).to_be_visible()
    page.get_by_role("combobox", name="Role of kim").select_option("contributor")
    page.get_by_role("button", name="Give kim this role").click()
    expect(page.get_by_role("status")).to_contain_text("this one now")
    assert shared.caller("kim").api.people.me().role == "contributor"
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to test")).to_be_visible()


def test_a_link_that_mlflow_printed_leads_to_the_page_of_ours_also_over_the_sign_in(
    shared: Shared, page: Page
) -> None:
    made = shared.owner.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": "of mlflow"}).json
    of = made["experiment_id"]
    tags = [{"key": "mlflow.source.name", "value": "train.py"}, {"key": "team", "value": "a"}]
    asked = {"experiment_id": of, "run_name": "first", "tags": tags}
    started = shared.owner.ask("POST", "/api/2.0/mlflow/runs/create", asked)
    run = started.json["run"]["info"]["run_id"]
    page.goto(f"{shared.url}/#/experiments/{of}/runs/{run}")
    page.get_by_label("Token").fill(shared.owner.token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/ui/runs/{run}")
    expect(page.get_by_role("heading", name="first")).to_be_visible()
    page.goto(f"{shared.url}/#/experiments/{of}")
    page.wait_for_url("**/ui/runs?experiment=of%20mlflow")
    expect(page.get_by_role("link", name="first")).to_be_visible()
    expect(page.get_by_text("team: a")).to_be_visible()
    expect(page.get_by_text("train.py")).to_have_count(0)
    page.goto(f"{shared.url}/#/experiments/77777/other")
    expect(page.get_by_role("link", name="first")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "path",
    ["/sign-in", "/ui/people", "/ui/audit", "/ui/quotas", "/ui/notices", "/ui/sharing?experiment=Default"],
)
def test_a_page_is_whole_for_who_reads_it_in_another_way(
    shared: Shared, page: Page, path: str, scheme: str
) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    if path != "/sign-in":
        page.goto(f"{shared.url}/sign-in")
        page.get_by_label("Token").fill(shared.owner.token)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/ui/runs*")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(shared.url + path)
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert violations(page) == []
        assert page.evaluate(chromium.FITS)
