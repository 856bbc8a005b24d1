"""The kill campaign: SIGKILL for everybody in every phase, a server that stays away, a disk that fills.

`python -m tests.faults` runs it whole and prints a table; `test_short.py` is the short form.
"""
