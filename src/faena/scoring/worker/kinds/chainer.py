"""A Chainer model: an .npz file with the class of its link, `link="module:Class"`."""

from __future__ import annotations

from .given import attribute
from .types import Array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable


def load(path: str, options: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    if not options.get("link"):
        raise ValueError(
            "an .npz file holds arrays only: say which class they belong to, link='module:Class'"
        )
    import numpy

    with numpy.load(path, allow_pickle=False) as arrays:
        names = list(arrays)
        for name in names:
            try:
                arrays[name]
            except ValueError as error:
                raise ValueError("{} in it is no plain array: {}".format(name, error)) from None
        import chainer

        model = attribute(options["link"])(*options.get("arguments", ()), **options.get("named", {}))
        prefix = options.get("path", "")
        own = [each for each, _ in model.namedparams(include_uninit=True)]
        wrapped = all(name.startswith("predictor/") for name in names)
        if not prefix and wrapped and not any(each.startswith("/predictor/") for each in own):
            prefix = "predictor/"  # saved with the classifier that it was trained in
        chainer.serializers.NpzDeserializer(arrays, path=prefix).load(model)
    call = getattr(model, "predict", model)

    def run(data: Any) -> Any:
        with chainer.using_config("train", False), chainer.no_backprop_mode():
            found = call(data)
        if isinstance(found, (list, tuple)):
            return [getattr(each, "array", each) for each in found]
        return getattr(found, "array", found)

    return run, {"data": Array(options.get("dtype", "float32"))}
