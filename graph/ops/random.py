"""Ops that draw random numbers, each from a generator of its own, and shuffling."""

from __future__ import annotations

from typing import Any

from samara.graph import dtypes
from samara.graph.dims import Dim
from samara.graph.ops._table import OPS, OpDef, attribute
from samara.graph.ops.indexing import known_shape

_WHY_NOT = (
    "a device gives the same output for the same input. Feed the values instead, make the tensor an input of the "
    "export, or build the exported graph without it, as nn.dropout does outside of training."
)
_SEED = attribute("seed", "int", -1, "Seeds this operation beside the graph's seed; -1 for none.")
_TYPES = {"S": (dtypes.int32, dtypes.int64)}


def _generator(op: Any) -> Any:
    return op.state.generator(op.operation, None if op.a.seed == -1 else op.a.seed)


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in shape)


def _random_shape(op: Any) -> Any:
    a = op.a
    if not (a.dtype.is_floating or (op.definition.name == "random_uniform" and a.dtype.is_integer)):
        op.fail(f"dtype {a.dtype.name} cannot be drawn")
    if op.definition.name == "random_uniform" and not a.minimum < a.maximum:
        op.fail(f"minimum {a.minimum} must be below maximum {a.maximum}")
    if op.definition.name != "random_uniform" and a.stddev < 0:
        op.fail(f"stddev is {a.stddev}")
    return known_shape(op, 0)


def _uniform(xp: Any, op: Any, shape: Any) -> Any:
    low, high = op.a.minimum, op.a.maximum
    if op.a.dtype.is_integer:
        drawn = _generator(op).integers(int(low), int(high), _sizes(shape), op.output_dtypes[0])
        return xp.asarray(drawn)
    drawn = xp.astype(
        xp.asarray(low + _generator(op).random(_sizes(shape)) * (high - low)), op.output_dtypes[0]
    )
    # The few that rounding brings up to the maximum become the minimum.
    return xp.where(drawn < high, drawn, xp.asarray(low, dtype=drawn.dtype))


def _normal(xp: Any, op: Any, shape: Any) -> Any:
    drawn = _generator(op).standard_normal(_sizes(shape))
    return xp.astype(xp.asarray(op.a.mean + op.a.stddev * drawn), op.output_dtypes[0])


def _truncated(xp: Any, op: Any, shape: Any) -> Any:
    generator = _generator(op)
    drawn = generator.standard_normal(_sizes(shape))
    outside = abs(drawn) > 2
    while outside.any():
        drawn[outside] = generator.standard_normal(int(outside.sum()))
        outside = abs(drawn) > 2
    return xp.astype(xp.asarray(op.a.mean + op.a.stddev * drawn), op.output_dtypes[0])


def _shuffle_shape(op: Any) -> Any:
    if op.shapes[0] == ():
        op.fail("x must have rank 1 or more, not 0")
    return op.shapes[0]


def _shuffle(xp: Any, op: Any, x: Any) -> Any:
    return xp.take(x, xp.asarray(_generator(op).permutation(x.shape[0])), axis=0)


def _normal_attributes() -> tuple[Any, ...]:
    return (
        attribute("mean", "float", 0.0, "The mean."),
        attribute("stddev", "float", 1.0, "The standard deviation."),
        attribute("dtype", "dtype", dtypes.float32, "The element type; a floating-point one."),
        _SEED,
    )


def _parameter_shape(op: Any) -> Any:
    """As many draws of each parameter as the first input says."""
    if not op.a.dtype.is_floating:
        op.fail(f"dtype {op.a.dtype.name} cannot be drawn")
    before, shape = known_shape(op, 0), op.shapes[1]
    return None if before is None or shape is None else (*before, *shape)


def _gamma(xp: Any, op: Any, shape: Any, alpha: Any) -> Any:
    wide = xp.astype(alpha, xp.float64)
    drawn = _generator(op).standard_gamma(_on_host(wide), (*_sizes(shape), *alpha.shape))
    return xp.astype(xp.asarray(drawn), op.output_dtypes[0])


def _poisson(xp: Any, op: Any, shape: Any, rate: Any) -> Any:
    wide = xp.astype(rate, xp.float64)
    drawn = _generator(op).poisson(_on_host(wide), (*_sizes(shape), *rate.shape))
    return xp.astype(xp.asarray(drawn), op.output_dtypes[0])


