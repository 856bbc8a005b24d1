"""A client process: submits a run as a user would and waits for it. `python client.py REQUEST`.

REQUEST is a JSON file: {"workspace", "experiment", "tags", "estimator": {…}, "ready": file, "accepted": file}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from faena import Estimator, Experiment, Workspace


def main() -> None:
    request = json.loads(Path(sys.argv[1]).read_text())
    experiment = Experiment(Workspace(request["workspace"]), request["experiment"])
    Path(request["ready"]).touch()
    run = experiment.submit(Estimator(**request["estimator"]), tags=request["tags"])
    accepted = Path(request["accepted"])
    accepted.with_suffix(".new").write_text(run.id)
    accepted.with_suffix(".new").rename(accepted)
    run.wait_for_completion(show_output=True, raise_on_error=False)


if __name__ == "__main__":
    main()
