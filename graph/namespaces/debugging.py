"""Checks under the names of later versions: `tf.debugging`."""

from __future__ import annotations

from samara.graph.vocabulary.checks import (
    Assert,
    assert_equal,
    assert_greater,
    assert_greater_equal,
    assert_less,
    assert_less_equal,
    assert_negative,
    assert_non_negative,
    assert_non_positive,
    assert_none_equal,
    assert_positive,
    assert_rank,
    assert_rank_at_least,
    assert_type,
    check_numerics,
    is_numeric_tensor,
)
from samara.graph.vocabulary.conditions import (
    assert_integer,
    assert_near,
    assert_proper_iterable,
    assert_rank_in,
    assert_same_float_dtype,
    assert_scalar,
    is_non_decreasing,
    is_strictly_increasing,
)
from samara.graph.vocabulary.mathematics import is_finite, is_inf, is_nan

__all__ = [
    "Assert",
    "assert_equal",
    "assert_greater",
    "assert_greater_equal",
    "assert_integer",
    "assert_less",
    "assert_less_equal",
    "assert_near",
    "assert_negative",
    "assert_non_negative",
    "assert_non_positive",
    "assert_none_equal",
    "assert_positive",
    "assert_proper_iterable",
    "assert_rank",
    "assert_rank_at_least",
    "assert_rank_in",
    "assert_same_float_dtype",
    "assert_scalar",
    "assert_type",
    "check_numerics",
    "is_finite",
    "is_inf",
    "is_nan",
    "is_non_decreasing",
    "is_numeric_tensor",
    "is_strictly_increasing",
]
