"""Files that describe sweeps: what they mean, and how they are told what is wrong with them."""

from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from faena.cli.script_options import ScriptOptions
from faena.cli.sweeps import file_types, reading, yaml_lines
from faena.cli.sweeps.asked import SweepOptions
from faena.kernel.errors import UserErrorException
from tests.cli.terminal import within

GOOD = """\
# yaml-language-server: $schema=sweep.schema.json
script: train.py
source: code
space:
  --lr: loguniform(-6, -1)
  --batchsize: {choice: [128, 256]}
  layers:
    quniform: [1, 8, 1]
  --augment: flag
  net:
    choice:
      - {net: mlp, --dropout: "uniform(0, 0.5)"}
      - {net: linear, mode: on, size: {randint: 4}}
      - [3, 4]
metric: Accuracy
goal: minimize
trials: 20
policy: {kind: bandit, slack_factor: 0.1}
arguments: [--epochs, 10, --version, 1.10, --on, yes]
python: 3.10
tags: {team: a, v: 2.0}
env: {OMP_NUM_THREADS: 1, HOME: null}
requirements: requirements.txt
pip: [numpy]
constraints: [layers <= 4]
"""


def read(folder: Path, text: str) -> reading.Described:
    file = folder / "sweep.yaml"
    file.write_text(text)
    return reading.read(file)


