"""Computes chains of convolutions strip by strip, where that needs less memory.

An inverted residual block blows an image up to many channels, of which a depthwise convolution then needs a few rows at
a time. In strips of some rows the large images are never there as a whole. Lin et al., MCUNetV2 (2021), compute
patches, whose borders are computed twice; strips as wide as the image keep the rows that overlap, and compute nothing
twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from samara.exporter import sharing
from samara.exporter.passes.row_local import Link, Strips, bounds_of, image_shape, link
from samara.exporter.passes.strip_choice import Memory, choose, op_bytes
from samara.exporter.plan import Program, Step
from samara.exporter.plan.choices import choose as choose_rows
from samara.exporter.plan.choices import live_bytes
from samara.exporter.sharing import byte_count, fixed_shape
from samara.graph.graph import Operation, Tensor
from samara.graph.ops.indexing import axis_slice
from samara.graph.rewrite import ModelGraph, Rows, Visit, copy, needed, transform


def compute_in_strips(model: ModelGraph) -> ModelGraph | None:
    """Replaces what determines the memory of a program by the same ops on strips of rows.

    Only for one signature, images [1, H, W, C], and fixed sizes. It comes last: nothing can be fused with strips.
    """
    if len(model.signatures) != 1:
        return None
    order = [op for op in needed(model.outputs) if op.definition.device == "kernel"]
    chains = find_chains(order, model.outputs)
    memory = _memory(model, order) if chains else None
    if memory is None:
        return None
    parts = choose(chains, memory)
    found = in_strips(model, [(chains[p.chain][p.first : p.last + 1], p.strips) for p in parts])
    return found if found is not None and _gains(found, memory, len(order)) else None


def _gains(model: ModelGraph, before: Memory, ops: int) -> bool:
    """Whether a rewritten model needs so much less as was foreseen."""
    order = [op for op in needed(model.outputs) if op.definition.device == "kernel"]
    after = _memory(model, order)
    peak = max(before.live)
    return after is not None and peak - max(after.live) > op_bytes(peak) * (len(order) - ops)


def find_chains(order: Sequence[Operation], outputs: Sequence[Tensor]) -> list[list[Link]]:
    """The longest chains of row-local ops in which nobody but the next op reads what one computes."""
    readers: dict[int, list[Operation]] = {id(t): [] for op in order for t in op.outputs}
    for op in order:
        for tensor in op.given_inputs:
            readers.setdefault(id(tensor), []).append(op)
    ends = {id(t) for t in outputs}
    chains: dict[Operation, list[Link]] = {}
    for op in order:
        found = None
        for tensor in op.given_inputs:
            before = chains.get(tensor.op)
            if (
                before
                and before[-1].op is tensor.op
                and len(readers[id(tensor)]) == 1
                and id(tensor) not in ends
            ):
                found = link(op, tensor)
                if found is not None:
                    chains[op] = chains.pop(tensor.op)
                    chains[op].append(found)
                    break
        if found is None:
            found = next((e for e in (_begin(op, t) for t in op.given_inputs) if e is not None), None)
            if found is not None:
                chains[op] = [found]
    return [chain for chain in chains.values() if len(chain) > 1]


def _begin(op: Operation, source: Tensor) -> Link | None:
    return None if source.op.type in ("constant", "variable") else link(op, source)


def in_strips(model: ModelGraph, parts: Sequence[tuple[Sequence[Link], int]]) -> ModelGraph | None:
    """Computes parts of chains in strips.

    Args:
        model: what to rewrite.
        parts: the links of each part, and the number of strips.
    """
    within = {e.op for links, _ in parts for e in links[:-1]}
    lasts = {links[-1].op: (links, strips) for links, strips in parts}
    quantization, rows = dict(model.quantization), dict(model.rows)

    def visit(seen: Visit) -> list[Tensor] | None:
        if seen.op in within:
            # Computed with the last op of its part; nobody else reads it.
            return [t for t in seen.inputs if t is not None][:1]
        if seen.op not in lasts:
            return None
        links, strips = lasts[seen.op]
        made = Strips(links, seen.copied(links[0].begins), _Ops(seen, links, quantization, rows))
        return seen.make("concat", [made.run(bounds_of(links[-1].rows_out, strips))], {"axis": 1})

    rewritten = transform(model, visit) if parts else None
    return None if rewritten is None else replace(rewritten, quantization=quantization, rows=rows)


class _Ops:
    """Makes the ops of strips."""

    def __init__(
        self, seen: Visit, links: Sequence[Link], quantization: dict[str, Any], rows: dict[str, Rows]
    ) -> None:
        self._seen = seen
        self._links = links
        self._quantization = quantization
        self._rows = rows

    def _named(self, made: Tensor, like: Tensor, rows: Rows) -> Tensor:
        if like.name in self._quantization:
            self._quantization[made.name] = self._quantization[like.name]
        self._rows[made.name] = rows
        return made

    def _apply(
        self, type_: str, inputs: list[Any], attributes: dict[str, Any], like: Tensor, rows: Rows
    ) -> Tensor:
        name = self._seen.derived("strip")
        made = self._seen.b.graph.apply(type_, inputs, attributes, name=name).outputs[0]
        return self._named(made, like, rows)

    def _rows_of(self, image: Tensor) -> Rows:
        shape = image_shape(image)
        assert shape is not None
        whole = Rows(layer=image.name, first=0, end=shape[1], height=shape[1])
        return self._rows.get(image.name, whole)

    def rows(self, image: Tensor, low: int, high: int) -> Tensor:
        within = self._rows_of(image)
        rows = replace(within, first=within.first + low, end=within.first + high)
        return self._apply("strided_slice", [image], axis_slice(1, low, high), image, rows)

    def copy(self, image: Tensor) -> Tensor:
        # Of a single part, which does not lie in the whole yet, a join is a copy.
        return self._apply("concat", [[image]], {"axis": 1}, image, self._rows_of(image))

    def join(self, images: Sequence[Tensor]) -> Tensor:
        rows = replace(self._rows_of(images[0]), end=self._rows_of(images[-1]).end)
        return self._apply("concat", [list(images)], {"axis": 1}, images[0], rows)

    def compute(self, number: int, source: Tensor, low: int, high: int, above: int, below: int) -> Tensor:
        each = self._links[number]
        op = each.op
        inputs: list[Tensor | None] = []
        for index, tensor in enumerate(op.inputs):
            if tensor is None or tensor is each.begins:
                inputs.append(None if tensor is None else source)
                continue
            given = self._seen.copied(tensor)
            inputs.append(self.rows(given, low, high) if index in each.sliced else given)
        attributes = dict(op.attributes)
        if each.sides is not None:
            attributes.update(padding="explicit", paddings=(above, below, *each.sides))
        name = f"{op.name}/strip"
        (made,) = copy(self._seen.b.graph, op, inputs, name=name, attributes=attributes)
        rows = Rows(layer=op.outputs[0].name, first=low, end=high, height=each.rows_out)
        return self._named(made, op.outputs[0], rows)


def _memory(model: ModelGraph, order: Sequence[Operation]) -> Memory | None:
    """What is live when; None where a size is not fixed."""
    tensors: dict[int, int] = {}
    sizes: dict[int, int] = {}
    widths: dict[int, int] = {}

    def number(tensor: Tensor) -> int:
        return tensors.setdefault(id(tensor), len(tensors))

    inputs = [t for t in model.signatures[0].inputs.values()]
    for tensor in (*inputs, *(t for op in order for t in op.outputs)):
        if fixed_shape(tensor) is None:
            return None
        sizes[number(tensor)] = byte_count(tensor)
        widths[number(tensor)] = sharing.row_bytes(tensor)
    steps = []
    for op in order:
        rigid = sharing.rigid(op)
        reads = tuple(dict.fromkeys(number(t) for t in op.given_inputs))
        result = number(op.outputs[0])
        views = [
            (number(op.outputs[i]), number(op.inputs[0]), at)  # type: ignore[arg-type]
            for i, at in sharing.views(op)
            if number(op.inputs[0]) in sizes  # type: ignore[arg-type]
        ]
        joins = [
            (number(t), result, at)
            for i, at in sharing.joins(op)
            if (t := op.inputs[i]) is not None and op.inputs.count(t) == 1 and number(t) in sizes
        ]
        rows = [
            (number(t), result, at)
            for i, at in sharing.columns(op)
            if (t := op.inputs[i]) is not None and op.inputs.count(t) == 1 and number(t) in sizes
        ]
        cuts = [
            (number(op.outputs[i]), number(op.inputs[0]), at)  # type: ignore[arg-type]
            for i, at in sharing.cuts(op)
            if number(op.inputs[0]) in sizes  # type: ignore[arg-type]
        ]
        over = [
            (result, number(t))
            for t in op.given_inputs
            if op.definition.in_place
            and not views
            and number(t) in sizes
            and t.shape == op.outputs[0].shape
            and t.dtype is op.outputs[0].dtype
        ]
        steps.append(
            Step(
                name=op.name,
                inputs=reads,
                outputs=tuple(number(t) for t in op.outputs),
                scratch=0 if op.definition.scratch is None else int(op.definition.scratch(op)),
                views=tuple(views),
                joins=tuple(joins),
                in_place=tuple(dict.fromkeys(over)),
                rows=tuple(rows),
                cuts=tuple(cuts),
                strided=frozenset(number(t) for t in (*op.given_inputs, *op.outputs) if id(t) not in rigid),
            )
        )
    outputs = tuple(dict.fromkeys(number(t) for t in model.outputs if number(t) in sizes))
    program = Program(
        name="main",
        sizes=sizes,
        inputs=tuple(dict.fromkeys(number(t) for t in inputs)),
        outputs=outputs,
        steps=tuple(steps),
        widths=widths,
    )
    # What lies in the rows of what is as the plan decides it, or steps would seem to need what they do not.
    buffers = choose_rows(program).buffers()
    live = live_bytes(buffers, len(steps))
    return Memory(buffers=buffers, live=live, tensors=tensors, times={op: i for i, op in enumerate(order)})


__all__ = ["compute_in_strips", "find_chains", "in_strips"]
