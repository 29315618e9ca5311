"""Images, [batch, height, width, channels] or [height, width, channels]: `tf.image`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import as_dtype, float32
from samara.graph.graph import Tensor
from samara.graph.image_files import (
    decode_and_crop_jpeg,
    decode_bmp,
    decode_gif,
    decode_image,
    decode_jpeg,
    decode_png,
    encode_jpeg,
    encode_png,
    extract_jpeg_shape,
    is_jpeg,
)


class ResizeMethod:
    """How `resize_images` computes pixels."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


def _seed(seed: int | None) -> int:
    return -1 if seed is None else seed


def _batch(images: Any) -> tuple[Tensor, bool]:
    x = convert_to_tensor(images)
    if x.shape is None or len(x.shape) not in (3, 4):
        raise ShapeError(
            f"{x.name}: images have rank 3 or 4, not {None if x.shape is None else len(x.shape)}"
        )
    return (x.graph.b.expand_dims(x, axis=0), True) if len(x.shape) == 3 else (x, False)


def _height_width(size: Any) -> tuple[Any, Any]:
    if hasattr(size, "as_graph_tensor"):
        tensor = size.as_graph_tensor()
        return tensor[0], tensor[1]
    height, width = size
    return height, width


def _floating(x: Tensor) -> Tensor:
    made: Tensor = x if x.dtype.is_floating else x.graph.b.cast(x, dtype=float32)
    return made


def _resampled(x: Tensor, size: Any, **attributes: Any) -> Tensor:
    b = x.graph.b
    for axis, count in zip((1, 2), _height_width(size), strict=True):
        held = b.cast(count, dtype="int32") if hasattr(count, "as_graph_tensor") else np.int32(count)
        number = b.reshape(held, np.asarray([1], np.int32))
        x = b.resample(x, number, axis=axis, **attributes)
    return x


def _coordinates(align_corners: bool, half_pixel_centers: bool) -> str:
    if align_corners and half_pixel_centers:
        raise ValueError("align_corners and half_pixel_centers exclude each other")
    return "align_corners" if align_corners else "half_pixel" if half_pixel_centers else "asymmetric"


