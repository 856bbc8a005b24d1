"""How the workers of a revision are started: which interpreter, where, with which variables."""

from __future__ import annotations

import os

from faena.scoring.desired import Revision
from faena.scoring.worker_process import Launch

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
MODEL_DIR = "AZUREML_MODEL_DIR"
_NOT_PASSED_ON = ("PYTHONDONTWRITEBYTECODE",)


def of(revision: Revision) -> Launch:
    variables = dict.fromkeys(_THREADS, str(revision.threads)) | revision.variables
    for name in _NOT_PASSED_ON:
        variables.pop(name, None)
    if revision.model_dir is not None:
        variables[MODEL_DIR] = revision.model_dir
    if path := [*revision.pythonpath, *filter(None, [variables.get("PYTHONPATH")])]:
        variables["PYTHONPATH"] = os.pathsep.join(path)
    begin = {
        "app": revision.app,
        "entry": revision.entry,
        "kind": revision.kind,
        "options": revision.options,
        "model_dir": revision.model_dir,
        "max_batch_size": revision.max_batch_size,
        "models": [list(model) for model in revision.models],
    }
    return Launch(revision.python, revision.app, variables, begin)
