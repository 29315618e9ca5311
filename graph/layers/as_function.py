"""Layers as functions: `dense` makes a Dense layer and calls it, with the arguments of the class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, Protocol

from samara.graph.graph import Tensor
from samara.graph.layer import Layer, snake

P = ParamSpec("P")


class LayerFunction(Protocol[P]):
    """A function of an input and the arguments of a class of layers."""

    def __call__(self, inputs: Any, *args: P.args, **kwargs: P.kwargs) -> Tensor:
        """What a layer that is made with these arguments makes of the input."""


def as_function(layer: Callable[P, Layer]) -> LayerFunction[P]:
    """The function that makes a layer of a class and calls it.

    Its arguments are `inputs`, those of the class, and, where the layer has variables, `reuse`. It is named as the
    scopes of such layers are, and documented by the class.
    """
    if not isinstance(layer, type) or not issubclass(layer, Layer):
        raise TypeError(f"as_function: expected a class of layers, found {layer!r}")
    made_by: type[Layer] = layer
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    own = [p for p in inspect.signature(made_by).parameters.values() if p.kind is kind]
    first = inspect.Parameter("inputs", kind, annotation="Any")
    reuse = inspect.Parameter("reuse", kind, default=None, annotation="Any")
    has_variables = _has_variables(made_by)
    signature = inspect.Signature(
        [first, *own, *([reuse] if has_variables else [])], return_annotation="Tensor"
    )

    def function(*args: Any, **kwargs: Any) -> Tensor:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            raise TypeError(f"{function.__name__}: {error}; its arguments are {signature}") from None
        return applied(made_by, given)

    function.__name__ = function.__qualname__ = snake(made_by.__name__)
    function.__module__ = made_by.__module__
    function.__doc__ = _documented(made_by, has_variables)
    function.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    function.__annotations__["return"] = "Tensor"
    function.__signature__ = signature  # type: ignore[attr-defined]
    return function


def applied(layer: type[Layer], given: Mapping[str, Any]) -> Tensor:
    """What a layer makes of its input.

    Args:
        layer: its class.
        given: the arguments of a function: `inputs`, `reuse`, `training` and those of the class.
    """
    arguments = dict(given)
    inputs = arguments.pop("inputs")
    of_call = {"training": arguments.pop("training")} if "training" in arguments else {}
    if _has_variables(layer):
        arguments |= {"_scope": arguments.get("name"), "_reuse": arguments.pop("reuse", None)}
    made: Tensor = layer(**arguments)(inputs, **of_call)
    return made


def _has_variables(layer: type[Layer]) -> bool:
    return layer.build is not Layer.build


def _documented(layer: type[Layer], has_variables: bool) -> str:
    """The documentation of the function: that of the class, and of the arguments where the class inherits them."""
    texts = [inspect.cleandoc(c.__doc__ or "").partition("\n\nArgs:\n") for c in layer.__mro__]
    opening = texts[0][0]
    arguments = next(text for _, found, text in texts if found)
    own = arguments.partition("\n    kwargs:")[0]
    reuse = "\n    reuse: whether the variables must exist already: True, or tf.AUTO_REUSE for perhaps."
    return f"{opening}\n\nArgs:\n    inputs: a tensor.\n{own}{reuse if has_variables else ''}\n"


__all__ = ["LayerFunction", "applied", "as_function"]
