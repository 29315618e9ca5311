"""Windows that slide over height and width: what convolution and pooling have in common."""

from __future__ import annotations

from typing import Any

from samara.graph import dims
from samara.graph.dims import Dimension
from samara.graph.ops._table import PADDING, Attribute, attribute

STRIDES = attribute("strides", "ints", (1, 1), "Steps between windows: height, width.", limit=2)
PADDING_ATTRIBUTE = attribute(
    "padding",
    PADDING,
    "valid",
    "valid: no padding. same: the output has ceil(input / stride) positions, padding split evenly, the odd one after. "
    "explicit: as `paddings` says.",
)
PADDINGS = attribute(
    "paddings", "ints", (0, 0, 0, 0), "For explicit padding: top, bottom, left, right.", limit=4
)
DILATIONS = attribute("dilations", "ints", (1, 1), "Steps between taps: height, width.", limit=2)


def window_attributes(*others: Attribute) -> tuple[Attribute, ...]:
    """The attributes of a sliding window, followed by others."""
    return (STRIDES, PADDING_ATTRIBUTE, PADDINGS, *others)


def check_window(op: Any, taps: tuple[Any, Any]) -> None:
    """Refuses strides, dilations, paddings or sizes that make no window."""
    for name in ("strides", "dilations"):
        values = getattr(op.a, name, (1, 1))
        if len(values) != 2 or min(values) < 1:
            op.fail(f"{name} must be two numbers of at least 1 (height, width), not {list(values)}")
    if op.a.padding == "explicit" and (len(op.a.paddings) != 4 or min(op.a.paddings) < 0):
        op.fail(
            f"paddings must be four numbers of at least 0 (top, bottom, left, right), not {list(op.a.paddings)}"
        )
    if any(isinstance(t, int) and t < 1 for t in taps):
        op.fail(f"the window {list(taps)} must be at least 1 by 1")


def output_size(op: Any, axis: int, size: Dimension, taps: Dimension) -> Dimension:
    """The number of positions along axis 0 (height) or 1 (width)."""
    stride = op.a.strides[axis]
    reach = (taps - 1) * getattr(op.a, "dilations", (1, 1))[axis] + 1
    if op.a.padding == "same":
        return dims.ceil_divide(size, stride)
    if op.a.padding == "explicit":
        size = size + op.a.paddings[2 * axis] + op.a.paddings[2 * axis + 1]
    if isinstance(size, int) and isinstance(reach, int) and size < reach:
        op.fail(f"the window reaches over {reach}, but the padded {('height', 'width')[axis]} is only {size}")
    count: Dimension = (size - reach) // stride + 1
    return count


def pads(a: Any, size: tuple[int, int], taps: tuple[int, int]) -> list[tuple[int, int]]:
    """The padding (before, after) along height and width, for sizes that are known."""
    if a.padding == "explicit":
        return [(a.paddings[0], a.paddings[1]), (a.paddings[2], a.paddings[3])]
    if a.padding == "valid":
        return [(0, 0), (0, 0)]
    found = []
    for axis in (0, 1):
        positions = -(-size[axis] // a.strides[axis])
        reach = (taps[axis] - 1) * getattr(a, "dilations", (1, 1))[axis] + 1
        total = max((positions - 1) * a.strides[axis] + reach - size[axis], 0)
        found.append((total // 2, total - total // 2))
    return found


def positions(a: Any, size: tuple[int, int], taps: tuple[int, int]) -> tuple[int, int]:
    """The number of window positions along height and width, for sizes that are known."""
    found = []
    for axis, (before, after) in enumerate(pads(a, size, taps)):
        reach = (taps[axis] - 1) * getattr(a, "dilations", (1, 1))[axis] + 1
        room = size[axis] + before + after - reach
        found.append(room // a.strides[axis] + 1 if room >= 0 else 0)
    return found[0], found[1]


def padded(xp: Any, a: Any, x: Any, taps: tuple[int, int], value: Any) -> Any:
    """X [N, H, W, C] with its padding around it."""
    (top, bottom), (left, right) = pads(a, x.shape[1:3], taps)
    if not (top or bottom or left or right):
        return x
    n, h, w, c = x.shape
    around = xp.full((n, h + top + bottom, w + left + right, c), value, dtype=x.dtype)
    around[:, top : top + h, left : left + w, :] = x
    return around


def tap(a: Any, ky: int, kx: int, size: tuple[int, int]) -> tuple[slice, slice, slice, slice]:
    """The slices of a padded [N, H, W, C] that one tap of all windows sees."""
    found = []
    for place, axis in ((ky, 0), (kx, 1)):
        start = place * getattr(a, "dilations", (1, 1))[axis]
        stop = start + (size[axis] - 1) * a.strides[axis] + 1
        found.append(slice(start, max(stop, start), a.strides[axis]))
    return slice(None), found[0], found[1], slice(None)