class TestAFile:
    def test_gives_what_options_do(self, tmp_path: Path) -> None:
        found = read(tmp_path, GOOD).values
        assert found["space"] == {
            "--lr": ["loguniform", [-6, -1]],
            "--batchsize": ["choice", [[128, 256]]],
            "layers": ["quniform", [1, 8, 1]],
            "--augment": ["flag", []],
            "net": [
                "choice",
                [
                    [
                        {"net": "mlp", "--dropout": ["uniform", [0, 0.5]]},
                        {"net": "linear", "mode": "on", "size": ["randint", [4]]},
                        [3, 4],
                    ]
                ],
            ],
        }
        assert found["arguments"] == ("--epochs", "10", "--version", "1.10", "--on", "yes")
        assert (found["goal"], found["trials"], found["python"]) == ("minimize", 20, "3.10")
        assert found["source"] == tmp_path / "code"
        assert found["requirements"] == tmp_path / "requirements.txt"
        assert found["tags"] == ("team=a", "v=2.0")
        assert found["variables"] == ("OMP_NUM_THREADS=1", "HOME")
        assert (found["policy"].kind, found["policy"].slack_factor) == ("bandit", 0.1)
        assert found["packages"] == ("numpy",)

    def test_of_the_docs_is_one(self, tmp_path: Path) -> None:
        text = Path(__file__).parents[2].joinpath("docs", "sweeps.md").read_text()
        found = read(tmp_path, text.partition("```yaml\n")[2].partition("```")[0]).values
        assert set(found["space"]) == {"--batchsize", "--epochs", "optimizer"}
        assert (found["policy"], found["at_once"]) == ("bandit(slack_factor=0.1, delay_evaluation=3)", 4)

    def test_of_the_examples_is_one(self) -> None:
        found = reading.read(Path(__file__).parents[2] / "examples" / "chainer-mnist" / "sweep.yaml").values
        assert (found["source"] / found["script"]).is_file()
        assert found["use_gpu"] is True

    def test_json_is_yaml(self, tmp_path: Path) -> None:
        given = {
            "script": "a.py",
            "space": {"lr": {"uniform": [0, 1e-3]}},
            "metric": "loss",
            "fail_fast": False,
        }
        found = read(tmp_path, json.dumps(given)).values
        assert found["space"] == {"lr": ["uniform", [0, 0.001]]}
        assert found["fail_fast"] is False

    @pytest.mark.parametrize(
        ("before", "instead", "said"),
        [
            ("metric: Accuracy", "", "sweep.yaml: metric is missing. Name the metric as the script logs it"),
            ("metric: Accuracy", "metric:", "line 15: metric: metric is missing"),
            ("metric: Accuracy", "metric: 3", "line 15: metric: it is 3, and a text is expected"),
            ("trials: 20", "trials: 0", "line 17: trials: it is 0, and a whole number >= 1 is expected"),
            ("trials: 20", "trials: 1e1", "line 17: trials: it is 10.0, and a whole number is expected"),
            ("trials: 20", "trails: 20", "line 17: trails: there is no such field. Did you mean trials"),
            ("trials: 20", "at_once: 0", "line 17: at_once: it is 0"),
            ("trials: 20", "fail_fast: no", "line 17: fail_fast: it is 'no', and true or false is expected"),
            ("trials: 20", "sampling: grit", "line 17: sampling: 'grit' is not known. Did you mean grid?"),
            ("trials: 20", "sampling:", "line 17: sampling: there is no value"),
            ("slack_factor", "slack_facter", "line 18: policy.slack_facter: there is no such field. Did you mean"),
            ("kind: bandit", "kind: bandot", "line 18: policy.kind: 'bandot' is not known. Did you mean bandit?"),
            ("loguniform(-6, -1)", "loguniform(-1, -6)", "line 5: space.--lr: loguniform(-1, -6) cannot be"),
            ("loguniform(-6, -1)", "logunifrom(-6, -1)", "line 5: space.--lr: cannot be read: 'logunifrom' is no"),
            ("loguniform(-6, -1)", "1e-3", "line 5: space.--lr: it is 0.001. Give an expression"),
            ("loguniform(-6, -1)", "[1e-3, 1e-2]", "line 5: space.--lr: it is a list. One of several values is"),
            ("{choice: [128, 256]}", "{chioce: [128, 256]}", "line 6: space.--batchsize.chioce: 'chioce' is no"),
            ("{choice: [128, 256]}", "{choice: []}", "line 6: space.--batchsize.choice: it is [], and a list"),
            ("{choice: [128, 256]}", "{uniform: [0, 1], flag: 1}", "line 6: space.--batchsize: it has 2 words"),
            ("quniform: [1, 8, 1]", "quniform: [1, 8]", "line 8: space.layers.quniform: it is [1, 8], and"),
            ("quniform: [1, 8, 1]", "quniform: [1, x, 1]", "line 8: space.layers.quniform.1: it is 'x', and a"),
            ('"uniform(0, 0.5)"', '"uniform(0, "', "line 12: space.net.choice.0.--dropout: cannot be read"),
            ("size: {randint: 4}", "size: {randint: x}", "line 13: space.net.choice.1.size.randint: it is 'x'"),
            ("  layers:", "  --lr:", "line 7: '--lr' is there twice, first in line 5"),
            ("trials: 20", "<<: {a: 1}", "line 17: a merge (<<) is not read here"),
            ("trials: 20", "? [a]\n: 1", "line 17: a key is a text"),
            ("trials: 20", "trials: [20", "it is no YAML: while parsing a flow sequence"),
            ("trials: 20", "trials: !!python/name:os.system x", "line 17: the tag"),
            ("trials: 20", "---", "line 17: a second document begins here"),
            ("tags: {team: a", "tags: {team: [a]", "line 21: tags: it is {"),
        ],
    )  # fmt: skip
    def test_tells_file_line_and_field(self, tmp_path: Path, before: str, instead: str, said: str) -> None:
        assert before in GOOD
        with pytest.raises(UserErrorException) as error:
            read(tmp_path, GOOD.replace(before, instead, 1))
        assert error.value.message.startswith(str(tmp_path / "sweep.yaml"))
        assert said in error.value.message

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "a sweep is a mapping"),
            ("- a", "a sweep is a mapping"),
            ("a: \x00", "it is no YAML"),
            ("space: {}\nscript: a\nmetric: b", "line 1: space: it is empty"),
            ("space: [a]\nscript: a\nmetric: b", "line 1: space: it is ['a']. Give parameters"),
        ],
    )
    def test_that_is_no_sweep(self, tmp_path: Path, text: str, said: str) -> None:
        with pytest.raises(UserErrorException) as error:
            read(tmp_path, text)
        assert said in error.value.message

    def test_in_a_line_without_what_a_terminal_would_obey(self, tmp_path: Path) -> None:
        for name in ('"\\e[2J"', "x" * 100_000):
            with pytest.raises(UserErrorException) as error:
                read(tmp_path, f"{name}: 1\n")
            assert error.value.message.partition("line 1: ")[2].isprintable()
            assert len(error.value.message) < 2_000

    def test_of_bytes_of_something_else(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"script: a\nspace: \xff\xfe")
        with pytest.raises(UserErrorException, match=r"a\.yaml, line 2: it is no text in UTF-8"):
            reading.read(tmp_path / "a.yaml")
        with pytest.raises(UserErrorException, match="cannot be read"):
            reading.read(tmp_path)