def _on_host(values: Any) -> Any:
    """What the generator takes: nested lists and numbers of any backend's array."""
    return values.tolist()


def _multinomial_shape(op: Any) -> Any:
    logits, count = op.shapes
    if op.a.dtype not in _TYPES["S"]:
        op.fail(f"dtype is {op.a.dtype.name}, expected int32 or int64")
    if logits is not None and len(logits) != 2:
        op.fail(f"logits must have rank 2, not {len(logits)}")
    if count not in (None, ()):
        op.fail("num_samples must be a scalar")
    known = op.value(1)
    return None if logits is None else (logits[0], Dim() if known is None else known[0])


def _multinomial(xp: Any, op: Any, logits: Any, count: Any) -> Any:
    # The largest of logits with Gumbel noise is a draw of the softmax.
    wide = xp.astype(logits, xp.float64)
    noise = xp.asarray(_generator(op).gumbel(size=(logits.shape[0], int(count), logits.shape[1])))
    return xp.astype(xp.argmax(xp.expand_dims(wide, axis=1) + noise, axis=2), op.output_dtypes[0])


OPS.register(
    OpDef(
        name="random_gamma",
        opcode=530,
        inputs=("shape: S", "alpha: T"),
        outputs=("y: @dtype",),
        types={"T": dtypes.FLOATS, **_TYPES},
        attributes=(attribute("dtype", "dtype", dtypes.float32, "The element type."), _SEED),
        doc="Numbers drawn from gamma distributions of scale 1, `shape` of each of the parameters alpha; new ones in "
        "every run.",
        shape=_parameter_shape,
        reference=_gamma,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="random_poisson",
        opcode=531,
        inputs=("shape: S", "rate: T"),
        outputs=("y: @dtype",),
        types={"T": dtypes.FLOATS, **_TYPES},
        attributes=(attribute("dtype", "dtype", dtypes.float32, "The element type."), _SEED),
        doc="Numbers drawn from Poisson distributions, `shape` of each of the rates; new ones in every run.",
        shape=_parameter_shape,
        reference=_poisson,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="multinomial",
        opcode=532,
        inputs=("logits: T", "num_samples: S"),
        outputs=("y: @dtype",),
        types={"T": dtypes.FLOATS, **_TYPES},
        attributes=(attribute("dtype", "dtype", dtypes.int64, "int32 or int64."), _SEED),
        doc="For each row of logits, numbers of columns drawn with the probabilities softmax(logits), new ones in "
        "every run.",
        shape=_multinomial_shape,
        reference=_multinomial,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
    ),
)

OPS.register(
    OpDef(
        name="random_uniform",
        opcode=140,
        inputs=("shape: S shape_only",),
        outputs=("y: @dtype",),
        types=_TYPES,
        attributes=(
            attribute("minimum", "float", 0.0, "The least number."),
            attribute("maximum", "float", 1.0, "The number that all are below."),
            attribute("dtype", "dtype", dtypes.float32, "The element type."),
            _SEED,
        ),
        doc="Numbers drawn evenly from minimum <= y < maximum, new ones in every run. The same seeds of graph and "
        "operation give the same sequence of draws.",
        shape=_random_shape,
        reference=_uniform,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="random_normal",
        opcode=141,
        inputs=("shape: S shape_only",),
        outputs=("y: @dtype",),
        types=_TYPES,
        attributes=_normal_attributes(),
        doc="Numbers drawn from a normal distribution, new ones in every run.",
        shape=_random_shape,
        reference=_normal,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="truncated_normal",
        opcode=142,
        inputs=("shape: S shape_only",),
        outputs=("y: @dtype",),
        types=_TYPES,
        attributes=_normal_attributes(),
        doc="Numbers drawn from a normal distribution, those further than two standard deviations from the mean drawn "
        "again; new ones in every run.",
        shape=_random_shape,
        reference=_truncated,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
    ),
    OpDef(
        name="random_shuffle",
        opcode=143,
        inputs=("x: T",),
        outputs=("y: T",),
        types={"T": dtypes.ALL},
        attributes=(_SEED,),
        doc="The slices of a tensor along its first axis in random order, a new one in every run.",
        shape=_shuffle_shape,
        reference=_shuffle,
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
    ),
)
