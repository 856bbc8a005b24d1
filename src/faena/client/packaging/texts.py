"""The texts of a package: how it starts, what it is, its image."""

from __future__ import annotations

from collections.abc import Iterator

from faena.client.packaging.contents import Contents
from faena.environments.schemas import LockView
from faena.kernel.plural import counted

_NEWEST = "3.13"
"""Of the base image, where the model's own Python is too old for the front."""
_OLDEST = (3, 11)

SERVE = """#!/bin/sh
# Serves the model in this folder over HTTP; `./serve --help` and README.md tell how.
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit 1
for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        PYTHONPATH=$here/front exec "$python" -m faena.scoring.packaged.start "$@"
    fi
done
if command -v uv >/dev/null 2>&1; then
    PYTHONPATH=$here/front exec uv run --no-project --python '>=3.11' python -m faena.scoring.packaged.start "$@"
fi
echo "This needs Python 3.11 or newer, or uv (https://docs.astral.sh/uv), and neither is on the PATH." >&2
exit 1
"""


def readme(contents: Contents, lock: LockView | None) -> str:
    return "\n".join(_readme(contents, lock)) + "\n"


def _readme(contents: Contents, lock: LockView | None) -> Iterator[str]:
    yield f"# {contents.name}"
    yield ""
    yield "This folder answers over HTTP with:"
    yield ""
    for model in contents.models:
        size = counted(len(model.files), "file")
        yield f"- {model.id}{f' ({model.framework})' if model.framework else ''}, {size}, {model.size:,} bytes"
    yield ""
    script = f"`app/{contents.entry}`" if contents.entry else f"the model itself, of the kind {contents.kind}"
    yield f"What answers is {script}."
    if lock is None:
        yield "Its packages are those of the interpreter that you name: `./serve --python PATH`."
    else:
        version = ".".join(lock.python.split(".")[:2])
        yield f"`requirements.txt` has its packages, exactly, with hashes: of Python {version} on {lock.platform}."
    yield ""
    yield "```"
    yield "./serve                     # http://localhost:5001/score; the first start installs the packages"
    yield "./serve --help              # another port, address, number of workers, no keys"
    yield "```"
    yield ""
    yield "It needs Python 3.11 or newer, and a package index; uv is used where it is installed. Ctrl-C ends it once"
    yield "it has answered what it was asked."
    yield ""
    yield "```"
    yield 'KEY=$(python3 -c \'import json; print(json.load(open("state/keys.json"))["primary"])\')'
    yield 'curl -H "Authorization: Bearer $KEY" --data @request.json http://localhost:5001/score'
    yield "```"
    yield ""
    yield "Keys are made at the first start, for the owner of `state/keys.json` alone; `FAENA_KEYS=first,second` gives"
    yield "others, and `--no-auth` asks for none. `/swagger.json`, `/openapi.json`, `/metrics`, `/invocations` and"
    yield "`/v2` are there, too."
    if contents.left_out:
        yield ""
        yield f"The script expects {', '.join(contents.left_out)} in its environment. The values are secret and were"
        yield "left out: set them before `./serve`."
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield "| `app/` | the working directory of the script; models below `azureml-models/NAME/VERSION` |"
    yield "| `front/` | what speaks HTTP, and its own requirements |"
    yield "| `package.json` | how it is served: workers, batches, limits |"
    yield "| `state/` | made by `./serve`: environments, keys, logs; may be deleted while nothing runs |"
    yield "| `Dockerfile` | `docker build -t NAME .`, then `docker run -p 5001:5001 -e FAENA_KEYS=… NAME` |"


def dockerfile(lock: LockView | None) -> str:
    return "\n".join(_dockerfile(lock)) + "\n"


def _dockerfile(lock: LockView | None) -> Iterator[str]:
    version = _NEWEST if lock is None else ".".join(lock.python.split(".")[:2])
    old = tuple(map(int, version.split("."))) < _OLDEST
    yield f"FROM python:{_NEWEST if old else version}-slim"
    if old:
        yield f"# uv brings the model's Python {version}"
        yield "RUN pip install --no-cache-dir uv"
    yield "WORKDIR /model"
    yield "COPY . ."
    if lock is None:
        yield "# The packages of the model are not known: install them here."
    yield "RUN ./serve --prepare"
    yield "EXPOSE 5001"
    yield 'CMD ["./serve", "--host", "0.0.0.0", "--port", "5001"]'
