"""Data sets whose addresses have died, in a script on the Pythons of then and of today."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.script.conftest import RunHere
from tests.script.test_rpc import Runner

START = "import _faena_start; _faena_start.install()\n"
LABELS = "train-labels-idx1-ubyte.gz"
CONTENT = b"\x1f\x8bthe labels"


@pytest.fixture
def keeping(here: RunHere) -> RunHere:
    """A host that has MNIST's files, and says where they lie."""
    folder = here.folder / "datasets" / "originals" / "mnist"
    folder.mkdir(parents=True)
    (folder / LABELS).write_bytes(CONTENT)
    host = here.folder / "host"
    host.write_text(
        f'#!/bin/sh\necho "asked for $3" >> {here.folder / "asked"}\necho {here.folder / "datasets"}\n'
    )
    host.chmod(0o755)
    here.extra |= {"FAENA_SOCKET": "", "FAENA_PYTHON": str(host)}
    return here


def test_a_dead_address_is_answered_and_told_once(keeping: RunHere) -> None:
    out, err = keeping.run(
        START
        + """
import urllib.request
from urllib.request import Request, urlopen, urlretrieve
address = "http://yann.lecun.com/exdb/mnist/train-labels-idx1-ubyte.gz"
path, headers = urlretrieve(address, "labels.gz")
with open(path, "rb") as file:
    print(file.read(), headers["Content-Length"])
with urlopen(Request(address, headers={"User-Agent": "x"})) as answer:
    print(answer.url == address, answer.status, answer.length, answer.read(4), answer.read() == answer.read(1))
with urlopen(Request(address, method="HEAD")) as answer:
    print(answer.getheader("Content-Length"), answer.read())
"""
    )
    assert out.splitlines() == [
        f"{CONTENT!r} 12",
        f"True 200 12 {CONTENT[:4]!r} False",
        "12 b''",
    ]
    told = "http://yann.lecun.com/exdb/mnist/ is dead; MNIST comes from Faena's verified copy."
    assert err == f"faena: {told} FAENA_DEAD_DATA=off turns this off.\n"
    notes = [record for record in keeping.spool().events if record["op"] == "note"]
    assert [note["code"] for note in notes] == ["answered:mnist-files:yann.lecun.com"]
    assert (keeping.folder / "asked").read_text() == "asked for mnist-files\n"


@pytest.fixture
def web() -> Iterator[ThreadingHTTPServer]:
    """Answers 200 at /lives/, 403 at /refuses/, nothing at /hangs/ until its end."""
    ending = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/hangs/"):
                ending.wait()
                return  # whoever asked has gone
            self.send_response(200 if self.path.startswith("/lives/") else 403)
            self.end_headers()
            self.wfile.write(b"from the web")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


AT = """
import sys
from urllib.request import urlopen
import _faena_dead_addresses as known, _faena_dead_answers as answers
known.ADDRESSES["127.0.0.1"] = [("/%s/mnist/" % each, "mnist-files", True) for each in ("lives", "refuses", "hangs")]
known.UNANSWERED["127.0.0.1"] = ("/refuses/cifar", "No package holds CIFAR-10")
answers.PATIENCE = 0.3
at = "http://127.0.0.1:%s/" % sys.argv[1]
"""


def test_an_address_that_may_live_is_asked_first(keeping: RunHere, web: ThreadingHTTPServer) -> None:
    out, err = keeping.run(
        START
        + AT
        + """
print(urlopen(at + "lives/mnist/train-labels-idx1-ubyte.gz").read())
answers._failed.clear()
print(urlopen(at + "refuses/mnist/train-labels-idx1-ubyte.gz").read())
answers._failed.clear()
print(urlopen(at + "hangs/mnist/train-labels-idx1-ubyte.gz").read())
print(urlopen(at + "lives/other").read())
for path in ("refuses/cifar-10-python.tar.gz", "refuses/other"):
    try:
        urlopen(at + path)
    except OSError as error:
        print(error)
""",
        str(web.server_address[1]),
    )
    assert out.splitlines()[:4] == ["b'from the web'", repr(CONTENT), repr(CONTENT), "b'from the web'"]
    assert out.splitlines()[4].startswith("<urlopen error Forbidden (http://127.0.0.1:")
    assert out.splitlines()[4].endswith("/refuses/cifar-10-python.tar.gz). No package holds CIFAR-10.>")
    assert out.splitlines()[5] == "HTTP Error 403: Forbidden"
    assert err.splitlines() == [
        "faena: http://127.0.0.1/refuses/mnist/ did not answer; MNIST comes from Faena's verified copy. "
        "FAENA_DEAD_DATA=off turns this off."
    ]


def test_what_cannot_be_brought_is_said(keeping: RunHere) -> None:
    (keeping.folder / "host").write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    out, err = keeping.run(
        START
        + """
from urllib.request import urlopen
try:
    urlopen("http://yann.lecun.com/exdb/mnist/train-labels-idx1-ubyte.gz")
except OSError as error:
    print(error)
"""
    )
    assert (
        "yann.lecun.com/exdb/mnist/train-labels-idx1-ubyte.gz gave nothing, and Faena's copy could not be"
        in out
    )
    assert err == "no network\n"


def test_it_can_be_turned_off(keeping: RunHere) -> None:
    keeping.extra["FAENA_DEAD_DATA"] = "off"
    out, err = keeping.run(
        START
        + """
import socket
def refuse(*arguments, **named):
    raise OSError("asked the network")
socket.create_connection = socket.getaddrinfo = refuse
from urllib.request import urlopen
try:
    urlopen("http://yann.lecun.com/exdb/mnist/train-labels-idx1-ubyte.gz")
except OSError as error:
    print(error)
"""
    )
    assert (out, err) == ("<urlopen error asked the network>\n", "")
    assert not (keeping.folder / "asked").exists()


def test_mnist_of_chainers_is_told_as_well(here: RunHere) -> None:
    """A stand-in for its module: what is brought and told does not depend on what it does with the files."""
    package = here.folder / "chainer" / "datasets"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").touch()
    (package / "mnist.py").write_text("def get_mnist(**named):\n    return named\n")
    kept = here.folder / "datasets"
    here.extra |= {"FAENA_DATASETS": str(kept), "CHAINER_DATASET_ROOT": str(kept)}
    script = START + "from chainer.datasets import mnist\nprint(mnist.get_mnist(ndim=3), mnist.get_mnist())\n"
    runner = Runner(here.env["FAENA_SOCKET"], lambda _verb, _arguments: {"ok": {"root": str(kept)}})
    try:
        out, err = here.run(script)
    finally:
        runner.stop()
    assert runner.asked == [("ensure_dataset", {"name": "mnist"})] * 2
    assert out == "{'ndim': 3} {}\n"
    assert (
        err.count("http://yann.lecun.com/exdb/mnist/ is dead; MNIST comes from Faena's verified copy.") == 1
    )
    notes = [record for record in here.spool().events if record["op"] == "note"]
    assert [note["code"] for note in notes] == ["answered:mnist-files:yann.lecun.com"]
    here.extra["CHAINER_DATASET_ROOT"] = str(here.folder)
    _, err = here.run(script)
    assert err == ""
