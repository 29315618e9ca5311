"""Probability distributions as tensors: `tf.distributions`, `tf.contrib.distributions`.

A distribution is one for each element of its parameters; `sample(n)` has a first axis of n draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import as_dtype, float32, int32
from samara.graph.graph import Tensor, get_default_graph
from samara.graph.nn.activations import log_softmax, softmax, softplus
from samara.graph.nn.losses import sigmoid_cross_entropy_with_logits
from samara.graph.vocabulary.arrays import concat, reshape, shape, transpose
from samara.graph.vocabulary.draws import multinomial, random_normal, random_uniform


def _float(value: Any, like: Any = None) -> Tensor:
    """A parameter as a tensor of a floating-point type."""
    if hasattr(value, "as_graph_tensor"):
        return convert_to_tensor(value)
    return convert_to_tensor(value, like if like is not None else None if _is_float(value) else float32)


def _is_float(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"


def _shape_of(sample_shape: Any, *parameters: Tensor) -> Tensor:
    """The shape of draws: that which is asked for, then that of the parameters together."""
    b = get_default_graph().b
    together = parameters[0]
    for other in parameters[1:]:
        together = b.add(together, other)
    listed = [sample_shape] if isinstance(sample_shape, int) else list(sample_shape)
    own = shape(together)
    if not listed:
        return own
    made: Tensor = concat([np.asarray(listed, np.int32), own], 0)
    return made


class Distribution:
    """Base of the distributions."""

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        """Draws."""
        raise NotImplementedError(f"{type(self).__name__} has no sample")

    def log_prob(self, value: Any, name: str = "log_prob") -> Tensor:
        """The logarithm of the probability, or of its density."""
        raise NotImplementedError(f"{type(self).__name__} has no log_prob")

    def prob(self, value: Any, name: str = "prob") -> Tensor:
        """The probability, or its density."""
        made: Tensor = get_default_graph().b.exp(self.log_prob(value))
        return made

    def entropy(self, name: str = "entropy") -> Tensor:
        """The expectation of -log_prob."""
        raise NotImplementedError(f"{type(self).__name__} has no entropy")

    def mean(self, name: str = "mean") -> Tensor:
        """The expectation."""
        raise NotImplementedError(f"{type(self).__name__} has no mean")

    def variance(self, name: str = "variance") -> Tensor:
        """The expectation of the squared distance from the mean."""
        raise NotImplementedError(f"{type(self).__name__} has no variance")

    def stddev(self, name: str = "stddev") -> Tensor:
        """The square root of the variance."""
        made: Tensor = get_default_graph().b.sqrt(self.variance())
        return made

    def kl_divergence(self, other: Distribution, name: str = "kl_divergence") -> Tensor:
        """`kl_divergence(self, other)`."""
        return kl_divergence(self, other)


class Normal(Distribution):
    """The normal distribution.

    Args:
        loc: the mean.
        scale: the deviation, positive.
        validate_args: changes nothing.
        allow_nan_stats: changes nothing.
        name: changes nothing.
    """

    def __init__(
        self,
        loc: Any,
        scale: Any,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Normal",
    ) -> None:
        first = loc if hasattr(loc, "as_graph_tensor") else scale
        kind = convert_to_tensor(first).dtype if hasattr(first, "as_graph_tensor") else None
        self.loc, self.scale = _float(loc, kind), _float(scale, kind)

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        """Draws, through which gradients go to loc and scale."""
        b = get_default_graph().b
        drawn = random_normal(_shape_of(sample_shape, self.loc, self.scale), dtype=self.loc.dtype, seed=seed)
        made: Tensor = b.add(b.multiply(drawn, self.scale), self.loc)
        return made

    def _standard(self, value: Any) -> Tensor:
        b = get_default_graph().b
        made: Tensor = b.divide(b.subtract(_float(value, self.loc.dtype), self.loc), self.scale)
        return made

    def log_prob(self, value: Any, name: str = "log_prob") -> Tensor:
        """The logarithm of the density."""
        b = get_default_graph().b
        z = self._standard(value)
        half = b.multiply(b.like(-0.5, z), b.square(z))
        rest = b.add(b.log(self.scale), b.like(0.5 * math.log(2 * math.pi), z))
        made: Tensor = b.subtract(half, rest)
        return made

    def cdf(self, value: Any, name: str = "cdf") -> Tensor:
        """The probability of at most a value."""
        b = get_default_graph().b
        z = self._standard(value)
        made: Tensor = b.multiply(
            b.like(0.5, z), b.add(b.like(1, z), b.erf(b.multiply(z, b.like(math.sqrt(0.5), z))))
        )
        return made

    def entropy(self, name: str = "entropy") -> Tensor:
        """log(scale) + log(2 pi e) / 2."""
        b = get_default_graph().b
        wide = b.add(self.scale, b.multiply(b.like(0, self.loc), self.loc))
        made: Tensor = b.add(b.log(wide), b.like(0.5 * math.log(2 * math.pi * math.e), wide))
        return made

    def mean(self, name: str = "mean") -> Tensor:
        """`loc`."""
        b = get_default_graph().b
        made: Tensor = b.add(self.loc, b.multiply(b.like(0, self.scale), self.scale))
        return made

    mode = mean

    def variance(self, name: str = "variance") -> Tensor:
        """The square of `scale`."""
        b = get_default_graph().b
        made: Tensor = b.square(b.add(self.scale, b.multiply(b.like(0, self.loc), self.loc)))
        return made


class MultivariateNormalDiag(Normal):
    """Normal distributions of vectors whose elements are independent.

    Args:
        loc: the means [..., size]; zeros when None.
        scale_diag: the deviations [..., size].
        validate_args: changes nothing.
        allow_nan_stats: changes nothing.
        name: changes nothing.
    """

    def __init__(
        self,
        loc: Any = None,
        scale_diag: Any = None,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "MultivariateNormalDiag",
    ) -> None:
        if scale_diag is None and loc is None:
            raise ValueError("MultivariateNormalDiag needs loc or scale_diag")
        given = convert_to_tensor(loc if loc is not None else scale_diag)
        b = given.graph.b
        super().__init__(
            b.zeros_like(given) if loc is None else given,
            b.ones_like(given) if scale_diag is None else scale_diag,
        )

    def log_prob(self, value: Any, name: str = "log_prob") -> Tensor:
        """The logarithm of the density of vectors."""
        made: Tensor = get_default_graph().b.reduce_sum(super().log_prob(value), axes=(-1,))
        return made

    def entropy(self, name: str = "entropy") -> Tensor:
        """The sum of those of the elements."""
        made: Tensor = get_default_graph().b.reduce_sum(super().entropy(), axes=(-1,))
        return made


class Uniform(Distribution):
    """All values from `low` to `high` are as likely."""

    def __init__(
        self,
        low: Any = 0.0,
        high: Any = 1.0,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Uniform",
    ) -> None:
        self.low, self.high = _float(low), _float(high)

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        """Draws."""
        size = _shape_of(sample_shape, self.low, self.high)
        return random_uniform(size, self.low, self.high, self.low.dtype, seed)

    def _width(self) -> Tensor:
        made: Tensor = get_default_graph().b.subtract(self.high, self.low)
        return made

    def log_prob(self, value: Any, name: str = "log_prob") -> Tensor:
        """The logarithm of the density; minus infinity outside."""
        b = get_default_graph().b
        x = _float(value, self.low.dtype)
        inside = b.logical_and(b.less_equal(self.low, x), b.less(x, self.high))
        made: Tensor = b.where(inside, b.negative(b.log(self._width())), b.like(-np.inf, self.low))
        return made

    def entropy(self, name: str = "entropy") -> Tensor:
        """log(high - low)."""
        made: Tensor = get_default_graph().b.log(self._width())
        return made

    def mean(self, name: str = "mean") -> Tensor:
        """The middle."""
        b = get_default_graph().b
        made: Tensor = b.multiply(b.like(0.5, self.low), b.add(self.low, self.high))
        return made

    def variance(self, name: str = "variance") -> Tensor:
        """(high - low)^2 / 12."""
        b = get_default_graph().b
        made: Tensor = b.multiply(b.like(1 / 12, self.low), b.square(self._width()))
        return made


class Categorical(Distribution):
    """Numbers from 0 on, each with a probability.

    Args:
        logits: logarithms of the probabilities, up to a constant, [..., classes]; or
        probs: the probabilities.
        dtype: of draws.
        validate_args: changes nothing.
        allow_nan_stats: changes nothing.
        name: changes nothing.

    Raises:
        ValueError: not one of logits and probs is given.
    """

    def __init__(
        self,
        logits: Any = None,
        probs: Any = None,
        dtype: Any = int32,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Categorical",
    ) -> None:
        if (logits is None) == (probs is None):
            raise ValueError("Categorical needs logits or probs, and not both")
        b = get_default_graph().b
        self.dtype = as_dtype(dtype)
        self.logits: Tensor = _float(logits) if probs is None else b.log(_float(probs))

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return softmax(self.logits)

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        """Draws."""
        b = get_default_graph().b
        listed = [sample_shape] if isinstance(sample_shape, int) else list(sample_shape)
        count = int(np.prod(listed, dtype=int))
        classes = shape(self.logits)[-1]
        rows = reshape(self.logits, b.stack([np.int32(-1), classes], axis=0))
        drawn = transpose(b.cast(multinomial(rows, count, seed=seed), dtype=self.dtype), [1, 0])
        made: Tensor = reshape(drawn, concat([np.asarray(listed, np.int32), shape(self.logits)[:-1]], 0))
        if self.logits.shape is not None:
            made.set_shape([*listed, *self.logits.shape[:-1]])
        return made

    def log_prob(self, value: Any, name: str = "log_prob") -> Tensor:
        """The logarithms of the probabilities of numbers."""
        b = get_default_graph().b
        found = convert_to_tensor(value)
        numbers = found if found.dtype is int32 else b.cast(found, dtype=int32)
        depth = self.logits.get_shape()[-1]
        if not isinstance(depth, int):
            raise ValueError("Categorical: the number of classes is not known")
        chosen = b.one_hot(numbers, depth=int(depth), dtype=self.logits.dtype)
        made: Tensor = b.reduce_sum(b.multiply(log_softmax(self.logits), chosen), axes=(-1,))
        return made

    def entropy(self, name: str = "entropy") -> Tensor:
        """- sum of p log(p)."""
        b = get_default_graph().b
        made: Tensor = b.negative(
            b.reduce_sum(b.multiply(softmax(self.logits), log_softmax(self.logits)), axes=(-1,))
        )
        return made

    def mode(self, name: str = "mode") -> Tensor:
        """The likeliest number."""
        b = get_default_graph().b
        made: Tensor = b.cast(b.argmax(self.logits, axis=-1), dtype=self.dtype)
        return made


class Bernoulli(Distribution):
    """1 with a probability, else 0.

    Args:
        logits: log(p / (1 - p)); or
        probs: the probability of 1.
        dtype: of draws.
        validate_args: changes nothing.
        allow_nan_stats: changes nothing.
        name: changes nothing.

    Raises:
        ValueError: not one of logits and probs is given.
    """

    def __init__(
        self,
        logits: Any = None,
        probs: Any = None,
        dtype: Any = int32,
        validate_args: bool = False,
        allow_nan_stats: bool = True,
        name: str = "Bernoulli",
    ) -> None:
        if (logits is None) == (probs is None):
            raise ValueError("Bernoulli needs logits or probs, and not both")
        b = get_default_graph().b
        self.dtype = as_dtype(dtype)
        if probs is None:
            self.logits: Tensor = _float(logits)
            self.probs: Tensor = b.sigmoid(self.logits)
        else:
            self.probs = _float(probs)
            self.logits = b.subtract(b.log(self.probs), b.log1p(b.negative(self.probs)))

    def sample(self, sample_shape: Any = (), seed: int | None = None, name: str = "sample") -> Tensor:
        """Draws."""
        b = get_default_graph().b
        drawn = random_uniform(_shape_of(sample_shape, self.probs), dtype=self.probs.dtype, seed=seed)
        made: Tensor = b.cast(b.less(drawn, self.probs), dtype=self.dtype)
        return made

    def log_prob(self, value: Any, name: str = "log_prob") -> Tensor:
        """The logarithms of the probabilities of zeros and ones."""
        b = get_default_graph().b
        found = b.cast(convert_to_tensor(value), dtype=self.logits.dtype)
        wide = b.add(self.logits, b.zeros_like(found))
        found = b.add(found, b.zeros_like(self.logits))
        made: Tensor = b.negative(sigmoid_cross_entropy_with_logits(labels=found, logits=wide))
        return made

    def entropy(self, name: str = "entropy") -> Tensor:
        """softplus(logits) - logits p."""
        b = get_default_graph().b
        made: Tensor = b.subtract(softplus(self.logits), b.multiply(self.logits, self.probs))
        return made

    def mean(self, name: str = "mean") -> Tensor:
        """The probability of 1."""
        return self.probs

    def variance(self, name: str = "variance") -> Tensor:
        """P (1 - p)."""
        b = get_default_graph().b
        made: Tensor = b.multiply(self.probs, b.subtract(b.like(1, self.probs), self.probs))
        return made

    def mode(self, name: str = "mode") -> Tensor:
        """1 where that is likelier."""
        b = get_default_graph().b
        made: Tensor = b.cast(b.greater(self.probs, b.like(0.5, self.probs)), dtype=self.dtype)
        return made


def _normals(a: Any, b: Any) -> Tensor:
    g = get_default_graph().b
    half = g.like(0.5, a.loc)
    ratio = g.square(g.divide(a.scale, b.scale))
    away = g.square(g.divide(g.subtract(a.loc, b.loc), b.scale))
    made: Tensor = g.multiply(half, g.subtract(g.add(away, ratio), g.add(g.log(ratio), g.like(1, ratio))))
    return made


def _vectors(a: Any, b: Any) -> Tensor:
    made: Tensor = get_default_graph().b.reduce_sum(_normals(a, b), axes=(-1,))
    return made


def _categoricals(a: Any, b: Any) -> Tensor:
    g = get_default_graph().b
    apart = g.subtract(log_softmax(a.logits), log_softmax(b.logits))
    made: Tensor = g.reduce_sum(g.multiply(softmax(a.logits), apart), axes=(-1,))
    return made


def _bernoullis(a: Any, b: Any) -> Tensor:
    g = get_default_graph().b
    apart = g.multiply(a.probs, g.subtract(a.logits, b.logits))
    made: Tensor = g.add(apart, g.subtract(softplus(b.logits), softplus(a.logits)))
    return made


_DIVERGENCES: dict[type, Callable[[Any, Any], Tensor]] = {
    Normal: _normals,
    MultivariateNormalDiag: _vectors,
    Categorical: _categoricals,
    Bernoulli: _bernoullis,
}


def kl_divergence(
    distribution_a: Distribution,
    distribution_b: Distribution,
    allow_nan_stats: bool = True,
    name: str | None = None,
) -> Tensor:
    """The expectation of log(a / b) under a: Kullback and Leibler's divergence.

    Raises:
        NotImplementedError: it is not known for these two.
    """
    known = _DIVERGENCES.get(type(distribution_a))
    if known is None or type(distribution_a) is not type(distribution_b):
        raise NotImplementedError(
            f"the divergence of {type(distribution_a).__name__} from {type(distribution_b).__name__} is not known"
        )
    return known(distribution_a, distribution_b)


__all__ = [
    "Bernoulli",
    "Categorical",
    "Distribution",
    "MultivariateNormalDiag",
    "Normal",
    "Uniform",
    "kl_divergence",
]
