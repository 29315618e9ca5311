"""A training step from a loss: optimize_loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from samara.graph import train
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.layer import UPDATE_OPS
from samara.graph.vocabulary.mathematics import global_norm

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "Adagrad": train.AdagradOptimizer,
    "Adam": train.AdamOptimizer,
    "Ftrl": train.FtrlOptimizer,
    "Momentum": lambda learning_rate: train.MomentumOptimizer(learning_rate, momentum=0.9),
    "RMSProp": train.RMSPropOptimizer,
    "SGD": train.GradientDescentOptimizer,
}


def optimize_loss(
    loss: Any,
    global_step: Any,
    learning_rate: Any,
    optimizer: Any,
    gradient_noise_scale: float | None = None,
    gradient_multipliers: Any = None,
    clip_gradients: Any = None,
    learning_rate_decay_fn: Callable[[Any, Any], Any] | None = None,
    update_ops: Sequence[Any] | None = None,
    variables: Sequence[Any] | None = None,
    name: str | None = None,
    summaries: Any = None,
    colocate_gradients_with_ops: bool = False,
    increment_global_step: bool = True,
) -> Tensor:
    """A tensor whose evaluation takes a training step and gives the loss before it.

    Args:
        loss: what to minimise.
        global_step: the counter; the graph's own when None.
        learning_rate: a number or a tensor; None for that of the optimizer.
        optimizer: "SGD", "Adam", "Adagrad", "Ftrl", "Momentum" or "RMSProp"; an optimizer, a class of one, or a
            function of the learning rate.
        gradient_noise_scale: the deviation of normal noise that is added to gradients.
        gradient_multipliers: a mapping from variables, or their names, to factors of their gradients.
        clip_gradients: the largest global norm of the gradients, or a function of (gradient, variable) pairs.
        learning_rate_decay_fn: the learning rate from (learning_rate, global_step).
        update_ops: what runs before the loss; the collection UPDATE_OPS when None.
        variables: what to train; all trainable ones when None.
        name: the name scope.
        summaries: not supported; use tf.summary.
        colocate_gradients_with_ops: has no meaning here.
        increment_global_step: whether the counter counts this step.

    Raises:
        ValueError: the optimizer is not known, or there are summaries.
    """
    if summaries:
        raise ValueError("optimize_loss: summaries are not supported here: add them with tf.summary")
    tensor = convert_to_tensor(loss)
    graph = tensor.graph
    with graph.name_scope(name or "OptimizeLoss"):
        before = graph.get_collection(UPDATE_OPS) if update_ops is None else list(update_ops)
        if before:
            with graph.control_dependencies(before):
                tensor = graph.b.identity(tensor)
        step = global_step if global_step is not None else train.get_global_step(get_default_graph())
        if learning_rate_decay_fn is not None:
            if step is None:
                raise ValueError("optimize_loss: learning_rate_decay_fn needs a global_step")
            learning_rate = learning_rate_decay_fn(learning_rate, step)
        chosen = _optimizer(optimizer, learning_rate)
        pairs = [(g, v) for g, v in chosen.compute_gradients(tensor, variables) if g is not None]
        if gradient_noise_scale is not None:
            pairs = [(_noisy(g, gradient_noise_scale), v) for g, v in pairs]
        if gradient_multipliers is not None:
            factors = {getattr(k, "op", k): f for k, f in gradient_multipliers.items()}
            pairs = [(_scaled(g, factors.get(v.op, factors.get(v.op.name))), v) for g, v in pairs]
        if callable(clip_gradients):
            pairs = list(clip_gradients(pairs))
        elif clip_gradients is not None:
            pairs = _clipped(pairs, float(clip_gradients))
        update = chosen.apply_gradients(
            pairs, global_step=step if increment_global_step else None, name="train"
        )
        held = graph.b.identity(tensor)
        with graph.control_dependencies([held]), graph.control_dependencies([update]):
            trained: Tensor = graph.b.identity(held)
    return trained


def _optimizer(given: Any, learning_rate: Any) -> Any:
    if isinstance(given, str):
        if given not in OPTIMIZERS:
            raise ValueError(
                f"optimize_loss: optimizer {given!r}: expected one of {', '.join(sorted(OPTIMIZERS))}"
            )
        if learning_rate is None:
            raise ValueError(f"optimize_loss: optimizer {given!r} needs a learning_rate")
        return OPTIMIZERS[given](learning_rate)
    if isinstance(given, train.Optimizer):
        return given
    if not callable(given):
        raise ValueError(f"optimize_loss: {given!r} is no optimizer")
    return given(learning_rate) if learning_rate is not None else given()


def _noisy(grad: Tensor, scale: float) -> Tensor:
    b = grad.graph.b
    made: Tensor = b.add(grad, b.random_normal(b.sizes(grad), stddev=scale, dtype=grad.dtype))
    return made


def _scaled(grad: Tensor, factor: Any) -> Tensor:
    if factor is None:
        return grad
    b = grad.graph.b
    given = factor if hasattr(factor, "as_graph_tensor") else b.like(factor, grad)
    made: Tensor = b.multiply(grad, given)
    return made


def _clipped(pairs: list[Any], norm: float) -> list[Any]:
    """Gradients scaled down together so that their global norm is at most `norm`."""
    whole = global_norm([g for g, _ in pairs])
    b = whole.graph.b
    factor = b.divide(b.like(norm, whole), b.maximum(whole, b.like(norm, whole)))
    return [(b.multiply(g, factor), v) for g, v in pairs]


__all__ = ["optimize_loss"]
