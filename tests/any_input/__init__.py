"""Whatever is sent to a server, whoever sends it: no answer is a defect, and none that the description does not have.

`python -m tests.any_input --minutes 10` asks all routes, on both databases, for so long, and says what it covered.
"""
