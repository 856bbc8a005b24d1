"""`python _faena_kernel.py -f CONNECTION_FILE`: a notebook's kernel with Faena's hooks installed first."""

from __future__ import annotations

import os
import sys

import _faena_start

_faena_start.install()
if "FAENA_KERNEL_PYTHON" in os.environ:  # of `faena kernel install`, in no run
    _faena_start.answer()

from ipykernel import kernelapp  # noqa: E402  the hooks come first

sys.path[0] = os.environ.pop(
    "FAENA_NOTEBOOK_FOLDER", ""
)  # modules beside the notebook, not those beside this file
kernelapp.launch_new_instance()
