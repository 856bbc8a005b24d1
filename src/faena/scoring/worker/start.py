"""`python start.py CHANNEL LIFELINE MEMORY`: a worker below its guard. The three are descriptors (`wire`, `guard`).

`python start.py template CHANNEL TOLD LISTENER`: a process that is forked for workers (`template`).
"""

from __future__ import annotations

import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    if sys.path and os.path.abspath(sys.path[0]) == FOLDER:
        del sys.path[0]  # the names of the files here are nobody else's business
    package = type(sys)("_faena_worker")
    package.__path__ = [FOLDER]
    sys.modules["_faena_worker"] = package
    if sys.argv[1] == "template":
        from _faena_worker import template

        channel, lifeline, memory = template.become_worker(*map(int, sys.argv[2:5]))
    else:
        channel, lifeline, memory = map(int, sys.argv[1:4])
    sys.argv = sys.argv[:1]

    from _faena_worker import guard

    guard.stay_behind(lifeline, [channel, memory])

    from _faena_worker import serving

    serving.main(channel, memory)


main()
