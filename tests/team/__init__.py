"""Bad days of a team's server: several processes on PostgreSQL and a bucket, and clients that work on meanwhile.

`python -m tests.team` runs it whole and prints a table; `test_short.py` is the short form.
"""
