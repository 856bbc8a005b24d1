"""`python _faena_kernel.py -f CONNECTION_FILE`: a notebook's kernel with Faena's hooks installed first."""

from __future__ import annotations

import sys

import _faena_start

_faena_start.install()
sys.path[0] = ""  # modules beside the notebook, not those beside this file

from ipykernel import kernelapp  # noqa: E402  the hooks come first

kernelapp.launch_new_instance()
