"""Convolutions with channels first, over one, two or three spatial axes.

Over three axes a convolution is a sum of those over two, one for each depth of the filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samara.exporter.frontends.compose.layout import from_image, to_image, two
from samara.exporter.frontends.compose.sizes import cut, product_of, reshape, sizes_of
from samara.graph import dtypes
from samara.graph.dims import Dimension
from samara.graph.graph import Tensor


def conv(
    b: Any,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    pads: Sequence[int] | None,
    dilations: Sequence[int],
    groups: int = 1,
) -> Tensor:
    """The convolution of x [N, C, spatial...] with weight [O, C / groups, spatial...], plus bias [O].

    Args:
        b: builds ops.
        x: the input.
        weight: the filters.
        bias: one number for each output channel.
        strides: along each spatial axis.
        pads: zeros before each spatial axis, then after each; None, over one or two axes, for as many as give
            ceil(size / stride) positions, the odd one after.
        dilations: along each spatial axis.
        groups: groups of channels that do not see each other.

    Raises:
        ValueError: there are three axes, and no pads.
    """
    spatial = len(strides)
    if spatial == 3:
        if pads is None:
            raise ValueError("padding that depends on sizes that move, over three axes")
        return _conv3d(b, x, weight, bias, strides, pads, dilations, groups)
    attributes = _window(strides, pads, dilations)
    filters: Tensor = weight if spatial == 2 else b.expand_dims(weight, axis=2)
    image = to_image(b, x)
    shape: Any = filters.shape or ()
    channels = image.shape[3] if image.shape is not None else None
    if groups > 1 and shape[1] == 1 and channels == groups:
        parted = b.reshape(filters, [groups, shape[0] // groups, *shape[2:]])
        y = b.depthwise_conv2d(image, b.transpose(parted, permutation=(2, 3, 0, 1)), bias, **attributes)
    else:
        turned = b.transpose(filters, permutation=(2, 3, 1, 0))
        y = b.conv2d(image, turned, bias, **attributes, groups=groups)
    return from_image(b, y, spatial)


def conv_transpose(
    b: Any,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    strides: Sequence[int],
    pads: Sequence[int],
    output_padding: Sequence[int],
    dilations: Sequence[int],
    groups: int = 1,
) -> Tensor:
    """The transposed convolution of x [N, C, spatial...] with weight [C, O / groups, spatial...], plus bias [O].

    Along each spatial axis the output has (size - 1) * stride + (kernel - 1) * dilation + 1 + output_padding elements,
    less the pads.

    Args:
        b: builds ops.
        x: the input.
        weight: the filters.
        bias: one number for each output channel.
        strides: along each spatial axis.
        pads: what is cut off before each spatial axis, then after each.
        output_padding: what is added after each spatial axis.
        dilations: along each spatial axis.
        groups: groups of channels that do not see each other.
    """
    spatial = len(strides)
    # What is added after an axis is, as far as something was to be cut off there, not cut off. A convolution of the
    # output has the input's size only if less than a stride is left over: more is zeros.
    kept = [min(a, p) for a, p in zip(output_padding, pads[spatial:], strict=True)]
    pads = [*pads[:spatial], *(p - k for p, k in zip(pads[spatial:], kept, strict=True))]
    left = [a - k for a, k in zip(output_padding, kept, strict=True)]
    zeros = [max(n - s + 1, 0) for n, s in zip(left, strides, strict=True)]
    left = [n - z for n, z in zip(left, zeros, strict=True)]
    if spatial == 3:
        y = _conv3d_transpose(b, x, weight, strides, pads, left, dilations, groups)
    else:
        y = _transposed(b, x, weight, strides, pads, left, dilations, groups)
    if any(zeros):
        y = b.pad(y, paddings=(0, 0, 0, 0, *(n for z in zeros for n in (0, z))))
    if bias is not None:
        y = b.add(y, b.reshape(bias, [-1, *(1,) * spatial]))
    return y


def _transposed(
    b: Any,
    x: Tensor,
    weight: Tensor,
    strides: Sequence[int],
    pads: Sequence[int],
    output_padding: Sequence[int],
    dilations: Sequence[int],
    groups: int,
) -> Tensor:
    spatial = len(strides)
    image = to_image(b, x)
    filters: Tensor = weight if spatial == 2 else b.expand_dims(weight, axis=2)
    turned = b.transpose(filters, permutation=(2, 3, 1, 0))
    shape: Any = filters.shape
    window = _window(strides, pads, dilations)
    sizes: list[Dimension] = []
    assert image.shape is not None
    for axis, extra in enumerate(two(output_padding, 0)):
        reach = (shape[2 + axis] - 1) * window["dilations"][axis] + 1
        cut = window["paddings"][2 * axis] + window["paddings"][2 * axis + 1]
        sizes.append((image.shape[1 + axis] - 1) * window["strides"][axis] + reach + extra - cut)
    target = _sizes(b, image, sizes, shape[1] * groups, window["strides"])
    y = b.conv2d_backprop_input(target, turned, image, **window, groups=groups)
    return from_image(b, y, spatial)


def _sizes(b: Any, image: Tensor, sizes: Sequence[Dimension], channels: int, strides: Sequence[int]) -> Any:
    """[N, H, W, O] as an operand; a size that moves is computed from the input's."""
    shape = image.shape or ()
    whole = b.shape(image)
    parts = []
    for axis, size in enumerate((shape[0], *sizes, channels)):
        if isinstance(size, int):
            parts.append(b.constant([size], dtypes.int32))
            continue
        own = b.strided_slice(whole, begin=[axis], end=[axis + 1], strides=[1])
        if axis:
            stride = strides[axis - 1]
            # The size is linear in the input's: stride * n + what is left for n = 0.
            offset = size - shape[axis] * stride
            own = b.add(
                b.multiply(own, b.constant([stride], dtypes.int32)), b.constant([offset], dtypes.int32)
            )
        parts.append(own)
    return b.concat(parts, axis=0)


