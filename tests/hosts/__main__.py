"""`python -m tests.hosts`: everything that happens to runs on other hosts, with the true terms of their leases.

It exits with 1 when anything was lost, doubled, wrong or left, or two scripts lived at once.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from tests.hosts import ranks, stories
from tests.hosts.ground import Lease
from tests.hosts.namespaces import unavailable
from tests.hosts.trials import HEAD, Found, Story, tried


def main() -> int:
    options = _parser().parse_args()
    if why := unavailable():
        print(f"no hosts can be made: {why}")
        return 0
    lease = Lease()
    base = Path(tempfile.mkdtemp(prefix="faena-hosts-", dir="/tmp"))
    if options.ranks:
        return _ended(base, clean=ranks.campaign(base, lease, options.only))
    told = [
        *stories.of_links(lease, 4.0, 20.0, 90.0),
        *stories.of_phases(lease),
        *stories.of_processes(lease),
    ]
    told = [each for each in told if all(word in each.name for word in options.only)]
    found = [_tried(each, base / f"{number}", lease) for number, each in enumerate(told * options.times)]
    print("\n".join([HEAD, *map(str, found)]), flush=True)
    return _ended(base, clean=all(each.is_clean for each in found))


def _ended(base: Path, *, clean: bool) -> int:
    if clean:
        shutil.rmtree(base)
    print("nothing lost, doubled, wrong or left" if clean else f"NOT CLEAN: what was found lies in {base}")
    return 0 if clean else 1


def _tried(story: Story, folder: Path, lease: Lease) -> Found:
    try:
        found = tried(story, folder, lease)
    except AssertionError as error:  # a finding, too: the next one goes on
        traceback.print_exc()
        found = Found(story.name, wrong=[str(error)])
    print(f"{found}  {'; '.join(found.wrong)}", flush=True)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.hosts", description=__doc__)
    parser.add_argument("--times", type=int, default=1, help="of each (default 1)")
    parser.add_argument("--only", nargs="*", default=[], help="those with these words in their names")
    parser.add_argument("--ranks", action="store_true", help="what happens to ChainerMN on two hosts instead")
    return parser


if __name__ == "__main__":
    sys.exit(main())
