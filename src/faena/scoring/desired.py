"""`endpoint.json`: what an endpoint shall be, as the workspace server writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from faena.kernel.durable import write_atomically
from faena.kernel.errors import WebserviceException
from faena.kernel.hidden import hiding
from faena.scoring.files import DESIRED

FILE = DESIRED
FORMAT = 1

_Positive = Annotated[int, Meta(ge=1)]
_Count = Annotated[int, Meta(ge=0)]
_Seconds = Annotated[float, Meta(gt=0)]


class Limits(Struct, frozen=True):
    body_bytes: _Positive = 100 << 20
    header_bytes: _Positive = 64 << 10
    """Of a request line and all headers."""
    queue: _Count = 1000
    """Requests that wait for a worker; one more gets 429."""
    timeout_s: _Seconds = 60.0
    """From a whole request to its answer."""
    init_timeout_s: _Seconds = 600.0
    connections: _Positive = 4096
    head_s: _Seconds = 10.0
    """From the first byte of a request to the end of its headers."""
    body_s: _Seconds = 60.0
    """In which a body brings 16 KB more, or its end."""
    keep_alive_s: _Seconds = 75.0
    """For which a connection may be without a request."""


class Revision(Struct, frozen=True, kw_only=True):
    """What one set of workers runs."""

    id: _Positive
    python: str
    """The interpreter of the model's environment."""
    hold: str = ""
    """A file whose flock, shared, keeps the interpreter's environment from being removed."""
    app: str
    """The working directory of its workers, in which the entry script and ./azureml-models are."""
    entry: str | None = None
    """The scoring script, below `app`; None where `kind` needs none."""
    kind: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    """Of the kind: `link` ("module:Class"), `arguments`, `named`; `trust` for what is loaded by pickle."""
    model_dir: str | None = None
    """AZUREML_MODEL_DIR."""
    variables: dict[str, str] = field(default_factory=dict)
    """The whole environment of a worker, but for what the front adds."""
    pythonpath: list[str] = field(default_factory=list)
    workers: _Positive = 1
    threads: _Positive = 1
    """Of each worker's numeric libraries."""
    max_batch_size: _Positive = 1
    max_latency_ms: Annotated[float, Meta(ge=0)] = 0.0
    max_requests: _Positive | None = None
    max_memory_bytes: _Positive | None = None
    sample: str | None = None
    """The body of a request that a new revision must answer before it takes over."""
    models: list[tuple[str, str]] = field(default_factory=list)
    """Their names and versions."""


class Tls(Struct, frozen=True):
    """Paths of PEM files."""

    certificate: str
    key: str


class Endpoint(Struct, frozen=True, kw_only=True):
    format: int = FORMAT
    name: str
    workspace: str = ""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 0
    """0: any; the same one is taken again after a restart."""
    last_port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    """The one that it had, where status.json is lost."""
    keys: Annotated[list[str], Meta(min_length=1, max_length=2)] | None = None
    """None: whoever reaches the port may ask."""
    limits: Limits = Limits()
    revisions: Annotated[list[Revision], Meta(min_length=1)]
    traffic: dict[str, Annotated[float, Meta(ge=0, le=1e9)]] = field(default_factory=dict)
    """Weights by revision. Empty: all to the newest."""
    sticky_header: str | None = None
    """Requests with the same value of it go to the same revision, as long as the weights are the same."""
    shadow: int | None = None
    """A revision that is asked, too; its answers are compared and counted, not sent."""
    cors_origins: list[str] = field(default_factory=list)
    tls: Tls | None = None
    swagger: dict[str, Any] | None = None
    keep_requests: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """The share of requests that are kept with their answers."""

    def revision(self, number: int) -> Revision | None:
        return next((each for each in self.revisions if each.id == number), None)

    @property
    def weights(self) -> dict[int, float]:
        """Of the revisions that get requests."""
        given = {int(number): weight for number, weight in self.traffic.items() if weight > 0}
        return given or {max(each.id for each in self.revisions): 1.0}

    __repr__ = hiding("keys")


def parse(data: bytes) -> Endpoint:
    """Raises WebserviceException, which names the field that is wrong."""
    try:
        endpoint = msgspec.json.decode(data, type=Endpoint)
    except msgspec.DecodeError as error:
        raise WebserviceException(f"{FILE} describes no endpoint: {error}.") from error
    if wrong := _inconsistent(endpoint):
        raise WebserviceException(f"{FILE} describes no endpoint: {wrong}.")
    return endpoint


def read(folder: Path) -> Endpoint:
    """Raises WebserviceException and OSError."""
    return parse((folder / FILE).read_bytes())


def holds(folder: Path, endpoint: Endpoint) -> bool:
    """Whether the file is there and says this; false for one that is damaged. Raises OSError."""
    try:
        return (folder / FILE).read_bytes() == msgspec.json.encode(endpoint)
    except FileNotFoundError:
        return False


def write(folder: Path, endpoint: Endpoint) -> None:
    """Raises OSError."""
    write_atomically(folder / FILE, msgspec.json.encode(endpoint), mode=0o600)


def _inconsistent(endpoint: Endpoint) -> str | None:
    """What its parts say against each other."""
    known = {str(each.id) for each in endpoint.revisions}
    if endpoint.format != FORMAT:
        return f"its format is {endpoint.format}, and this Faena reads {FORMAT}"
    if len(known) < len(endpoint.revisions):
        return "two of its revisions have the same id"
    if strange := sorted(endpoint.traffic.keys() - known):
        return f"traffic names revision {strange[0]!r}, and there are {', '.join(sorted(known))}"
    if endpoint.traffic and not any(endpoint.traffic.values()):
        return "traffic gives no revision a weight above 0"
    if endpoint.shadow is not None and str(endpoint.shadow) not in known:
        return f"shadow names revision {endpoint.shadow}, and there are {', '.join(sorted(known))}"
    if endpoint.keys is not None and not all(endpoint.keys):
        return "one of its keys is empty"
    if endpoint.keys is None or all(key.isascii() and key.isprintable() for key in endpoint.keys):
        return None
    return "one of its keys holds what cannot be sent in a header"
