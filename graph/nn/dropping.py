"""Dropout."""

from __future__ import annotations

from typing import Any

from samara.graph.convert import convert_to_tensor, sizes
from samara.graph.graph import Tensor
from samara.graph.nn.step_draws import step_draws


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Tensor:
    """Each element is 0 with probability `rate` = 1 - keep_prob, and divided by keep_prob otherwise.

    Args:
        x: what to drop from.
        keep_prob: a number or a tensor.
        noise_shape: the shape of the draws, which broadcasts to that of x; sizes that are None are those of x.
        seed: of the draws.
        name: the name scope.
        rate: 1 - keep_prob, instead of it.

    Raises:
        ValueError: neither or both of keep_prob and rate are given, or the probability is outside (0, 1].
    """
    if (keep_prob is None) == (rate is None):
        raise ValueError("dropout needs keep_prob or rate, and not both")
    tensor = convert_to_tensor(x)
    keep = keep_prob if keep_prob is not None else 1 - rate
    if isinstance(keep, (int, float)):
        if not 0 < keep <= 1:
            raise ValueError(f"dropout keeps with a probability in (0, 1], not {keep}")
        if keep == 1:
            return tensor
    b = tensor.graph.b
    with tensor.graph.name_scope(name or "dropout"):
        if noise_shape is None:
            return kept(tensor, keep, step_draws(tensor, seed))
        if isinstance(noise_shape, (list, tuple)) and None in noise_shape:
            all_sizes = b.shape(tensor)
            draw_sizes = sizes([all_sizes[i] if d is None else d for i, d in enumerate(noise_shape)])
        else:
            draw_sizes = sizes(noise_shape)
        draws = b.random_uniform(draw_sizes, dtype=tensor.dtype, seed=-1 if seed is None else seed)
        return kept(tensor, keep, draws)


def kept(tensor: Tensor, keep: Any, draws: Tensor) -> Tensor:
    """A tensor divided by `keep` where draws from [0, 1) are below it, and 0 elsewhere."""
    b = tensor.graph.b
    keep = b.constant(keep, tensor.dtype)
    result: Tensor = b.multiply(b.divide(tensor, keep), b.cast(b.less(draws, keep), dtype=tensor.dtype))
    # Of a placeholder without a shape too, as of `tf.placeholder(tf.float32)`.
    result.shape = tensor.shape
    return result


__all__ = [
    "dropout",
    "kept",
]
