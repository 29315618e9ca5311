"""Inputs and outputs of the file with their channels last, where the source has them first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from samara.exporter.passes.channels_last import to_first, to_last
from samara.graph.graph import Tensor
from samara.graph.rewrite import ModelGraph, Visit, transform

Array = np.ndarray[Any, Any]
Convert = Callable[[str, Array], Array]

# How the names of outputs end that were given another layout.
TURNED = "/output_channels_last"
_LEAST_RANK = 3


def turn_endpoints(model: ModelGraph, chosen: bool | Collection[str]) -> tuple[ModelGraph, frozenset[str]]:
    """Gives a model inputs and outputs whose axis 1 is moved to the end.

    Args:
        model: the model, in the source's layout.
        chosen: names of inputs and outputs; True for all of rank 3 and more.

    Returns:
        The model, and the names that were turned.

    Raises:
        ValueError: a name that is no input or output, or one of rank 2 and less.
    """
    names = _names(model, chosen)
    turned_inputs = {
        id(t): n
        for s in model.signatures
        for n, t in s.inputs.items()
        if n in names and t.op.type == "placeholder"
    }

    def visit(visited: Visit) -> list[Tensor] | None:
        result = visited.op.outputs[0] if visited.op.outputs else None
        if result is None or id(result) not in turned_inputs:
            return None
        assert result.shape is not None
        rank = len(result.shape)
        shape = tuple(result.shape[a] for a in to_last(rank))
        placeholder = visited.make("placeholder", [], {**visited.op.attributes, "shape": shape})[0]
        name = visited.derived("channels_first")
        return [visited.b.transpose(placeholder, permutation=to_first(rank), name=name)]

    turned = transform(model, visit) or model
    quantization = dict(turned.quantization)
    signatures = []
    for signature in turned.signatures:
        inputs = {n: _placeholder(t) for n, t in signature.inputs.items()}
        outputs = {}
        for name, tensor in signature.outputs.items():
            outputs[name] = tensor
            if name in names:
                permutation = to_last(len(tensor.shape or ()))
                op_name = f"{tensor.op.name}{TURNED}"
                outputs[name] = turned.graph.b.transpose(tensor, permutation=permutation, name=op_name)
                if tensor.name in quantization:
                    quantization[outputs[name].name] = quantization[tensor.name]
        signatures.append(replace(signature, inputs=inputs, outputs=outputs))
    return replace(turned, signatures=tuple(signatures), quantization=quantization), names


def _placeholder(tensor: Tensor) -> Tensor:
    if tensor.op.type == "placeholder":
        return tensor
    source = tensor.op.inputs[0]
    assert source is not None
    return source


def _names(model: ModelGraph, chosen: bool | Collection[str]) -> frozenset[str]:
    ranks: dict[str, int] = {}
    for signature in model.signatures:
        endpoints: Mapping[str, Tensor] = {**signature.inputs, **signature.outputs}
        ranks.update({n: len(t.shape or ()) for n, t in endpoints.items()})
    if isinstance(chosen, bool):
        return frozenset(n for n, rank in ranks.items() if chosen and rank >= _LEAST_RANK)
    if isinstance(chosen, str):
        raise TypeError(f"channels_last is True or names of inputs and outputs: ({chosen!r},)")
    for name in chosen:
        if name not in ranks:
            raise ValueError(f"channels_last names {name!r}; the inputs and outputs are {', '.join(ranks)}")
        if ranks[name] < _LEAST_RANK:
            raise ValueError(
                f"channels_last names {name!r}, which has rank {ranks[name]}: it needs 3 or more"
            )
    return frozenset(chosen)


def turning(convert: Convert | None, turned: frozenset[str]) -> Convert | None:
    """What converts an input of the source to one of the file, with channels last where they were turned."""
    if not turned:
        return convert

    def converted(name: str, array: Array) -> Array:
        array = array if convert is None else convert(name, array)
        return np.transpose(array, to_last(array.ndim)) if name in turned else array

    return converted


def turned_back(name: str, array: Array, turned: frozenset[str]) -> Array:
    """An output of the file as the source has it."""
    return np.transpose(array, to_first(array.ndim)) if name in turned else array


__all__ = ["TURNED", "turn_endpoints", "turned_back", "turning"]
