"""How a script's `run` is to be called: what it takes, by its decorators and its signature."""

from __future__ import annotations

import inspect
import sys

from . import answers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


class Parameter:
    """A typed one. `kind`: "numpy", "pandas", "standard", or "other" for a type that is not ours to look into."""

    __slots__ = ("floats", "form", "has_default", "kind", "name", "optional", "type")

    def __init__(
        self, name: str, kind: Any, optional: bool, form: str = "", has_default: bool = False
    ) -> None:
        """`optional`: it may be null, and left out; with `has_default` it may be left out."""
        self.name = name
        self.type = kind
        self.optional = optional
        self.has_default = optional or has_default
        self.kind: str = getattr(kind, "_faena_kind", "other")
        self.floats = bool(getattr(kind, "_faena_floats", False))
        """Whether all numbers of an array become floats of one type, however they are written."""
        self.form = form or self.kind
        """"numpy" or "pandas" also for a type of an installed inference_schema, which converts by itself."""

    def convert(self, value: Any) -> Any:
        """Raises BadInput."""
        if self.kind == "other" or self.optional and value is None:
            return value
        try:
            return self.type.deserialize_input(value)
        except (TypeError, ValueError, KeyError) as error:
            raise answers.BadInput("The parameter {!r} is refused: {}.".format(self.name, error)) from None


class Calling:
    """Of `run`, with `run_batch` where the script has one."""

    def __init__(self, run: Callable[..., Any], run_batch: Callable[..., Any] | None = None) -> None:
        self.raw = bool(getattr(run, "_faena_raw", False))
        self.parameters = None if self.raw else _parameters(run)
        """None: it takes the body's text."""
        self.headers = not self.raw and "request_headers" in _names(run)
        self.run = _awaited(run)
        self.run_batch = None if run_batch is None else _awaited(run_batch)
        self.description = _schemas(run)
        self.methods: list[str] = getattr(run, "_faena_methods", [])
        """Of a model that needs no script: what a request to `/score` may name, as v1's did."""
        self.params = bool(getattr(run, "_faena_params", False))
        """Whether it takes what a request to `/invocations` has as `params`."""
        self.param_names: frozenset[str] = frozenset(getattr(run, "_faena_param_names", ()))
        """Those that may stand beside what is asked."""
        self.taker = "run()"
        """What takes the parameters, in messages."""
        if tensors := _tensors(self.parameters or [], getattr(run, "_faena_schema", None)):
            self.description["tensors"] = tensors

    @classmethod
    def of_kind(cls, run: Callable[..., Any], parameters: list[Parameter]) -> Calling:
        """Of a model that needs no script."""
        made = cls(run)
        made.parameters = parameters
        made.taker = "The model"
        tensors = [tensor for each in parameters if (tensor := _described(each)) is not None]
        if tensors and len(tensors) == len(parameters):
            made.description["tensors"] = {"inputs": tensors, "outputs": getattr(run, "_faena_outputs", [])}
        return made

    def named(self, values: dict[str, Any]) -> dict[str, Any]:
        """Values by the names of parameters; `data` is the one input of a model that needs no script, whatever it
        calls it."""
        typed = self.parameters or []
        is_alias = self.taker != "run()" and len(typed) == 1 and list(values) == ["data"]
        return {typed[0].name: values["data"]} if is_alias else values

    @property
    def floats(self) -> frozenset[str]:
        """The names under which arrays of floats may come."""
        typed = self.parameters or []
        found = [each.name for each in typed if each.floats]
        return frozenset([*found, "data"] if found and len(typed) == 1 and self.taker != "run()" else found)

    @property
    def outputs(self) -> list[str]:
        """How a model calls them that needs no script."""
        told = self.description.get("tensors", {}).get("outputs", []) if self.taker != "run()" else []
        return [each["name"] for each in told]

    @property
    def rows(self) -> bool:
        """Whether several requests' rows can be run as those of one."""
        typed = self.parameters
        arrays = bool(typed) and all(
            each.kind in ("numpy", "pandas") and not each.has_default for each in typed or ()
        )
        return arrays and not self.headers and self.run_batch is None

    @property
    def batches(self) -> bool:
        return self.rows or (self.run_batch is not None and not self.raw and not self.parameters)


def _parameters(run: Callable[..., Any]) -> list[Parameter] | None:
    schema = getattr(run, "_faena_schema", None)
    left_out = _with_defaults(run)
    if schema is not None:
        return [
            Parameter(name, kind, name in schema.optional, has_default=name in left_out)
            for name, kind in schema.inputs.items()
        ] or None
    known = _installed("is_schema_decorated")
    if known is None or not known(run):
        return None
    described = _installed("get_input_schema")
    properties = (described(run) if described else {}).get("properties", {})
    return [  # it does not tell which are optional
        Parameter(name, None, name in left_out, _form(schema)) for name, schema in properties.items()
    ] or None


def _form(schema: Any) -> str:
    """Rows of records, or rows of numbers: older versions tell no format."""
    if not isinstance(schema, dict) or schema.get("type") != "array":
        return ""
    return "pandas" if (schema.get("items") or {}).get("type") == "object" else "numpy"


def _schemas(run: Callable[..., Any]) -> dict[str, Any]:
    """For the endpoint's OpenAPI document."""
    found = {}
    known = _installed("is_schema_decorated")
    if known is not None and known(run):
        for name in ("input", "output"):
            told = _installed("get_{}_schema".format(name))
            if told is not None and (schema := told(run)):
                found[name] = schema
    if required := found.get("input", {}).get("required"):
        left_out = _with_defaults(run)
        found["input"] = {**found["input"], "required": [name for name in required if name not in left_out]}
    return found


def _tensors(parameters: list[Parameter], schema: Any) -> dict[str, Any]:
    """Of arrays, as the Open Inference Protocol describes them."""
    inputs = [_tensor(each.name, each.type) for each in parameters if each.kind == "numpy"]
    if not inputs or len(inputs) < len(parameters):
        return {}
    output = getattr(schema, "output", None)
    known = getattr(output, "_faena_kind", "") == "numpy"
    return {"inputs": inputs, "outputs": [_tensor("output_0", output)] if known else []}


def _tensor(name: str, kind: Any) -> dict[str, Any]:
    from .datatypes import of_dtype

    sample = kind.sample_input
    return {"name": name, "datatype": of_dtype(sample.dtype) or "BYTES", "shape": [-1, *sample.shape[1:]]}


def _described(parameter: Parameter) -> dict[str, Any] | None:
    """A tensor whose type and shape the model tells."""
    datatype, shape = getattr(parameter.type, "datatype", None), getattr(parameter.type, "shape", None)
    if datatype is None or shape is None:
        return None
    return {"name": parameter.name, "datatype": datatype, "shape": shape}


def _installed(name: str) -> Callable[..., Any] | None:
    """Of inference_schema, the environment's own or ours, where the script has imported it."""
    if "inference_schema" not in sys.modules:
        return None
    from inference_schema import schema_util

    return getattr(schema_util, name, None)


def _names(run: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(run).parameters)
    except (TypeError, ValueError):
        return []


def _with_defaults(run: Callable[..., Any]) -> set[str]:
    try:
        parameters = inspect.signature(run).parameters.values()
    except (TypeError, ValueError):
        return set()
    return {each.name for each in parameters if each.default is not each.empty}


def _awaited(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function; one that is to be awaited, run in a loop that the worker keeps."""
    if not inspect.iscoroutinefunction(inspect.unwrap(function)):
        return function
    import asyncio

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def call(*arguments: Any, **named: Any) -> Any:
        return loop.run_until_complete(function(*arguments, **named))

    return call
