"""Connectionist temporal classification: the loss of a sequence of labels whose places in time are not known."""

from __future__ import annotations

from typing import Any

from samara.errors import GraphError
from samara.graph import dims, dtypes
from samara.graph.ops._table import OPS, OpDef, attribute

# The logarithm of a probability of 0, finite so that differences of it are none of infinities.
_NEVER = -1e30


def _shape(op: Any) -> Any:
    logits, labels = op.require_rank(0, 3), op.require_rank(1, 2)
    batch = op.merge(logits[1], labels[0], "batch of logits (axis 1) and of labels (axis 0)")
    for index in (2, 3):
        (size,) = op.require_rank(index, 1)
        batch = op.merge(batch, size, f"batch of logits and of {op.definition.operands[index].name}")
    classes = logits[2]
    if op.a.blank < 0 or (isinstance(classes, int) and op.a.blank >= classes):
        op.fail(f"blank is {op.a.blank}, which is none of {dims.text((classes,))} classes")
    return [(batch,), (logits[0], batch, classes)]


def _moved(xp: Any, values: Any, by: int) -> Any:
    """Values [batch, places] moved to later places, or to earlier ones for a negative `by`."""
    gap = xp.full((values.shape[0], min(abs(by), values.shape[1])), _NEVER, dtype=values.dtype)
    if by > 0:
        return xp.concat([gap, values[:, : values.shape[1] - gap.shape[1]]], axis=1)
    return xp.concat([values[:, gap.shape[1] :], gap], axis=1)


def _ctc(xp: Any, op: Any, logits: Any, labels: Any, logit_length: Any, label_length: Any) -> Any:
    """The forward and backward variables of the paper's sections 4.1 and 4.2, as logarithms."""
    wide = xp.float64 if logits.dtype == xp.float64 else xp.float32
    x = xp.astype(logits, wide)
    steps, batch, classes = x.shape
    wrong = xp.logical_or(labels < 0, labels >= classes)
    inside = xp.arange(labels.shape[1])[None, :] < label_length[:, None]
    if bool(xp.any(xp.logical_and(wrong, inside))):
        raise ValueError(f"a label is outside 0..{classes - 1}")
    if bool(xp.any(logit_length > steps)) or bool(xp.any(label_length > labels.shape[1])):
        raise ValueError(
            f"a length is above that of the logits, {steps}, or of the labels, {labels.shape[1]}"
        )
    x = x - xp.max(x, axis=2, keepdims=True)
    logs = x - xp.log(xp.sum(xp.exp(x), axis=2, keepdims=True))
    # Blanks before, between and after the labels.
    blanks = xp.full((batch, labels.shape[1] + 1), op.a.blank, dtype=xp.int64)
    known = xp.where(xp.logical_or(wrong, xp.logical_not(inside)), op.a.blank, xp.astype(labels, xp.int64))
    pairs = xp.reshape(xp.stack([blanks[:, :-1], known], axis=2), (batch, 2 * labels.shape[1]))
    path = xp.concat([pairs, blanks[:, -1:]], axis=1)
    places = path.shape[1]
    # A label may follow the one before the last blank when it is another one.
    before = xp.concat([xp.full((batch, min(2, places)), -1, dtype=xp.int64), path[:, : places - 2]], axis=1)
    skips = xp.logical_and(path != op.a.blank, path != before[:, :places])
    never = xp.full((batch, places), _NEVER, dtype=wide)
    zero = xp.zeros((batch, places), dtype=wide)
    number = xp.arange(places)[None, :]
    last = 2 * label_length[:, None]
    ends = xp.where(xp.logical_or(number == last, number == last - 1), zero, never)

    def emitted(t: int) -> Any:
        return xp.take_along_axis(logs[t], path, axis=1)

    def either(a: Any, c: Any, d: Any) -> Any:
        return xp.logaddexp(xp.logaddexp(a, c), d)

    forward: list[Any] = []
    for t in range(steps):
        if t == 0:
            now = xp.where(number < 2, zero, never)
        else:
            old = forward[-1]
            now = either(old, _moved(xp, old, 1), xp.where(skips, _moved(xp, old, 2), never))
        forward.append(now + emitted(t))
    backward: list[Any] = [never] * steps
    follows = _moved(xp, xp.where(skips, zero, never), -2) > _NEVER / 2
    for t in reversed(range(steps)):
        found = never
        if t + 1 < steps:
            new = backward[t + 1] + emitted(t + 1)
            found = either(new, _moved(xp, new, -1), xp.where(follows, _moved(xp, new, -2), never))
        ending = logit_length[:, None] - 1
        backward[t] = xp.where(ending == t, ends, xp.where(ending > t, found, never))
    likelihood = xp.where(xp.logical_and(logit_length == 0, label_length == 0), zero[:, 0], never[:, 0])
    if steps:
        start = forward[0] + backward[0]
        most = xp.max(start, axis=1, keepdims=True)
        total = most[:, 0] + xp.log(xp.sum(xp.exp(start - most), axis=1))
        likelihood = xp.where(logit_length > 0, total, likelihood)
    possible = likelihood > _NEVER / 2
    loss = xp.where(possible, -likelihood, xp.asarray(float("inf"), dtype=wide))
    gradient = []
    hot = xp.astype(path[:, :, None] == xp.arange(classes)[None, None, :], wide)
    for t in range(steps):
        share = xp.exp(xp.where(possible[:, None], forward[t] + backward[t] - likelihood[:, None], never))
        taken = xp.matmul(share[:, None, :], hot)[:, 0, :]
        counts = xp.logical_and(possible, logit_length > t)[:, None]
        gradient.append(xp.where(counts, xp.exp(logs[t]) - taken, xp.zeros_like(taken)))
    stacked = xp.stack(gradient, axis=0) if steps else xp.zeros_like(logs)
    return xp.astype(loss, logits.dtype), xp.astype(stacked, logits.dtype)


def _gradient(b: Any, op: Any, dloss: Any, dgradient: Any) -> list[Any]:
    if dgradient is not None:
        where = f" (made at {op.source})" if op.source else ""
        raise GraphError(f"ctc_loss {op.name!r}{where}: its gradient has no gradient")
    spread = b.expand_dims(b.expand_dims(dloss, axis=0), axis=2)
    return [b.multiply(spread, op.outputs[1]), None, None, None]


OPS.register(
    OpDef(
        name="ctc_loss",
        opcode=751,
        inputs=("logits: T", "labels: L", "logit_length: L", "label_length: L"),
        outputs=("loss: T", "gradient: T"),
        types={"T": dtypes.FLOATS, "L": (dtypes.int32, dtypes.int64)},
        attributes=(attribute("blank", "int", 0, "The class that stands for no label."),),
        doc="For each sequence of logits [time, batch, classes] the negative logarithm of the probability of its "
        "labels [batch, labels], over all ways to place them in time with blanks and repetitions, and the derivative "
        "of that by the logits: Graves et al., 'Connectionist temporal classification' (2006). Where there is no way "
        "the loss is infinite and the derivative 0. float16 is computed in float32.",
        shape=_shape,
        reference=_ctc,
        gradient=_gradient,
        device="none",
        why_not="it is a loss; export the logits, and search the best labels in the application.",
    ),
)
