"""Gives a kernel of `faena lab` what its own interpreter lacks of Jupyter: behind all that it has."""

import os
import sys

_folder = os.environ.pop("FAENA_LAB_PACKAGES", "")
_here = os.path.dirname(os.path.abspath(__file__))
_rest = [entry for entry in os.environ.pop("PYTHONPATH", "").split(os.pathsep) if entry and entry != _here]
if _rest:
    os.environ["PYTHONPATH"] = os.pathsep.join(_rest)
if _folder:
    import site

    site.addsitedir(_folder)
sys.path[:] = [entry for entry in sys.path if entry != _here]
