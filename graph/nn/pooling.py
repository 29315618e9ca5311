"""Pooling: the largest value, or the mean, of windows over signals, images and volumes."""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import as_dtype, int32, int64
from samara.graph.graph import Tensor
from samara.graph.nn._format import along, every, folded, padding_of, spatial, with_channels_last


def _pool2d(
    op: str, value: Any, ksize: Any, strides: Any, padding: Any, data_format: str | None, name: str | None
) -> Tensor:
    def compute(tensor: Tensor) -> Tensor:
        result: Tensor = getattr(tensor.graph.b, op)(
            tensor,
            pool_size=spatial(ksize, "ksize", 2, data_format),
            strides=spatial(strides, "strides", 2, data_format),
            name=name,
            **padding_of(padding, data_format),
        )
        return result

    return with_channels_last(value, data_format, compute)


def max_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The largest value of each window of [N, H, W, C]; ksize and strides [1, h, w, 1] or [h, w]."""
    given = value if value is not None else input
    return _pool2d("max_pool2d", given, ksize, strides, padding, data_format, name)


def avg_pool(
    value: Any = None,
    ksize: Any = None,
    strides: Any = None,
    padding: Any = "VALID",
    data_format: str = "NHWC",
    name: str | None = None,
    input: Any = None,
) -> Tensor:
    """The mean of each window of [N, H, W, C], padding not counted."""
    given = value if value is not None else input
    return _pool2d("average_pool2d", given, ksize, strides, padding, data_format, name)


def max_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """`max_pool` by its later name."""
    return _pool2d("max_pool2d", input, ksize, strides, padding, data_format, name)


def avg_pool2d(
    input: Any, ksize: Any, strides: Any, padding: Any, data_format: str = "NHWC", name: str | None = None
) -> Tensor:
    """`avg_pool` by its later name."""
    return _pool2d("average_pool2d", input, ksize, strides, padding, data_format, name)


def _pool1d(
    op: str, input: Any, ksize: Any, strides: Any, padding: str, data_format: str, name: str | None
) -> Tensor:
    (size,) = spatial(ksize, "ksize", 1, data_format)
    (step,) = spatial(strides, "strides", 1, data_format)

    def compute(tensor: Tensor) -> Tensor:
        b = tensor.graph.b
        with tensor.graph.name_scope(name or op.replace("2d", "1d")):
            flat = b.expand_dims(tensor, axis=1)
            made = getattr(b, op)(flat, pool_size=(1, size), strides=(1, step), padding=padding)
            squeezed: Tensor = b.squeeze(made, axes=(1,))
        return squeezed

    return with_channels_last(input, data_format, compute, 1)


def max_pool1d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """The largest value of each window of [N, W, C]."""
    return _pool1d("max_pool2d", input, ksize, strides, padding, data_format, name)


def avg_pool1d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NWC", name: str | None = None
) -> Tensor:
    """The mean of each window of [N, W, C], padding not counted."""
    return _pool1d("average_pool2d", input, ksize, strides, padding, data_format, name)


def _pool3d(
    op: str, input: Any, ksize: Any, strides: Any, padding: str, data_format: str, name: str | None
) -> Tensor:
    """Windows over height and width first, then over the depth: of a mean the counts of both are their product."""
    size, step = spatial(ksize, "ksize", 3, data_format), spatial(strides, "strides", 3, data_format)

    def compute(tensor: Tensor) -> Tensor:
        b = tensor.graph.b
        with tensor.graph.name_scope(name or op.replace("2d", "3d")):
            flat, unfolded = folded(tensor, 2)
            flat = getattr(b, op)(flat, pool_size=size[1:], strides=step[1:], padding=padding)
            whole = unfolded(flat)
            # [N, H, W, D, C], of which the pixels take the place of the batch.
            turned, apart = folded(b.transpose(whole, permutation=(0, 2, 3, 1, 4)), 3)
            turned = b.squeeze(
                getattr(b, op)(
                    b.expand_dims(turned, axis=1),
                    pool_size=(1, size[0]),
                    strides=(1, step[0]),
                    padding=padding,
                ),
                axes=(1,),
            )
            result: Tensor = b.transpose(apart(turned), permutation=(0, 3, 1, 2, 4))
        return result

    return with_channels_last(input, data_format, compute, 3)


def max_pool3d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """The largest value of each window of [N, D, H, W, C]."""
    return _pool3d("max_pool2d", input, ksize, strides, padding, data_format, name)


def avg_pool3d(
    input: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NDHWC", name: str | None = None
) -> Tensor:
    """The mean of each window of [N, D, H, W, C], padding not counted."""
    return _pool3d("average_pool2d", input, ksize, strides, padding, data_format, name)


def pool(
    input: Any,
    window_shape: Any,
    pooling_type: str,
    padding: str,
    dilation_rate: Any = None,
    strides: Any = None,
    name: str | None = None,
    data_format: str | None = None,
    dilations: Any = None,
) -> Tensor:
    """Pooling over as many axes as `window_shape` has, 1 to 3; `pooling_type` is "MAX" or "AVG".

    Raises:
        ValueError: the type is neither, or the elements of a window are not next to each other.
    """
    size = tuple(int(n) for n in np.atleast_1d(window_shape))
    apart = dilation_rate if dilation_rate is not None else dilations
    if apart is not None and any(int(d) != 1 for d in np.atleast_1d(apart)):
        raise ValueError(
            f"pool: dilation_rate={apart}: windows have their elements next to each other, use 1"
        )
    functions = {
        "MAX": (max_pool1d, max_pool2d, max_pool3d),
        "AVG": (avg_pool1d, avg_pool2d, avg_pool3d),
    }
    if pooling_type not in functions or not 1 <= len(size) <= 3:
        raise ValueError(
            f"pool: pooling_type={pooling_type!r} with a window of {len(size)} axes: expected 'MAX' or 'AVG', 1 to 3"
        )
    steps = 1 if strides is None else strides
    layout = data_format or ("NWC", "NHWC", "NDHWC")[len(size) - 1]
    return functions[pooling_type][len(size) - 1](input, size, steps, padding, layout, name)


def max_pool_with_argmax(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str = "NHWC",
    Targmax: Any = int64,
    name: str | None = None,
    output_dtype: Any = None,
    include_batch_in_index: bool = False,
) -> tuple[Tensor, Tensor]:
    """The largest value of each window, and where it is: (y * width + x) * channels + channel.

    Args:
        input: [N, H, W, C], its height, width and channels known.
        ksize: [1, h, w, 1] or [h, w].
        strides: the same.
        padding: "SAME" or "VALID".
        data_format: "NHWC".
        Targmax: int32 or int64, of the places.
        name: the name scope.
        output_dtype: Targmax by its later name.
        include_batch_in_index: whether a place counts from the first image on, not from its own.

    Raises:
        ValueError: a size is not known, or the format is not NHWC.
    """
    if data_format != "NHWC":
        raise ValueError(
            f"max_pool_with_argmax: data_format={data_format!r}: use 'NHWC', places are of that order"
        )
    tensor = convert_to_tensor(input)
    size, step = spatial(ksize, "ksize"), spatial(strides, "strides")
    _, height, width, channels = tensor.get_shape()
    if not isinstance(channels, int):
        raise ValueError(f"max_pool_with_argmax: the channels of {tensor.name} are not known")
    top, bottom, rows = along(
        padding, height, size[0], step[0], 1, "the height of max_pool_with_argmax's input"
    )
    left, right, columns = along(
        padding, width, size[1], step[1], 1, "the width of max_pool_with_argmax's input"
    )
    b = tensor.graph.b
    with tensor.graph.name_scope(name or "MaxPoolWithArgmax"):
        largest = max_pool(tensor, size, step, padding)
        held = b.pad(b.stop_gradient(tensor), paddings=(0, 0, top, bottom, left, right, 0, 0), value=-np.inf)
        taps = [
            every(held, [1, 2], [ky, kx], step, [rows, columns])
            for ky in range(size[0])
            for kx in range(size[1])
        ]
        chosen = b.argmax(b.stack(taps, axis=0), axis=0, output_type=int32)
        row = b.floor_divide(chosen, np.int32(size[1]))
        column = b.floor_mod(chosen, np.int32(size[1]))
        y = b.add(row, (np.arange(rows, dtype=np.int32) * step[0] - top).reshape(-1, 1, 1))
        x = b.add(column, (np.arange(columns, dtype=np.int32) * step[1] - left).reshape(-1, 1))
        kind = as_dtype(output_dtype if output_dtype is not None else Targmax)
        place = b.cast(b.add(b.multiply(y, np.int32(width)), x), dtype=kind)
        place = b.add(b.multiply(place, b.like(channels, place)), np.arange(channels, dtype=kind.numpy))
        if include_batch_in_index:
            count = b.shape(tensor, output_type=kind)[0]
            images = b.reshape(
                b.range(b.like(0, place), count, b.like(1, place)), np.asarray([-1, 1, 1, 1], np.int32)
            )
            place = b.add(place, b.multiply(images, b.like(height * width * channels, place)))
    return largest, place


__all__ = [
    "avg_pool",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "max_pool",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_pool_with_argmax",
    "pool",
]
