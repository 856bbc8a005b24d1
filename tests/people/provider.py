"""A provider of OpenID Connect that is none of ours, in a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PEOPLE = (
    {"sub": "alice", "email": "alice@example.org", "email_verified": True},
    {"sub": "mallory", "email": "mallory@example.com", "email_verified": True},
)
_URL = re.compile(r"http://127\.0\.0\.1:[0-9]+")


@contextmanager
def provider(url: str = "") -> Iterator[str]:
    """Its address; `url`: that of one that has ended, whose place it takes with keys of its own."""
    port = url.rpartition(":")[2] or "0"
    known = [part for each in PEOPLE for part in ("--user-claims", json.dumps(each))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", port, "--require-nonce", "true", *known]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if (found := _URL.search(line)) is not None:
                yield found[0]
                break
        else:
            raise AssertionError("".join(said))
    finally:
        process.terminate()
        process.communicate()