def resize_bilinear(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """Images of another size, each pixel made of the four nearest; the result is floating-point."""
    x, single = _batch(images)
    made = _resampled(
        _floating(x), size, mode="linear", coordinates=_coordinates(align_corners, half_pixel_centers)
    )
    return _named(made, single, name)


def resize_nearest_neighbor(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """Images of another size, each pixel the one at its place."""
    x, single = _batch(images)
    kind = _coordinates(align_corners, half_pixel_centers)
    kind = "tf_half_pixel_for_nn" if kind == "half_pixel" else kind
    rounding = "round_prefer_ceil" if align_corners else "floor"
    made = _resampled(x, size, mode="nearest", coordinates=kind, rounding=rounding)
    return _named(made, single, name)


def resize_bicubic(
    images: Any,
    size: Any,
    align_corners: bool = False,
    name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:
    """Images of another size, each pixel made of sixteen by Keys's cubics; the result is floating-point."""
    x, single = _batch(images)
    made = _resampled(
        _floating(x),
        size,
        mode="cubic",
        coordinates=_coordinates(align_corners, half_pixel_centers),
        cubic_a=-0.5 if half_pixel_centers else -0.75,
        exclude_outside=half_pixel_centers,
    )
    return _named(made, single, name)


def resize_area(images: Any, size: Any, align_corners: bool = False, name: str | None = None) -> Tensor:
    """Images of another size, each pixel the mean of the area that it covers; sizes must be known.

    Raises:
        ShapeError: a size is not known.
        ValueError: `align_corners` is asked for.
    """
    if align_corners:
        raise ValueError("resize_area: areas have no corners to be aligned: leave align_corners out")
    x, single = _batch(images)
    x = _floating(x)
    b = x.graph.b
    for axis, count in zip((1, 2), _height_width(size), strict=True):
        held = x.shape[axis] if x.shape is not None else None
        if not isinstance(held, int) or not isinstance(count, (int, np.integer)):
            raise ShapeError(f"resize_area: the sizes of {x.name} and of the result must be known")
        weights = _covered(int(held), int(count)).astype(x.dtype.numpy)
        if axis == 1:
            turned = b.transpose(x, permutation=(0, 2, 3, 1))
            x = b.transpose(b.matmul(turned, weights), permutation=(0, 3, 1, 2))
        else:
            turned = b.transpose(x, permutation=(0, 1, 3, 2))
            x = b.transpose(b.matmul(turned, weights), permutation=(0, 1, 3, 2))
    return _named(x, single, name)


def _covered(held: int, count: int) -> Any:
    """What part of each new pixel each old one is: [old, new]."""
    scale = held / count
    weights = np.zeros((held, count))
    for new in range(count):
        begin, end = new * scale, (new + 1) * scale
        for old in range(math.floor(begin), min(held, math.ceil(end))):
            weights[old, new] = min(end, old + 1) - max(begin, old)
    return weights / np.maximum(weights.sum(axis=0, keepdims=True), 1e-30)


def resize_images(
    images: Any,
    size: Any,
    method: int = ResizeMethod.BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Tensor:
    """Images of another size, by one of the methods of `ResizeMethod`; the same images when they have that size.

    Raises:
        ShapeError: the aspect ratio is to be kept and the sizes are not known.
        ValueError: the method is none of them.
    """
    x = convert_to_tensor(images)
    shape = x.shape or ()
    if not hasattr(size, "as_graph_tensor") and len(shape) in (3, 4):
        height, width = (int(n) for n in size)
        held = tuple(shape[-3:-1])
        if preserve_aspect_ratio:
            sizes = [n for n in held if isinstance(n, int)]
            if len(sizes) != 2:
                raise ShapeError(
                    f"resize_images: the size of {x.name} must be known to keep its aspect ratio"
                )
            scale = min(height / sizes[0], width / sizes[1])
            height, width = (max(1, round(n * scale)) for n in sizes)
            size = [height, width]
        if held == (height, width):
            return x
    elif preserve_aspect_ratio:
        raise ShapeError("resize_images: sizes must be known to keep the aspect ratio")
    functions = {0: resize_bilinear, 1: resize_nearest_neighbor, 2: resize_bicubic, 3: resize_area}
    if method not in functions:
        raise ValueError(f"resize_images: method {method!r}, expected one of ResizeMethod's")
    return functions[method](x, size, align_corners, name)


def _named(x: Tensor, single: bool, name: str | None) -> Tensor:
    b = x.graph.b
    made: Tensor = b.squeeze(x, axes=(0,), name=name) if single else b.identity(x, name=name)
    return made


def _turned(image: Any, axis: int) -> Tensor:
    x, single = _batch(image)
    b = x.graph.b
    keys = [slice(None)] * 4
    keys[axis] = slice(None, None, -1)
    made: Tensor = x[tuple(keys)]
    return b.squeeze(made, axes=(0,)) if single else made


def flip_left_right(image: Any) -> Tensor:
    """Images mirrored, left to right."""
    return _turned(image, 2)


def flip_up_down(image: Any) -> Tensor:
    """Images upside down."""
    return _turned(image, 1)


def transpose_image(image: Any) -> Tensor:
    """Images with rows and columns swapped."""
    x, single = _batch(image)
    b = x.graph.b
    return _named(b.transpose(x, permutation=(0, 2, 1, 3)), single, None)


def rot90(image: Any, k: int = 1, name: str | None = None) -> Tensor:
    """Images turned k times by 90 degrees, against the clock."""
    made = convert_to_tensor(image)
    for _ in range(k % 4):
        made = flip_up_down(transpose_image(made))
    named: Tensor = made.graph.b.identity(made, name=name)
    return named


def _by_chance(image: Any, seed: int | None, turned: Any) -> Tensor:
    x = convert_to_tensor(image)
    b = x.graph.b
    lead = [] if len(x.shape or ()) == 3 else [b.shape(x)[0], 1, 1, 1]
    shape = b.stack(lead, axis=0) if lead else np.zeros(0, np.int32)
    draw = b.random_uniform(shape, seed=_seed(seed))
    made: Tensor = b.where(b.less(draw, b.like(0.5, draw)), turned, x)
    return made


def random_flip_left_right(image: Any, seed: int | None = None) -> Tensor:
    """Images of which each is mirrored or not, by chance."""
    return _by_chance(image, seed, flip_left_right(image))


def random_flip_up_down(image: Any, seed: int | None = None) -> Tensor:
    """Images of which each is upside down or not, by chance."""
    return _by_chance(image, seed, flip_up_down(image))


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """Images of another element type: floating-point values from 0 to 1, integers from 0 to their largest."""
    x, kind = convert_to_tensor(image), as_dtype(dtype)
    b = x.graph.b
    if x.dtype is kind:
        made: Tensor = b.identity(x, name=name)
        return made
    if x.dtype.is_floating and kind.is_floating:
        made = b.cast(x, dtype=kind, name=name)
        return made
    if x.dtype.is_floating:
        scaled = b.multiply(x, b.like(np.iinfo(kind.numpy).max + 0.5, x))
        made = b.cast(scaled, dtype=kind, name=name)
        return made
    most = np.iinfo(x.dtype.numpy).max
    if kind.is_floating:
        made = b.multiply(b.cast(x, dtype=kind), b.constant(np.asarray(1 / most, kind.numpy)), name=name)
        return made
    limit = np.iinfo(kind.numpy).max
    if most > limit:
        divisor = (most + 1) // (limit + 1)
        made = b.cast(b.truncate_divide(x, b.like(divisor, x)), dtype=kind, name=name)
        return made
    made = b.multiply(
        b.cast(x, dtype=kind), b.constant(np.asarray((limit + 1) // (most + 1), kind.numpy)), name=name
    )
    return made


def _as_float(image: Any, change: Any) -> Tensor:
    """Computes in floating-point from 0 to 1 and goes back to the image's element type."""
    x = convert_to_tensor(image)
    if x.dtype.is_floating:
        made: Tensor = change(x)
        return made
    return convert_image_dtype(change(convert_image_dtype(x, float32)), x.dtype)


def _number(x: Tensor, value: Any) -> Any:
    """A number, or a scalar of the graph, of the element type of x."""
    b = x.graph.b
    return b.cast(value, dtype=x.dtype) if hasattr(value, "as_graph_tensor") else b.like(value, x)


def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """Images with `delta` added; that of integers counts 1 as their largest value."""
    return _as_float(image, lambda x: x.graph.b.add(x, _number(x, delta)))


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """Images whose distances from each channel's mean are multiplied."""

    def change(x: Tensor) -> Tensor:
        b = x.graph.b
        mean = b.reduce_mean(x, axes=(-3, -2), keepdims=True)
        made: Tensor = b.add(b.multiply(b.subtract(x, mean), _number(x, contrast_factor)), mean)
        return made

    return _as_float(images, change)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """Gain times the images to the power gamma."""
    x = convert_to_tensor(image)
    b = x.graph.b
    made: Tensor = b.multiply(b.constant(gain, x.dtype), b.power(x, b.constant(gamma, x.dtype)))
    return made


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """Images with a number between -max_delta and max_delta added."""
    if max_delta < 0:
        raise ValueError(f"max_delta is {max_delta}, it must not be below 0")
    b = builder(image)
    return adjust_brightness(
        image,
        b.random_uniform(np.zeros(0, np.int32), minimum=-max_delta, maximum=max_delta, seed=_seed(seed)),
    )


def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """Images whose contrast is adjusted by a number between lower and upper."""
    if not 0 <= lower < upper:
        raise ValueError(f"lower and upper are {lower} and {upper}: they must be in order, from 0 on")
    b = builder(image)
    return adjust_contrast(
        image,
        b.random_uniform(np.zeros(0, np.int32), minimum=lower, maximum=upper, seed=_seed(seed)),
    )


def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """One channel, 0.2989 red + 0.5870 green + 0.1140 blue."""

    def change(x: Tensor) -> Tensor:
        b = x.graph.b
        weights = b.constant(np.asarray([0.2989, 0.5870, 0.1140], x.dtype.numpy))
        made: Tensor = b.reduce_sum(b.multiply(x, weights), axes=(-1,), keepdims=True, name=name)
        return made

    return _as_float(images, change)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Three equal channels."""
    x = convert_to_tensor(images)
    multiples = [1] * (len(x.shape or ()) - 1) + [3]
    made: Tensor = x.graph.b.tile(x, multiples=multiples, name=name)
    return made


def per_image_standardization(image: Any) -> Tensor:
    """Each image with mean 0 and variance 1; the deviation counts as at least 1 / sqrt(elements)."""
    x = _floating(convert_to_tensor(image))
    b = x.graph.b
    axes = (-3, -2, -1)
    mean = b.reduce_mean(x, axes=axes, keepdims=True)
    variance = b.reduce_mean(b.square(b.subtract(x, mean)), axes=axes, keepdims=True)
    count = b.size_of(x, axes)
    deviation = b.maximum(b.sqrt(variance), b.rsqrt(count))
    made: Tensor = b.divide(b.subtract(x, mean), deviation)
    return made


def pad_to_bounding_box(
    image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int
) -> Tensor:
    """Images put into larger ones of zeros."""
    x, single = _batch(image)
    height, width = _known(x)
    after = (target_height - offset_height - height, target_width - offset_width - width)
    if min(*after, offset_height, offset_width) < 0:
        raise ValueError(
            f"an image of {height} by {width} does not fit into {target_height} by {target_width} there"
        )
    paddings = (0, 0, offset_height, after[0], offset_width, after[1], 0, 0)
    return _named(x.graph.b.pad(x, paddings=paddings), single, None)


def crop_to_bounding_box(
    image: Any, offset_height: int, offset_width: int, target_height: int, target_width: int
) -> Tensor:
    """A part of images."""
    x, single = _batch(image)
    height, width = (n if isinstance(n, int) else None for n in x.get_shape()[1:3])
    for offset, target, held in ((offset_height, target_height, height), (offset_width, target_width, width)):
        if offset < 0 or target < 1 or (held is not None and offset + target > held):
            raise ValueError(f"a part of {target} from {offset} on is not within {held}")
    part = x[:, offset_height : offset_height + target_height, offset_width : offset_width + target_width, :]
    return _named(part, single, None)


def resize_image_with_crop_or_pad(image: Any, target_height: int, target_width: int) -> Tensor:
    """Images of another size: their middle, or they in the middle of zeros."""
    x, single = _batch(image)
    height, width = _known(x)
    made = crop_to_bounding_box(
        x,
        max((height - target_height) // 2, 0),
        max((width - target_width) // 2, 0),
        min(target_height, height),
        min(target_width, width),
    )
    made = pad_to_bounding_box(
        made,
        max((target_height - height) // 2, 0),
        max((target_width - width) // 2, 0),
        target_height,
        target_width,
    )
    return _named(made, single, None)


def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The middle of images, a fraction of their height and width."""
    if not 0 < central_fraction <= 1:
        raise ValueError(f"central_fraction is {central_fraction}, expected above 0, at most 1")
    x, single = _batch(image)
    height, width = _known(x)
    top, left = (int((n - n * central_fraction) / 2) for n in (height, width))
    made = crop_to_bounding_box(x, top, left, height - 2 * top, width - 2 * left)
    return _named(made, single, None)


def _known(x: Tensor) -> tuple[int, int]:
    height, width = x.get_shape()[1:3]
    if not isinstance(height, int) or not isinstance(width, int):
        raise ShapeError(f"{x.name}: the size of the images must be known")
    return int(height), int(width)


def crop_and_resize(
    image: Any,
    boxes: Any,
    box_ind: Any = None,
    crop_size: Any = None,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
    box_indices: Any = None,
) -> Tensor:
    """Parts of images, each brought to one size.

    Args:
        image: [batch, height, width, channels].
        boxes: [boxes, 4], the top, left, bottom and right of each part, as fractions of its last row and column.
        box_ind: of which image each part is.
        crop_size: height and width of the results, numbers.
        method: "bilinear" or "nearest".
        extrapolation_value: what is outside the image.
        name: the operation's.
        box_indices: a newer spelling of box_ind.

    Raises:
        ValueError: the method is none of the two, or there is no crop_size.
    """
    if crop_size is None or method not in ("bilinear", "nearest"):
        raise ValueError("crop_and_resize needs a crop_size, and a method of bilinear or nearest")
    x = _floating(convert_to_tensor(image))
    b = x.graph.b
    places = b.cast(b.constant(boxes), dtype=x.dtype)
    which = b.constant(box_ind if box_ind is not None else box_indices)
    rows = _along(b, x, places, 0, int(crop_size[0]))
    columns = _along(b, x, places, 1, int(crop_size[1]))
    taken = b.gather(x, which, axis=0)
    inside = b.logical_and(_within(b, x, rows, 1, 2), _within(b, x, columns, 2, 1))
    if method == "nearest":
        made = _picked(b, taken, b.round(rows), b.round(columns))
    else:
        top, left = b.floor(rows), b.floor(columns)
        bottom, right = b.ceil(rows), b.ceil(columns)
        down = b.expand_dims(b.expand_dims(b.subtract(rows, top), axis=-1), axis=-1)
        along = b.expand_dims(b.expand_dims(b.subtract(columns, left), axis=1), axis=-1)
        upper = _mixed(b, _picked(b, taken, top, left), _picked(b, taken, top, right), along)
        lower = _mixed(b, _picked(b, taken, bottom, left), _picked(b, taken, bottom, right), along)
        made = _mixed(b, upper, lower, down)
    result: Tensor = b.where(b.expand_dims(inside, axis=-1), made, b.like(extrapolation_value, x), name=name)
    return result


def _along(b: Any, x: Tensor, boxes: Tensor, first: int, count: int) -> Tensor:
    """Where the rows or columns of each part lie: [boxes, count]."""
    last = b.cast(b.subtract(b.shape(x)[1 + first], np.int32(1)), dtype=x.dtype)
    low, high = boxes[:, first : first + 1], boxes[:, first + 2 : first + 3]
    if count == 1:
        made: Tensor = b.multiply(b.multiply(b.add(low, high), b.like(0.5, x)), last)
        return made
    steps = b.constant((np.arange(count) / (count - 1)).astype(x.dtype.numpy))
    made = b.add(b.multiply(low, last), b.multiply(b.multiply(b.subtract(high, low), last), steps))
    return made


def _within(b: Any, x: Tensor, places: Tensor, axis: int, other: int) -> Tensor:
    last = b.cast(b.subtract(b.shape(x)[axis], np.int32(1)), dtype=x.dtype)
    held = b.logical_and(b.greater_equal(places, b.like(0, x)), b.less_equal(places, last))
    made: Tensor = b.expand_dims(held, axis=other)
    return made


def _picked(b: Any, images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The pixels of each image at rows [boxes, h] and columns [boxes, w]."""
    for places, axis in ((rows, 1), (columns, 2)):
        size = b.subtract(b.shape(images)[axis], np.int32(1))
        numbers = b.clip(b.cast(places, dtype="int32"), minimum=0)
        numbers = b.minimum(numbers, size)
        if axis == 1:
            images = b.gather(images, numbers, axis=1, batch_dims=1)
        else:
            turned = b.transpose(images, permutation=(0, 2, 1, 3))
            images = b.transpose(b.gather(turned, numbers, axis=1, batch_dims=1), permutation=(0, 2, 1, 3))
    return images


def _mixed(b: Any, one: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    made: Tensor = b.add(one, b.multiply(b.subtract(other, one), weight))
    return made


def total_variation(images: Any, name: str | None = None) -> Tensor:
    """For each image the sum of the magnitudes of the differences of neighbouring pixels."""
    x = convert_to_tensor(images)
    b = x.graph.b
    down = b.abs(b.subtract(x[..., 1:, :, :], x[..., :-1, :, :]))
    along = b.abs(b.subtract(x[..., :, 1:, :], x[..., :, :-1, :]))
    axes = (-3, -2, -1)
    made: Tensor = b.add(b.reduce_sum(down, axes=axes), b.reduce_sum(along, axes=axes), name=name)
    return made


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """The peak signal-to-noise ratio of two images in decibel: 20 log10(max_val) - 10 log10(mean squared error)."""
    x, y = (convert_image_dtype(v, float32) for v in (a, b))
    made = x.graph.b
    kind = convert_to_tensor(a).dtype
    largest = float(max_val) if kind.is_floating else max_val / np.iinfo(kind.numpy).max
    error = made.reduce_mean(made.squared_difference(x, y), axes=(-3, -2, -1))
    tens = made.divide(made.log(error), made.like(math.log(10), error))
    result: Tensor = made.subtract(
        made.like(20 * math.log10(largest), error), made.multiply(made.like(10, error), tens), name=name
    )
    return result


resize = resize_images
resize_with_crop_or_pad = resize_image_with_crop_or_pad
transpose = transpose_image

__all__ = [
    "ResizeMethod",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "central_crop",
    "convert_image_dtype",
    "crop_and_resize",
    "crop_to_bounding_box",
    "decode_and_crop_jpeg",
    "decode_bmp",
    "decode_gif",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "encode_jpeg",
    "encode_png",
    "extract_jpeg_shape",
    "flip_left_right",
    "flip_up_down",
    "grayscale_to_rgb",
    "is_jpeg",
    "pad_to_bounding_box",
    "per_image_standardization",
    "psnr",
    "random_brightness",
    "random_contrast",
    "random_flip_left_right",
    "random_flip_up_down",
    "resize",
    "resize_area",
    "resize_bicubic",
    "resize_bilinear",
    "resize_image_with_crop_or_pad",
    "resize_images",
    "resize_nearest_neighbor",
    "resize_with_crop_or_pad",
    "rgb_to_grayscale",
    "rot90",
    "total_variation",
    "transpose",
    "transpose_image",
]
