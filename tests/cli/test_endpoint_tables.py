"""What is shown of an endpoint, for people; and what its commands refuse before a server is asked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from faena.cli import layout
from faena.cli.endpoints import commands, showing
from faena.endpoints.schemas import EndpointView, ModelUse, RevisionView, Settings, Workers


def empty(kind: type[msgspec.Struct], **fields: Any) -> Any:
    required = dict.fromkeys(each.name for each in msgspec.structs.fields(kind) if each.required)
    return kind(**{**required, **fields})


def view(**weights: int) -> EndpointView:
    revisions = [
        empty(
            RevisionView,
            number=int(number[1:]),
            state="Healthy",
            created_at=0,
            models=(ModelUse("iris", 1),),
            entry="score.py",
            workers=Workers(),
            weight=weight,
        )
        for number, weight in weights.items()
    ]
    found: EndpointView = empty(
        EndpointView, name="iris", state="Healthy", created_at=0, settings=Settings(), revisions=revisions
    )
    return found


def test_shares_are_of_all_that_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    showing.one(view(r1=50, r2=30, r3=0))
    out = capsys.readouterr().out
    assert "62.5 %" in out and "37.5 %" in out and "50 %" not in out
    showing.one(view(r1=90, r2=10))
    out = capsys.readouterr().out
    assert "90 %" in out and "10 %" in out
    assert "`faena endpoint keys iris`" in out


@pytest.mark.parametrize("given", [["90", "10"], ["a=b"], ["1=0.5"]])
def test_weights_that_are_none(given: list[str]) -> None:
    done = CliRunner().invoke(commands.endpoint, ["split", "iris", *given])
    assert done.exit_code == 2
    assert "such as 1=90 2=10" in done.output and "tag" not in done.output


def test_lines_that_come_while_it_is_begun_to_follow_are_not_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"line {number}\n" for number in range(12)]
    asked = 0

    def get_logs(most: int) -> str:
        nonlocal asked
        asked += 1
        if asked == 4:
            raise KeyboardInterrupt
        return "".join(lines[: 7 + asked][-most:])

    monkeypatch.setattr(showing, "_PAUSE", 0)
    with pytest.raises(KeyboardInterrupt):
        showing.logs(SimpleNamespace(get_logs=get_logs), 2, follow=True)  # type: ignore[arg-type]  # all that is used of one
    assert capsys.readouterr().out == "".join(lines[6:10])


@pytest.mark.parametrize(("width", "shown"), [(None, True), (120, True), (80, True), (50, False)])
def test_the_address_is_there_to_copy_where_it_fits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int | None, shown: bool
) -> None:
    monkeypatch.setattr(layout, "terminal_width", lambda: width)
    found = msgspec.structs.replace(view(r1=100), port=41234, scoring_uri="http://localhost:41234/score")
    showing.many([found])
    out = capsys.readouterr().out
    assert ("http://localhost:41234/score" in out) is shown and "41234" in out
    assert width is None or max(map(len, out.splitlines())) <= width
