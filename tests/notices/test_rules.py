"""Which ends are told of, and where a notice may go."""

from __future__ import annotations

import ipaddress

import pytest

from faena.kernel.errors import UserErrorException
from faena.notices import model
from faena.notices.model import ENDS, Rule, Way

METADATA = "169.254.169.254"


def rule(**fields: object) -> Rule:
    given = {"experiment": None, "ends": ENDS, "below": False, **fields}
    return Rule(id="r", owner="", way=Way.WEBHOOK, shown="", created_at=0, **given)  # type: ignore[arg-type]  # by name


def test_a_rule_concerns_what_it_names() -> None:
    assert rule().concerns("mnist", "Failed", is_below=False)
    assert not rule().concerns("mnist", "Failed", is_below=True)
    assert rule(below=True).concerns("mnist", "Failed", is_below=True)
    assert not rule(experiment="wine").concerns("mnist", "Failed", is_below=False)
    assert not rule(ends=("Failed",)).concerns("mnist", "Completed", is_below=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
def test_the_public_network_is_reached(address: str) -> None:
    assert model.may_reach(address, ())


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "127.1.2.3",
            "::1",
            "0.0.0.0",
            "::",
            METADATA,
            "fe80::1%eth0",
            "10.0.0.1",
            "192.168.1.1",
        ),
        *("172.16.0.1", "100.64.0.1", "fd00:ec2::254", "224.0.0.1", "255.255.255.255", "ff02::1"),
        *("::ffff:127.0.0.1", f"::ffff:{METADATA}", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
        *("localhost", ""),
    ],
)
def test_the_servers_own_network_is_not(address: str) -> None:
    assert not model.may_reach(address, ())


def test_a_network_that_an_owner_allows_is() -> None:
    own = (ipaddress.ip_network("10.0.0.0/8"),)
    assert model.may_reach("10.1.2.3", own)
    assert not model.may_reach("192.168.1.1", own)
    assert not model.may_reach("::ffff:192.168.1.1", own)


@pytest.mark.parametrize(
    ("way", "to"),
    [
        (Way.WEBHOOK, "ftp://example.org"),
        (Way.WEBHOOK, "https://"),
        (Way.WEBHOOK, "https://user:secret-word@example.org"),
        (Way.WEBHOOK, "https://example.org:99999/"),
        (Way.WEBHOOK, "https://[::1"),
        (Way.WEBHOOK, "https://example.org/\r\nX-Secret-Word: 1"),
        (Way.WEBHOOK, "https://example.org/" + "x" * 2000),
        (Way.MAIL, "ada"),
        (Way.MAIL, "ada@example.org, eve@example.org"),
        (Way.MAIL, "ada@example.org\nBcc: eve@example.org"),
        (Way.COMMAND, "a\x00b"),
    ],
)
def test_what_can_be_no_target(way: Way, to: str) -> None:
    with pytest.raises(UserErrorException) as caught:
        model.checked_target(way, to)
    assert "secret-word" not in caught.value.message.lower()


def test_what_may_be_secret_is_not_shown() -> None:
    assert model.checked_target(Way.WEBHOOK, "https://hooks.example.org:8443/T0/B0/token?x=1") == (
        "https://hooks.example.org:8443/…"
    )
    assert model.checked_target(Way.WEBHOOK, "https://example.org") == "https://example.org"
    assert model.checked_target(Way.COMMAND, "curl -H token") == "curl …"
    assert model.checked_target(Way.MAIL, "ada@example.org") == "ada@example.org"


def test_it_is_tried_again_later_and_later_and_given_up() -> None:
    pauses = [model.pause_after(tries) for tries in range(1, 7)]
    assert pauses == [10, 60, 300, 1800, 7200, None]
