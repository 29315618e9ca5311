"""What a profile tells of each op: its time, its kernel and, where they can be counted, its multiplications."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Shape = tuple[int, ...]

# Which operand is multiplied with each position of the result: a filter, or the rows of a matrix.
_CONVOLUTIONS = (
    "conv2d",
    "depthwise_conv2d",
    "quantized_conv2d",
    "quantized_depthwise_conv2d",
    "quantized_conv2d_int16",
)
_MATRIX_PRODUCTS = ("matmul", "quantized_matmul")
_RECURRENT = ("lstm", "gru", "rnn")
_RECURRENT_INTEGERS = {"quantized_lstm": 4, "quantized_gru": 3}  # and their gates


def multiplications(op: str, inputs: Sequence[Shape | None], outputs: Sequence[Shape]) -> int | None:
    """How many multiply-accumulate steps an op takes, from the shapes of its operands; None where that is not counted.

    Of a recurrent op of floats it is the products with the recurrent weights: those with the inputs are a matmul before
    it.
    """
    first, second, third = (*inputs, None, None, None)[:3]
    if op == "conv2d_backprop_input" and second is not None and third is not None:
        return math.prod(third[:-1]) * math.prod(second)
    if first is None or second is None:
        return None
    result = outputs[0]
    if op in _CONVOLUTIONS:
        return math.prod(result[:-1]) * math.prod(second)
    if op in _MATRIX_PRODUCTS and len(result) > 1:
        # Whichever way the first operand lies in memory, its last two axes are the rows of the result and the depth.
        return math.prod(result) * (math.prod(first[-2:]) // max(result[-2], 1))
    if op in _RECURRENT:
        return math.prod(first[:2]) * math.prod(second)
    if op in _RECURRENT_INTEGERS and third is not None:
        # The matrices have columns that pad the cells, which do not count.
        return math.prod(first[:2]) * (first[2] + third[0]) * _RECURRENT_INTEGERS[op] * third[0]
    if op == "attention":
        keys = second[-2]
        return (math.prod(first) + math.prod(result)) * keys
    return None


@dataclass(frozen=True, kw_only=True)
class ProfileRow:
    """The median time of one op.

    Attributes:
        macs: how many multiplications it does; None where they are not counted.
        integer: whether they are of integers.
    """

    name: str
    op: str
    kernel: str
    microseconds: float
    macs: int | None = None
    integer: bool = False

    @property
    def rate(self) -> float | None:
        """1e9 multiplications a second."""
        return None if not self.macs or not self.microseconds else self.macs / self.microseconds / 1e3


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Median times, in microseconds: of each op, and of a whole run without looking at ops. Prints as a table."""

    rows: tuple[ProfileRow, ...]
    microseconds: float

    def __str__(self) -> str:
        return self.table()

    def table(self, limits: Mapping[str, float] | None = None) -> str:
        """The profile as text, a line for each op.

        Args:
            limits: the most multiplications that the machine can do, in 1e9 a second, for "float32" and "int8"; adds
                how large a part of it an op reaches.
        """
        total = sum(r.microseconds for r in self.rows) or 1.0
        counted = any(r.macs for r in self.rows)
        head = ["name", "op", "kernel", "us", "share"] + ["MMAC", "GMAC/s"] * counted
        head += ["of limit"] if counted and limits else []
        cells = [head]
        for r in self.rows:
            row = [r.name, r.op, r.kernel, f"{r.microseconds:.2f}", f"{100 * r.microseconds / total:.1f}%"]
            rate = r.rate
            if counted:
                row += ["", ""] if rate is None or not r.macs else [f"{r.macs / 1e6:.3f}", f"{rate:.2f}"]
            if counted and limits:
                limit = limits["int8" if r.integer else "float32"]
                row.append("" if rate is None else f"{100 * rate / limit:.1f}%")
            cells.append(row)
        widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
        words = 3
        lines = [
            "  ".join(
                cell.ljust(width) if i < words else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        return "\n".join([*lines, f"one run: {self.microseconds:.2f} us"])