def _window(strides: Sequence[int], pads: Sequence[int] | None, dilations: Sequence[int]) -> dict[str, Any]:
    spatial = len(strides)
    if pads is None:
        return {"strides": two(strides, 1), "padding": "same", "dilations": two(dilations, 1)}
    before, after = two(pads[:spatial], 0), two(pads[spatial:], 0)
    return {
        "strides": two(strides, 1),
        "padding": "explicit",
        "paddings": (before[0], after[0], before[1], after[1]),
        "dilations": two(dilations, 1),
    }


# Three axes -------------------------------------------------------------------------------------------------------


def _planes(b: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """[N, C, D, H, W] as planes [N * D, C, H, W], and N and D as a tensor [2]."""
    turned = b.transpose(x, permutation=(0, 2, 1, 3, 4))
    sizes = b.shape(turned, output_type=dtypes.int64)
    head = b.strided_slice(sizes, begin=[0], end=[2], strides=[1])
    rest = b.strided_slice(sizes, begin=[2], end=[5], strides=[1])
    planes = b.reshape(turned, b.concat([b.constant([-1], dtypes.int64), rest], axis=0))
    return planes, head


def _volume(b: Any, planes: Tensor, head: Tensor) -> Tensor:
    """Planes [N * D, C, H, W] as [N, C, D, H, W]."""
    rest = b.strided_slice(b.shape(planes, output_type=dtypes.int64), begin=[1], end=[4], strides=[1])
    made: Tensor = b.transpose(b.reshape(planes, b.concat([head, rest], axis=0)), permutation=(0, 2, 1, 3, 4))
    return made


def _filter(b: Any, weight: Tensor, depth: int) -> Tensor:
    """The filter at one depth: [O, C, H, W]."""
    made: Tensor = b.strided_slice(
        weight,
        begin=[0, 0, depth],
        end=[0, 0, depth + 1],
        strides=[1, 1, 1],
        begin_mask=0b011,
        end_mask=0b011,
        shrink_axis_mask=0b100,
    )
    return made


def _conv3d(
    b: Any,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    groups: int,
) -> Tensor:
    depth = (weight.shape or ())[2]
    assert isinstance(depth, int)
    padded = b.pad(x, paddings=(0, 0, 0, 0, pads[0], pads[3], 0, 0, 0, 0)) if pads[0] or pads[3] else x
    reach = (depth - 1) * dilations[0]
    total: Any = None
    head: Any = None
    for tap in range(depth):
        first, last = tap * dilations[0], tap * dilations[0] - reach
        part = b.strided_slice(
            padded,
            begin=[0, 0, first],
            end=[0, 0, last],
            strides=[1, 1, strides[0]],
            begin_mask=0b011,
            end_mask=0b011 | (0b100 if last == 0 else 0),
        )
        planes, head = _planes(b, part)
        made = conv(
            b,
            planes,
            _filter(b, weight, tap),
            bias if tap == 0 else None,
            strides=strides[1:],
            pads=[*pads[1:3], *pads[4:6]],
            dilations=dilations[1:],
            groups=groups,
        )
        total = made if total is None else b.add(total, made)
    return _volume(b, total, head)


def _conv3d_transpose(
    b: Any,
    x: Tensor,
    weight: Tensor,
    strides: Sequence[int],
    pads: Sequence[int],
    output_padding: Sequence[int],
    dilations: Sequence[int],
    groups: int,
) -> Tensor:
    depth = (weight.shape or ())[2]
    assert isinstance(depth, int)
    planes, head = _planes(b, x)
    reach = (depth - 1) * dilations[0]
    total: Any = None
    for tap in range(depth):
        made = _transposed(
            b,
            planes,
            _filter(b, weight, tap),
            strides[1:],
            [*pads[1:3], *pads[4:6]],
            output_padding[1:],
            dilations[1:],
            groups,
        )
        spread = _spread(b, _volume(b, made, head), strides[0])
        first = tap * dilations[0]
        around = (first, reach - first + output_padding[0])
        placed = b.pad(spread, paddings=(0, 0, 0, 0, *around, 0, 0, 0, 0)) if any(around) else spread
        total = placed if total is None else b.add(total, placed)
    return cut(b, total, 2, pads[0], -pads[3] or None) if pads[0] or pads[3] else total


def _spread(b: Any, x: Tensor, stride: int) -> Tensor:
    """[N, C, D, H, W] with stride - 1 zeros between neighbours along D."""
    if stride == 1:
        return x
    n, c, size, h, w = sizes_of(b, x)
    parted = b.pad(b.expand_dims(x, axis=3), paddings=(0, 0, 0, 0, 0, 0, 0, stride - 1, 0, 0, 0, 0))
    joined = reshape(b, parted, [n, c, product_of(b, [size, stride]), h, w])
    return cut(b, joined, 2, None, 1 - stride)


__all__ = ["conv", "conv_transpose"]