class TestYaml:
    def test_is_that_of_1_2(self) -> None:
        text = """[yes, no, on, off, 1e-3, 1E5, 0o17, 017, 1_000, 12:30:00, 2020-01-01, .inf, -.INF, ~, TRUE, -5,
            .5, 5., 0x1F, '1', "2", !!str 3, null, 1.10]"""
        assert yaml_lines.read(text.encode()).value == [
            "yes", "no", "on", "off", 0.001, 1e5, 15, 17, "1_000", "12:30:00", "2020-01-01", math.inf, -math.inf,
            None, True, -5, 0.5, 5.0, 31, "1", "2", "3", None, 1.1,
        ]  # fmt: skip

    def test_an_alias_is_its_value(self) -> None:
        found = yaml_lines.read(b"a: &x [1, 2]\nb: *x\nc: &y 1.10\nd: *y")
        assert found.value == {"a": [1, 2], "b": [1, 2], "c": 1.1, "d": 1.1}
        assert found.texts[("d",)] == "1.10"
        assert [found.line(path) for path in ((), ("a", 1), ("b", 0), ("nope",))] == [1, 1, 2, 1]

    def test_aliases_that_unfold_to_much_are_refused(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
        with pytest.raises(yaml_lines.YamlError, match="more than 100,000 values"):
            yaml_lines.read("\n".join(lines).encode())

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[" * 10_000, "nested deeper"),
            ("{a: " * 10_000, "nested deeper"),
            ("a: &a [*a]", "stands for nothing that is complete"),
            ("a: " + "x" * 600_000, "bytes"),
            ("*a", "stands for nothing"),
            ("{*a : 1}", "stands for nothing"),
        ],
    )
    def test_what_has_no_end_is_refused(self, text: str, said: str) -> None:
        with pytest.raises(yaml_lines.YamlError, match=said):
            yaml_lines.read(text.encode())


class TestTheSchema:
    def test_is_the_file_in_the_package_and_what_the_command_prints(self, tmp_path: Path) -> None:
        kept = Path(file_types.__file__).with_name(file_types.SCHEMA_FILE)
        assert json.loads(kept.read_text()) == file_types.schema()
        printed = within(tmp_path, "sweep", "--schema")
        assert (printed.returncode, json.loads(printed.stdout)) == (0, file_types.schema())

    def test_knows_each_field_that_is_read_and_says_what_it_is(self) -> None:
        found: dict[str, Any] = file_types.schema()["$defs"]["SweepFile"]
        assert set(found["properties"]) == set(file_types.SweepFile.__struct_fields__)
        assert all(field.get("description") for field in found["properties"].values())
        policy = file_types.schema()["$defs"]["Policy"]["properties"]
        assert all(field.get("description") for field in policy.values())
        assert found["required"] == ["script", "space", "metric"]
        assert found["additionalProperties"] is False

    def test_has_a_field_for_each_option_of_the_command(self) -> None:
        named_otherwise = {"packages": "pip", "conda_packages": "conda", "variables": "env"}
        options = {each.name for kind in (ScriptOptions, SweepOptions) for each in fields(kind)}
        options -= {"parent"}  # a run that is there: no part of a description
        assert {named_otherwise.get(name, name) for name in options} <= set(
            file_types.SweepFile.__struct_fields__
        )

    def test_agrees_with_what_is_read(self) -> None:
        validator = pytest.importorskip("jsonschema").Draft202012Validator(file_types.schema())
        value = yaml_lines.read(GOOD.encode()).value
        assert not list(validator.iter_errors(value))
        for field, wrong in (
            ("trials", 0),
            ("trails", 3),
            ("fail_fast", "no"),
            ("sampling", "grit"),
            ("space", {}),
            ("space", {"--lr": {"uniform": [0]}}),
            ("space", {"--lr": {"uniform": [0, 1], "randint": 3}}),
            ("policy", {"kind": "bandot"}),
        ):
            assert list(validator.iter_errors({**value, field: wrong})), (field, wrong)
