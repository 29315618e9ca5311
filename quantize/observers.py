"""What is remembered of a tensor's values while a model runs on samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.errors import QuantizationError
from samara.quantize.scheme import Quantization, of_range


class MinMax:
    """The least and the largest value over all samples; the order of samples does not matter."""

    def __init__(self) -> None:
        self.low = 0.0
        self.high = 0.0

    def observe(self, array: np.ndarray[Any, Any], name: str) -> None:
        """Takes the values of one run into account.

        Raises:
            QuantizationError: a value is infinite or no number.
        """
        if not array.size:
            return
        low, high = float(array.min()), float(array.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise QuantizationError(f"{name} has infinite values, or values that are no numbers, on a sample")
        self.low, self.high = min(self.low, low), max(self.high, high)

    def merge(self, other: MinMax) -> None:
        """Takes what another has seen into account."""
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def quantization(self) -> Quantization:
        """The scale and zero point that cover what was seen, and 0."""
        return of_range(self.low, self.high)


__all__ = ["MinMax"]
