"""From a graph that was trained to the part of it that is exported, and what stands in the way.

There are two parts. The proof runs the source: without what only watches a run and without the branches that constants
never take. What is exported is that with all that constants decide decided, the dropout that drops nothing too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from samara.errors import ExportError, FeedError, SamaraError, shown
from samara.exporter.cutting import Cut, cut, dropped, is_cut, needed_for, where
from samara.exporter.settling import settle, take_branches
from samara.exporter.signature import Signature, named
from samara.graph import dtypes
from samara.graph.backends import find
from samara.graph.execution.feeds import Feeds
from samara.graph.graph import Graph, Operation, Tensor
from samara.graph.rewrite import ModelGraph, SignatureGraph, needed, with_bodies

Array = np.ndarray[Any, Any]

# How many placeholders are tried as constants for the advice of a message.
_MOST_TRIED = 6


@dataclass(frozen=True, kw_only=True)
class Part:
    """What some signatures need of a graph.

    Attributes:
        graph: the whole graph, or a copy of the part.
        inputs: of each signature, by name.
        outputs: of each signature, by name.
        constants: tensors of the whole graph that have the same value in every run.
        left_out: operations of the whole graph that no device runs and the outputs do not need after all.
    """

    graph: Graph
    inputs: tuple[dict[str, Tensor], ...]
    outputs: tuple[dict[str, Tensor], ...]
    constants: dict[Tensor, Array] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def all_outputs(self) -> list[Tensor]:
        """Those of all signatures."""
        return [t for named_outputs in self.outputs for t in named_outputs.values()]

    @property
    def given(self) -> list[Tensor]:
        """What is not computed: inputs and constants."""
        return [*(t for named_inputs in self.inputs for t in named_inputs.values()), *self.constants]

    @cached_property
    def order(self) -> list[Operation]:
        """The operations that the outputs need."""
        return needed_for(self.all_outputs, self.given)

    def moved(self, made: Cut) -> Part:
        """The part in a graph that it was copied to.

        Raises:
            ExportError: an output could not be copied.
        """
        lost = [made.problems[id(t)] for t in self.all_outputs if id(t) in made.problems]
        if lost:
            raise ExportError(lost[0], tuple(lost))
        tensors = made.tensors
        return Part(
            graph=made.graph,
            inputs=tuple({n: tensors[id(t)] for n, t in i.items()} for i in self.inputs),
            outputs=tuple({n: tensors[id(t)] for n, t in o.items()} for o in self.outputs),
        )


def reduce(signatures: Sequence[Signature], constants: Mapping[Any, Any]) -> tuple[Part, Part]:
    """The source as the proof runs it, and what is exported of it.

    Args:
        signatures: all of one graph.
        constants: values by tensor or by its name.

    Raises:
        ExportError: an output cannot be computed from the constants.
        ValueError: a constant is no tensor of the graph, or an input, or has another shape.
    """
    outputs = tuple(named(s.outputs) for s in signatures)
    graph = next(iter(outputs[0].values())).graph
    fixed = _fixed(constants, graph)
    inputs = tuple(
        named(s.inputs) if s.inputs is not None else _placeholders(o, fixed)
        for s, o in zip(signatures, outputs, strict=True)
    )
    for name, tensor in ((n, t) for i in inputs for n, t in i.items() if t in fixed):
        raise ValueError(
            f"{name!r} is an input and among the constants, {tensor.name}: it can be one of both"
        )
    whole = Part(graph=graph, inputs=inputs, outputs=outputs, constants=fixed)
    if not fixed and not is_cut(whole.order):
        return whole, whole
    given: dict[Tensor, Array | None] = {**dict.fromkeys(whole.given), **fixed}
    source = exported = whole.moved(cut(whole.all_outputs, given))
    if fixed or any(o.definition.device == "none" for o in with_bodies(source.order)):
        source = _as_part(take_branches(_as_model(source)))
        exported = _settled(source)
    used = {id(t) for o in exported.order for t in o.given_inputs}
    used.update(id(t) for t in exported.all_outputs)
    kept = [
        s.inputs is not None or {n for n, t in i.items() if id(t) in used}
        for s, i in zip(signatures, exported.inputs, strict=True)
    ]
    source, exported = (
        replace(
            part,
            inputs=tuple(
                i if k is True else {n: t for n, t in i.items() if n in k}
                for i, k in zip(part.inputs, kept, strict=True)
            ),
        )
        for part in (source, exported)
    )
    return source, replace(exported, left_out=dropped(whole.order, exported.order))


def _placeholders(outputs: Mapping[str, Tensor], fixed: Mapping[Tensor, Array]) -> dict[str, Tensor]:
    order = needed_for(list(outputs.values()), fixed)
    found = (op.outputs[0] for op in order if op.type == "placeholder")
    return {t.op.name: t for t in found if t not in fixed}


def _fixed(constants: Mapping[Any, Any], graph: Graph) -> dict[Tensor, Array]:
    """The tensors and arrays that are meant."""
    found = {}
    for key, value in constants.items():
        tensor = key.as_graph_tensor() if hasattr(key, "as_graph_tensor") else key
        if isinstance(key, str):
            try:
                tensor = graph.get_tensor_by_name(key if ":" in key else f"{key}:0")
            except (KeyError, ValueError):
                known = ", ".join(o.name for o in graph.operations if o.type == "placeholder")
                raise ValueError(
                    f"constants names {key!r}, which is no tensor of the graph; its placeholders are {known or 'none'}"
                ) from None
        if not isinstance(tensor, Tensor) or tensor.graph is not graph:
            raise ValueError(
                f"constants has the key {shown(key)}: expected a tensor of the graph of the outputs, or its name"
            )
        try:
            (array,) = Feeds([tensor], find("numpy")).arrays([value])
        except (FeedError, TypeError) as error:
            raise ValueError(f"constants[{shown(key)}]: {error}") from None
        found[tensor] = np.array(array)
    return found


def _settled(part: Part) -> Part:
    """The part with all that its constants decide decided."""
    settled = _as_part(settle(_as_model(part)))
    if not any(op.control_inputs for op in settled.order):
        return settled
    # What is no longer written need not be waited for.
    again = settled.moved(cut(settled.all_outputs, dict.fromkeys(settled.given)))
    return again if len(again.order) == len(settled.order) else _settled(again)


def _as_model(part: Part) -> ModelGraph:
    return ModelGraph(
        graph=part.graph,
        signatures=tuple(
            SignatureGraph(name=str(n), inputs=i, outputs=o)
            for n, (i, o) in enumerate(zip(part.inputs, part.outputs, strict=True))
        ),
    )


def _as_part(model: ModelGraph) -> Part:
    return Part(
        graph=model.graph,
        inputs=tuple(s.inputs for s in model.signatures),
        outputs=tuple(s.outputs for s in model.signatures),
    )


def problems_of(part: Part) -> list[str]:
    """What a device cannot run, and placeholders without a value."""
    given = {id(t) for t in part.given}
    return list(dict.fromkeys(text for op in part.order for text in _problems(op, given)))


def _problems(op: Operation, given: set[int]) -> Iterator[str]:
    definition = op.definition
    if definition.device == "none" and op.type != "no_op":
        yield f"{op.type} {op.name!r}{where(op)}: {definition.why_not}"
    elif definition.refuses is not None and definition.refuses(op):
        yield f"{op.type} {op.name!r}{where(op)}: {definition.refuses(op)}"
    elif definition.texts and any(t.dtype is dtypes.string for t in (*op.given_inputs, *op.outputs)):
        yield (
            f"{op.type} {op.name!r}{where(op)} is of texts, which a device does not have: make the numbers that "
            "come of them the input"
        )
    if op.type == "placeholder" and id(op.outputs[0]) not in given:
        yield (
            f"placeholder {op.name!r}{where(op)} is needed but is not among the inputs: add it to `inputs`, or give "
            f"the value that it always has: constants={{{op.name!r}: {_example(op)}}}"
        )
    for body in op.bodies.values():
        for inner in needed(body.outputs):
            yield from _problems(inner, {id(t) for t in body.inputs})


def _example(op: Operation) -> str:
    return "False" if op.a.dtype is dtypes.bool_ else "1.0" if op.a.dtype.is_floating else "0"


def advised(
    problems: Sequence[str], part: Part, signatures: Sequence[Signature], constants: Mapping[Any, Any]
) -> list[str]:
    """The problems, with the constants that would take them away: found by trying.

    Args:
        problems: of the part.
        part: what would be exported.
        signatures: as for `reduce`.
        constants: as for `reduce`.
    """
    chosen: dict[str, Any] = {}
    left = list(problems)
    explicit = {t.name for s in signatures if s.inputs is not None for t in named(s.inputs).values()}
    order = needed_for(part.all_outputs, ())
    kinds = [op for op in order if op.outputs and op.outputs[0].shape in (None, ())]
    tried = [op for op in kinds if op.type == "placeholder"]
    tried += [op for op in kinds if op.type == "variable" and op.a.dtype is dtypes.bool_]
    for op in [op for op in tried if op.outputs[0].name not in explicit][:_MOST_TRIED]:
        own = f"placeholder {op.name!r}"
        for value in _values(op):
            try:
                _, changed = reduce(signatures, {**constants, **chosen, op.name: value})
            except (SamaraError, ValueError):
                continue
            found = problems_of(changed)
            if sum(not p.startswith(own) for p in left) > len(found):
                chosen[op.name] = value
                left = found
                break
    if not chosen:
        return list(problems)
    listed = ", ".join(f"{name!r}: {value}" for name, value in chosen.items())
    told = f" Or leave it out by what decides it, if that is the same in every run: constants={{{listed}}}."
    return [p if p in left or p.startswith("placeholder ") else p + told for p in problems]


def _values(op: Operation) -> tuple[Any, ...]:
    if op.a.dtype is dtypes.bool_:
        return (False, True)
    if op.a.dtype.is_floating:
        return (1.0, 0.0)
    return (0, 1) if op.a.dtype.is_integer else ()


__all__ = ["Part", "advised", "problems_of", "reduce"]
