"""Ops of which a row of the output needs some rows of the input, and chains of them, computed strip by strip.

All tensors are images [1, H, W, C]. A strip is some rows of all images of a chain. Where a window reaches over rows
that the strip before has computed, they are kept and moved to the head of the next strip: nothing is computed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

from samara.exporter.sharing import fixed_shape
from samara.graph.graph import Operation, Tensor
from samara.graph.ops import _window

_CONVOLUTIONS = ("conv2d", "depthwise_conv2d", "quantized_conv2d", "quantized_depthwise_conv2d")
_POOLS = ("max_pool2d", "average_pool2d", "quantized_average_pool2d")
_POINTWISE = (
    "quantized_add",
    "quantized_multiply",
    "quantize",
    "dequantize",
    "requantize",
    "lookup_table",
    "cast",
)

Image = TypeVar("Image")


@dataclass(frozen=True, kw_only=True)
class Link:
    """An op of a chain.

    Attributes:
        op: what it is.
        source: the operand that the op before it computes.
        sliced: other operands that have a row for each of the output.
        reach: over how many rows a window goes.
        stride: rows from a window to the next.
        before: rows of padding above the first row.
        sides: columns of padding left and right; None for what has no windows.
        rows_in: the height of the input.
        rows_out: the height of the output.
    """

    op: Operation
    source: int
    sliced: tuple[int, ...] = ()
    reach: int = 1
    stride: int = 1
    before: int = 0
    sides: tuple[int, int] | None = None
    rows_in: int
    rows_out: int

    @property
    def begins(self) -> Tensor:
        """The image that the op goes on from."""
        tensor = self.op.inputs[self.source]
        assert tensor is not None
        return tensor

    def rows(self, low: int, high: int) -> tuple[int, int, int, int]:
        """What output rows `low` to `high` need: rows from, to, and how much padding above and below."""
        first = low * self.stride - self.before
        end = (high - 1) * self.stride - self.before + self.reach
        return max(first, 0), min(end, self.rows_in), max(-first, 0), max(end - self.rows_in, 0)


def image_shape(tensor: Tensor) -> tuple[int, ...] | None:
    """The shape of an image with fixed sizes of which there is one, or None."""
    shape = fixed_shape(tensor)
    return shape if shape is not None and len(shape) == 4 and shape[0] == 1 and min(shape) > 0 else None


def link(op: Operation, source: Tensor) -> Link | None:
    """An op as one of a chain that goes on from an input of it; None when its rows need more than a few rows."""
    before, after = image_shape(source), image_shape(op.outputs[0]) if len(op.outputs) == 1 else None
    if before is None or after is None or op.control_inputs or op.writes:
        return None
    if op.type in (*_CONVOLUTIONS, *_POOLS):
        return _window_link(op, source, before, after)
    if not (op.definition.elementwise or op.type in _POINTWISE) or before[1] != after[1]:
        return None
    sliced = []
    for index, tensor in enumerate(op.inputs):
        if tensor is None or tensor is source:
            continue
        shape = fixed_shape(tensor)
        if shape is None or len(shape) > 4:
            return None
        if len(shape) >= 3 and shape[-3] != 1:
            if image_shape(tensor) is None:
                return None
            sliced.append(index)
    places = [i for i, t in enumerate(op.inputs) if t is source]
    return Link(op=op, source=places[0], sliced=tuple(sliced), rows_in=before[1], rows_out=after[1])


def _window_link(
    op: Operation, source: Tensor, before: tuple[int, ...], after: tuple[int, ...]
) -> Link | None:
    others = [t for t in op.inputs[1:] if t is not None]
    if op.inputs[0] is not source or any(t.op.type != "constant" for t in others):
        return None
    shape = fixed_shape(others[0]) if op.type in _CONVOLUTIONS else tuple(op.a.pool_size)
    if shape is None:
        return None
    taps = shape[0], shape[1]
    (top, _), sides = _window.pads(op.a, (before[1], before[2]), taps)
    return Link(
        op=op,
        source=0,
        reach=(taps[0] - 1) * op.attributes.get("dilations", (1, 1))[0] + 1,
        stride=op.a.strides[0],
        before=top,
        sides=sides,
        rows_in=before[1],
        rows_out=after[1],
    )


class Maker(Protocol[Image]):
    """What makes the ops of strips: those of a graph, or the steps of a plan."""

    def rows(self, image: Image, low: int, high: int) -> Image:
        """Some rows of an image, which lie in it."""

    def copy(self, image: Image) -> Image:
        """The same rows at a place of their own."""

    def join(self, images: Sequence[Image]) -> Image:
        """Rows one after the other."""

    def compute(self, number: int, source: Image, low: int, high: int, above: int, below: int) -> Image:
        """Rows of the output of an op of the chain, by its number in it."""


@dataclass
class Strips(Generic[Image]):
    """Computes a chain strip by strip.

    Attributes:
        links: the chain.
        first: the image that it begins with.
        make: makes the ops.
        kept: for each op the rows that it computed last: the image, and from which row to which.
    """

    links: Sequence[Link]
    first: Image
    make: Maker[Image]
    kept: dict[int, tuple[Image, int, int]] = field(default_factory=dict)

    def run(self, bounds: Sequence[int]) -> list[Image]:
        """The strips of the last image, each from one of the bounds to the next."""
        last = len(self.links) - 1
        return [self._compute(last, low, high) for low, high in pairwise(bounds)]

    def _compute(self, number: int, low: int, high: int) -> Image:
        first, end, above, below = self.links[number].rows(low, high)
        return self.make.compute(number, self._image(number - 1, first, end), low, high, above, below)

    def _image(self, number: int, low: int, high: int) -> Image:
        """Rows of the output of op `number`, of which those from `low` on may be asked for again."""
        if number < 0:
            return self._part((self.first, 0, self.links[0].rows_in), low, high)
        held = self.kept.get(number)
        if held is None or held[2] <= low:
            made = self._compute(number, low, high)
        elif high <= held[2]:
            return self._part(held, low, high)
        else:
            # The head of the new strip is taken before its tail is computed, so that both strips can have one place.
            head = self.make.copy(self._part(held, low, held[2]))
            made = self.make.join([head, self._compute(number, held[2], high)])
        self.kept[number] = made, low, high
        return made

    def _part(self, held: tuple[Image, int, int], low: int, high: int) -> Image:
        image, begin, end = held
        return image if (low, high) == (begin, end) else self.make.rows(image, low - begin, high - begin)


def bounds_of(rows: int, strips: int) -> list[int]:
    """Where strips of about equal height begin, and where the last one ends."""
    return [rows * i // strips for i in range(strips + 1)]
