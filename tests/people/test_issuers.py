"""What an issuer answers is bounded in time and size, and goes no further than to what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from faena.people.openid import issuer as asking
from faena.people.openid.failures import NoAnswer, NotSignedIn, NotTrusted
from faena.people.openid.issuer import Description
from faena.people.openid.settings import OpenId
from tests.people import answers
from tests.people.issuer import CLIENT, SECRET, Issuer, issuing


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as found:
        yield found


@pytest.fixture
def settings(issuer: Issuer) -> Iterator[OpenId]:
    yield OpenId(issuer.url, CLIENT, SECRET)
    issuer.reset()


@pytest.mark.few(3)
@pytest.mark.parametrize("answer", answers.ALL)
def test_answers_that_are_none(
    issuer: Issuer,
    settings: OpenId,
    answer: Callable[[BaseHTTPRequestHandler], bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    described = asking.describe(settings)
    monkeypatch.setattr(asking, "_SILENT", 0.2)
    issuer.answer = answer
    for ask in (
        lambda: asking.describe(settings),
        lambda: asking.keys(settings, described),
        lambda: asking.redeem(settings, described, "code", "verifier", "https://here/sign-in/callback"),
    ):
        with pytest.raises(NoAnswer, match="does not answer as it should") as told:
            ask()
        assert SECRET not in told.value.detail


def test_one_that_trickles_is_cut_off(
    issuer: Issuer, settings: OpenId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_WHOLE", 0.3)
    issuer.answer = answers.silence
    with pytest.raises(NoAnswer) as told:
        asking.describe(settings)
    assert "no whole answer came within 0.3 s" in told.value.detail


def test_one_that_is_not_there() -> None:
    with pytest.raises(NoAnswer) as told:
        asking.describe(OpenId("http://127.0.0.1:1/realm", CLIENT, SECRET))
    assert told.value.detail.startswith("http://127.0.0.1:1/realm/.well-known/openid-configuration: ")


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "description",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_what_it_says_of_itself(issuer: Issuer, settings: OpenId, description: dict[str, str]) -> None:
    issuer.description = description
    with pytest.raises(NotTrusted):
        asking.describe(settings)


def test_a_code_that_is_good_for_nothing(issuer: Issuer, settings: OpenId) -> None:
    described: Description = asking.describe(settings)
    with pytest.raises(NotSignedIn, match="used already, or took too long"):
        asking.redeem(settings, described, "none", "verifier", "https://here/sign-in/callback")
