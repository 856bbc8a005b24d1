"""Outside a run."""

from __future__ import annotations

from tests.script.conftest import RunHere

HEAD = """
from azureml.core.run import Run, _OfflineRun
run = Run.get_context()
assert isinstance(run, _OfflineRun) and run.id.startswith("OfflineRun_")
"""


def test_calls_print_what_a_run_would_record(outside: RunHere) -> None:
    out, err = outside.run(
        HEAD
        + """
run.log("loss", 0.5, step=1)
run.log("loss", 3)
run.log_list("l", [1, 2])
run.log_row("r", a=1)
run.log_table("t", {"x": [1]})
run.tag("k", "v")
run.upload_file("a/train.py", __file__)
with open(__file__) as stream:
    run.upload_file("a/b", stream)
run.flush(); run.complete(); run.fail("x"); run.cancel()
with run:
    pass
print(run)
"""
    )
    assert out.startswith(
        "Attempted to log scalar metric loss:\n0.5\nAttempted to log scalar metric loss:\n3\n"
    )
    for line in (
        "Attempted to log list metric l:\n[1, 2]",
        "Attempted to log row metric r:\n{'a': 1}",
        "Attempted to log table metric t:\n{'x': [1]}",
        "Attempted to tag the run with k:\nv",
        "Attempted to upload file a/train.py:\n",
        "Status: Offline",
    ):
        assert line in out
    assert err == ""
    assert outside.spool().files == []


def test_what_needs_a_run_says_so(outside: RunHere) -> None:
    outside.run(
        HEAD
        + """
from faena.script.errors import RunEnvironmentException
calls = [lambda: run.experiment, run.get_metrics, run.get_file_names, run.get_details, run.get_status,
         lambda: run.register_model("m"), lambda: Run.get_context(allow_offline=False), Run.get_submitted_run]
for call in calls:
    try:
        call()
    except RunEnvironmentException as error:
        assert "outside" in error.message and "FAENA_RUN_ID" in str(error), error
    else:
        raise AssertionError(call)
assert not hasattr(run, "experiment")  # how scripts of 2019 ask
"""
    )


def test_bad_input_is_refused_as_in_a_run(outside: RunHere) -> None:
    outside.run(
        HEAD
        + """
from faena.script.errors import UserErrorException
for call in (lambda: run.log("a", [1]), lambda: run.log("", 1), lambda: run.upload_file("../a", __file__),
             lambda: run.upload_file("a", "/nowhere"), lambda: run.upload_file("a", "."),
             lambda: run.upload_file("a", 7)):
    try:
        call()
    except UserErrorException:
        pass
    else:
        raise AssertionError(call)
"""
    )
