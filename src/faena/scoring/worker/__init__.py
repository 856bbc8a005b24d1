"""What the interpreter of a model's environment runs: Python 3.8 and the standard library, nothing of Faena's.

`start.py` is run by its path and makes this folder the package `_faena_worker`, so that no name of it hides one of the
scoring script's. The front imports `wire` as `faena.scoring.worker.wire`: one file says how the two speak.
"""
