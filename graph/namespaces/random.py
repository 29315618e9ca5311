"""Draws under the names of later versions: `tf.random`."""

from __future__ import annotations

from samara.graph.vocabulary.draws import multinomial, set_random_seed, truncated_normal
from samara.graph.vocabulary.draws import random_gamma as gamma
from samara.graph.vocabulary.draws import random_normal as normal
from samara.graph.vocabulary.draws import random_poisson as poisson
from samara.graph.vocabulary.draws import random_shuffle as shuffle
from samara.graph.vocabulary.draws import random_uniform as uniform
from samara.graph.vocabulary.graphs import get_seed

# TensorFlow 1 has both names for one function.
categorical = multinomial

__all__ = [
    "categorical",
    "gamma",
    "get_seed",
    "multinomial",
    "normal",
    "poisson",
    "set_random_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]
