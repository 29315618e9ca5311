"""The rewrites between freezing and planning, in order.

A pass is a function from a model to a new model, or None when it finds nothing to do. Each keeps the values of the
tensors whose names it keeps, can be switched off by name, and has an equivalence test. It sees one graph at a time:
those that a cond or a loop runs are models of their own to it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from samara.exporter.passes.attention import raise_attention
from samara.exporter.passes.channels_last import prefer_channels_last
from samara.exporter.passes.common_subexpressions import merge_common_subexpressions
from samara.exporter.passes.constant_folding import fold_constants
from samara.exporter.passes.control_flow import simplify_control_flow
from samara.exporter.passes.dead_code import eliminate_dead_code
from samara.exporter.passes.groups import merge_groups
from samara.exporter.passes.half_precision import compute_in_half
from samara.exporter.passes.identities import remove_identities
from samara.exporter.passes.linear import (
    decompose_batch_norm,
    fold_pad,
    fold_scale,
    fuse_activation,
    fuse_bias,
    fuse_bias_before_split,
    transpose_constants,
)
from samara.exporter.passes.moves import cancel_moves, turn_products
from samara.exporter.passes.pieces import join_pieces
from samara.exporter.passes.raising import raise_functions
from samara.exporter.passes.row_strips import compute_in_strips
from samara.exporter.passes.transposed import lower_transposed
from samara.exporter.passes.winograd import transform_filters
from samara.graph.rewrite import ModelGraph, in_bodies, needed, with_bodies

Pass = Callable[[ModelGraph], "ModelGraph | None"]

PASSES: dict[str, Pass] = {
    "dead_code": eliminate_dead_code,
    "constant_folding": fold_constants,
    "control_flow": simplify_control_flow,
    "identities": remove_identities,
    "common_subexpressions": merge_common_subexpressions,
    "raising": raise_functions,
    "attention": raise_attention,
    "channels_last": prefer_channels_last,
    "moves": cancel_moves,
    "product_transposes": turn_products,
    "pieces": join_pieces,
    "pad_folding": fold_pad,
    "transposed_constants": transpose_constants,
    "batch_norm": decompose_batch_norm,
    "scale_folding": fold_scale,
    "bias_fusion": fuse_bias,
    "split_bias_fusion": fuse_bias_before_split,
    "activation_fusion": fuse_activation,
    "transposed_convolutions": lower_transposed,
    "group_merging": merge_groups,
    "float16": compute_in_half,
    "winograd": transform_filters,
    "row_strips": compute_in_strips,
}

# Those that make ops for which quantization has no rule.
_FLOAT_ONLY = frozenset({"attention"})

# Those that run once, after all else: nothing that they make is to be fused, moved or quantized.
_FINAL = frozenset({"float16", "winograd", "row_strips"})

# Enough for chains of rewrites that enable each other; more would mean that two passes undo each other's work.
_ROUNDS = 10


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What a pass did: the number of device ops before and after it."""

    name: str
    before: int
    after: int


def optimize(
    model: ModelGraph, *, disable: Collection[str] = (), quantizable: bool = False
) -> tuple[ModelGraph, tuple[Applied, ...]]:
    """Runs the passes until none finds anything to do.

    Args:
        model: what to optimise.
        disable: names of passes to leave out.
        quantizable: whether the model may be quantized after, so that passes wait which make ops that stay float.

    Raises:
        ValueError: `disable` names a pass that does not exist.
    """
    unknown = sorted(set(disable) - set(PASSES))
    if unknown:
        raise ValueError(f"no pass is called {', '.join(unknown)}; the passes are {', '.join(PASSES)}")
    applied: list[Applied] = []
    left_out = {*disable, *_FINAL, *(_FLOAT_ONLY if quantizable else ())}
    names = [n for n in PASSES if n not in left_out]
    for _ in range(_ROUNDS):
        progressed = False
        for name in names:
            before = op_count(model)
            rewritten = PASSES[name](model)
            rewritten = in_bodies(rewritten or model, PASSES[name]) or rewritten
            if rewritten is not None:
                progressed = True
                model = rewritten
                applied.append(Applied(name=name, before=before, after=op_count(model)))
        if not progressed:
            break
    return model, tuple(applied)


def finish(model: ModelGraph, *, disable: Collection[str] = ()) -> tuple[ModelGraph, tuple[Applied, ...]]:
    """Runs the passes that come after all others; they leave sub-graphs alone.

    Args:
        model: what to finish.
        disable: names of passes to leave out.
    """
    applied: list[Applied] = []
    for name in (n for n in PASSES if n in _FINAL and n not in disable):
        rewritten = PASSES[name](model)
        if rewritten is not None:
            applied.append(Applied(name=name, before=op_count(model), after=op_count(rewritten)))
            model = rewritten
    return model, tuple(applied)


def op_count(model: ModelGraph) -> int:
    """The number of operations that a device would run, those of sub-graphs among them."""
    return sum(op.definition.device == "kernel" for op in with_bodies(needed(model.outputs)))
