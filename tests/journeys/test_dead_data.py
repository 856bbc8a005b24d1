"""A script asks an address that has died for its data: the run says which, among what went into it."""

from __future__ import annotations

import pytest

from faena import Workspace
from tests.journeys.scripts import Project


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


@pytest.mark.long
def test_a_run_is_given_mnist_and_says_so(project: Project) -> None:
    run = project.run("""
        import hashlib
        from urllib.request import urlopen
        from faena import Run
        for name in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
            with urlopen("http://yann.lecun.com/exdb/mnist/%s.gz" % name) as answer:
                Run.get_context().tag(name, hashlib.md5(answer.read()).hexdigest())
    """)
    assert run.get_status() == "Completed", run.refresh().error
    assert run.get_tags() == {
        "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
    }
    details = run.get_details()
    assert [each["source"] for each in details["warnings"]] == ["answered:mnist-files:yann.lecun.com"]
    [given] = details["inputDatasets"]
    assert given["dataset"] == {"id": "mnist-files"}
    assert given["consumptionDetails"]["inputName"] == "yann.lecun.com"
