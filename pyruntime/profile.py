"""What a profile tells of each op: time, kernel, multiplications, and how near it is to the machine's limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samara.pyruntime.model import OpInfo, TensorInfo

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
_RECURRENT_INTEGERS = {"quantized_lstm": 4, "quantized_gru": 3, "quantized_rnn": 1}  # and their gates
# They need not read more of their first operand than they write.
_CHOICES = (
    "slice",
    "strided_slice",
    "split",
    "gather",
    "gather_nd",
    "gather_elements",
    "resample",
    "integer_resize_bilinear",
)
# What they move depends on the data, or on what their bodies do.
_UNKNOWN = ("cond", "while_loop", "non_zero", "unique", "non_max_suppression")


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


def least_bytes(
    op: str, inputs: Sequence[tuple[Shape, int] | None], outputs: Sequence[tuple[Shape, int]]
) -> int | None:
    """How many bytes an op must at least read and write; None where that is not known.

    Each operand once, however often it is read: of a convolution's input what its taps reach, of the first operand of
    an op that chooses as much as is chosen, and of an array that is updated the part that changes.

    Args:
        op: its name.
        inputs: shapes and the bytes of an element; None for an operand that is not given.
        outputs: the same of its results.
    """
    if op in _UNKNOWN:
        return None
    sizes = [0 if i is None else math.prod(i[0]) * i[1] for i in inputs]
    written = sum(math.prod(shape) * size for shape, size in outputs)
    if op == "shape":
        return written
    if op == "dynamic_update_slice":
        return 2 * sizes[1]
    if op in _CHOICES:
        sizes[0] = min(sizes[0], written)
    first, second = (*inputs, None, None)[:2]
    if op in _CONVOLUTIONS and first is not None and second is not None:
        places = math.prod(outputs[0][0][:-1]) * math.prod(second[0][:2])
        sizes[0] = min(sizes[0], places * first[0][-1] * first[1])
    return sum(sizes) + written


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one thread of a machine can do at most.

    Attributes:
        float32, int8: 1e9 multiplications a second.
        levels: the bytes that a level of the caches has room for and the GB/s that are read from it, smallest first.
        memory: GB/s from beyond all caches; None where neither this nor `levels` was measured.
    """

    float32: float
    int8: float
    levels: tuple[tuple[int, float], ...] = ()
    memory: float | None = None

    def moving(self, count: int) -> float:
        """The microseconds to move so many bytes, at the rate of the smallest level that has room for all of them."""
        rate = next((rate for room, rate in self.levels if count <= room), self.memory)
        return 0.0 if rate is None else count / rate / 1e3


@dataclass(frozen=True, kw_only=True)
class ProfileRow:
    """The median time of one op.

    Attributes:
        macs: how many multiplications it does; None where they are not counted.
        integer: whether they are of integers.
        least_bytes: how many bytes it must at least read and write; None where that is not known.
    """

    name: str
    op: str
    kernel: str
    microseconds: float
    macs: int | None = None
    integer: bool = False
    least_bytes: int | None = None

    @property
    def rate(self) -> float | None:
        """1e9 multiplications a second."""
        return None if not self.macs or not self.microseconds else self.macs / self.microseconds / 1e3

    def part(self, limits: Limits) -> float | None:
        """The least time that a machine needs over the time that the op took; None for one that takes none.

        The least time is the longer of two: that of its multiplications at the machine's highest rate, and that of the
        bytes that it must at least read and write, at the rate at which the smallest cache with room for them is read.
        """
        if not self.microseconds or (not self.macs and not self.least_bytes):
            return None
        computing = (self.macs or 0) / (limits.int8 if self.integer else limits.float32) / 1e3
        return max(computing, limits.moving(self.least_bytes or 0)) / self.microseconds or None


def profile_row(op: OpInfo, tensors: Sequence[TensorInfo], microseconds: float) -> ProfileRow:
    """What is told of an op of a file that has these tensors."""
    inputs = [tensors[i].shape if i >= 0 else None for i in op.inputs]
    outputs = [tensors[i].shape for i in op.outputs]
    first = next((tensors[i].dtype.kind for i in op.inputs if i >= 0), "f")
    # An operand that is given twice is read once.
    once = [i if i not in op.inputs[:n] else -1 for n, i in enumerate(op.inputs)]
    read = [(tensors[i].shape, tensors[i].dtype.itemsize) if i >= 0 else None for i in once]
    written = [(tensors[i].shape, tensors[i].dtype.itemsize) for i in op.outputs]
    return ProfileRow(
        name=op.name,
        op=op.op,
        kernel=op.kernel,
        microseconds=microseconds,
        macs=multiplications(op.op, inputs, outputs),
        integer=first in "iu",
        least_bytes=least_bytes(op.op, read, written),
    )


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Median times, in microseconds: of each op, and of a whole run without looking at ops. Prints as a table."""

    rows: tuple[ProfileRow, ...]
    microseconds: float

    def __str__(self) -> str:
        return self.table()

    def table(self, limits: Limits | None = None) -> str:
        """The profile as text, a line for each op; with what the machine can do, the part of it that an op reaches."""
        total = sum(r.microseconds for r in self.rows) or 1.0
        counted = any(r.macs for r in self.rows)
        head = ["name", "op", "kernel", "us", "share"] + ["MMAC", "GMAC/s"] * counted
        head += ["of limit"] if limits else []
        cells = [head]
        for r in self.rows:
            row = [r.name, r.op, r.kernel, f"{r.microseconds:.2f}", f"{100 * r.microseconds / total:.1f}%"]
            rate = r.rate
            if counted:
                row += ["", ""] if rate is None or not r.macs else [f"{r.macs / 1e6:.3f}", f"{rate:.2f}"]
            if limits:
                part = r.part(limits)
                row.append("" if part is None else f"{100 * part:.1f}%")
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
