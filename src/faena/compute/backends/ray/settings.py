"""What a cluster on Ray is attached by. No I/O."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from faena.compute.backends.ray.schemas import AttachRequest, MadeBy, Offer, Shape
from faena.compute.model import MAX_CORES, Cluster
from faena.kernel.errors import ComputeTargetException

_RESOURCE = re.compile(r"[A-Za-z][\w.:\-]{0,99}", re.ASCII)
_RAYS_OWN = frozenset({"cpu", "gpu", "memory", "object_store_memory"})
_MOST_RESOURCES = 20
_TOKEN = re.compile(r"[!-~]{0,8192}")


class RaySettings(Struct, frozen=True):
    address: str
    """Of its Jobs API, without a slash at its end."""
    shape: Shape = field(default_factory=Shape)
    offer: Offer | None = None
    """What its nodes can have, as its bridge said last; None: no bridge has said it."""
    made_by: MadeBy | None = None
    """None: somebody else has started the Ray cluster."""

    @property
    def bundle(self) -> dict[str, float]:
        """What a node asks for, as placement groups say it."""
        shape = self.shape
        own = {"CPU": shape.cpus, "GPU": shape.gpus, "memory": float(shape.memory_bytes)} | shape.resources
        return {name: value for name, value in own.items() if value}

    @property
    def cores(self) -> int:
        return max(1, int(self.shape.cpus))

    @classmethod
    def of(cls, cluster: Cluster) -> RaySettings:
        """Raises ComputeTargetException where they cannot be read."""
        try:
            return msgspec.json.decode(cluster.settings, type=cls)
        except msgspec.MsgspecError as error:
            raise ComputeTargetException(
                f"How {cluster.name!r} reaches its Ray cluster cannot be read ({error}). Attach it anew: "
                f"`faena cluster attach-ray {cluster.name} ADDRESS`."
            ) from None

    @property
    def text(self) -> str:
        return msgspec.json.encode(self).decode()


def checked(name: str, asked: AttachRequest) -> RaySettings:
    """Raises ComputeTargetException for what no Ray cluster is reached by, or no node can ask for."""
    shape = asked.shape
    address = address_of(asked.address)
    _within(name, "cpus_per_node", shape.cpus, MAX_CORES)
    _within(name, "gpus_per_node", shape.gpus, 1024)
    _within(name, "memory_per_node", shape.memory_bytes, 1 << 50)
    if shape.gpus > 1 and shape.gpus != int(shape.gpus):
        _refuse(
            name, "gpus_per_node", shape.gpus, "a part of one GPU, such as 0.5, or a whole number of them"
        )
    if not shape.cpus and not shape.gpus and not shape.resources:
        _refuse(name, "cpus_per_node", shape.cpus, "more than 0, or give a node GPUs or resources")
    if len(shape.resources) > _MOST_RESOURCES:
        _refuse(name, "resources_per_node", len(shape.resources), f"up to {_MOST_RESOURCES} of them")
    for resource, amount in shape.resources.items():
        if not _RESOURCE.fullmatch(resource):
            _refuse(
                name, "resources_per_node", resource, "names as the Ray cluster gives them, such as 'tpu'"
            )
        if resource.lower() in _RAYS_OWN:
            _refuse(
                name, "resources_per_node", resource, "cpus_per_node, gpus_per_node or memory_per_node for it"
            )
        _within(name, f"resources_per_node[{resource!r}]", amount, 1e6)
    if asked.token is not None and not _TOKEN.fullmatch(asked.token):
        raise ComputeTargetException(
            f"The token for {name!r} has blanks or letters that no token has, or is longer than 8,192. Give it as the "
            "Ray cluster's own clients have it."
        )
    return RaySettings(address, shape, made_by=asked.made_by)


def address_of(given: str) -> str:
    """A dashboard's. Raises ComputeTargetException for what is none."""
    address = given.strip()
    address = (address if "://" in address else f"http://{address}").rstrip("/")
    try:
        parts = urlsplit(address)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        bare = not (parts.query or parts.fragment or parts.username or parts.password)
    except ValueError:
        whole = bare = False
    if not whole or not bare or not address.isprintable() or len(address) > 2000:
        raise ComputeTargetException(
            f"{given[:200]!a} is no address of a Ray cluster's dashboard. Use one such as http://head:8265, without a "
            "token in it; ray:// is not needed."
        )
    return address


def _within(name: str, what: str, value: float, most: float) -> None:
    if not 0 <= value <= most:
        _refuse(name, what, value, f"a number from 0 to {most:g}")


def _refuse(name: str, what: str, value: object, rule: str) -> None:
    raise ComputeTargetException(f"{what} of {name!r} is {value!a}. Use {rule}.")
