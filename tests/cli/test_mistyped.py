"""Options and commands that there are not: what may have been meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.terminal import within


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("runs --expriment x", "No such option '--expriment'. Did you mean '--experiment'?"),
        ("runs --exp x", "No such option '--exp'. Did you mean '--experiment'?"),
        ("models --tags a", "Did you mean '--tag'?"),
        ("deploy m --env x", "Did you mean '--environment'?"),
        ("runs -z", "No such option '-z'.\n"),
        ("sweep train.py --goal minimize", "Did you mean '--maximize' or '--minimize'? Those of the script"),
        (
            "sweep train.py --primary-metric-goal x",
            "Did you mean '--metric', '--maximize' or '--minimize'? Those",
        ),
        ("sweep train.py --max_trials 3", "Did you mean '--trials'? Those of the script"),
        ("sweep train.py --lr 3", "No such option '--lr'. Those of the script"),
        ("submit --epochs 3 train.py", "No such option '--epochs'. Those of the script"),
        ("cluster --foo", "No such option '--foo'.\n"),
        ("modles", "No such command 'modles'. Did you mean 'models', 'nodes' or 'node'?"),
        ("endpoint shw", "No such command 'shw'. Did you mean 'show'?"),
        ("zzzzzz", "No such command 'zzzzzz'.\n"),
    ],
)
def test_what_may_have_been_meant(given: str, said: str, tmp_path: Path) -> None:
    done = within(tmp_path, *given.split(), given={"COLUMNS": "300"})
    assert done.returncode == 2
    assert said in done.stderr.decode()
