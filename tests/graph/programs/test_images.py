"""Images: `tf.image`, against naive loops in numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import ShapeError
from tests.graph.programs._run import check_gradient, run

GENERATOR = np.random.default_rng(6)
IMAGES = GENERATOR.uniform(0, 1, (2, 5, 4, 3))


def placeholder(shape: Any) -> Any:
    return tf.placeholder(tf.float64, shape)


def scale_of(held: int, count: int, corners: bool) -> float:
    return (held - 1) / (count - 1) if corners and count > 1 else held / count


def bilinear(images: Any, size: Any, corners: bool, half: bool) -> Any:
    """Each pixel between its four neighbours, the image's edge repeated."""
    _, height, width, _ = images.shape
    out = np.zeros((images.shape[0], *size, images.shape[3]))
    for y in range(size[0]):
        for x in range(size[1]):
            places = []
            for at, held, count in ((y, height, size[0]), (x, width, size[1])):
                scale = scale_of(held, count, corners)
                place = max((at + 0.5) * scale - 0.5, 0) if half else at * scale
                low = min(math.floor(place), held - 1)
                places.append((low, min(low + 1, held - 1), place - low))
            (t, b, v), (m, r, u) = places
            top = images[:, t, m] * (1 - u) + images[:, t, r] * u
            bottom = images[:, b, m] * (1 - u) + images[:, b, r] * u
            out[:, y, x] = top * (1 - v) + bottom * v
    return out


def nearest(images: Any, size: Any, corners: bool, half: bool) -> Any:
    _, height, width, _ = images.shape
    picks = []
    for held, count in ((height, size[0]), (width, size[1])):
        scale = scale_of(held, count, corners)
        along = []
        for at in range(count):
            place = (at + 0.5) * scale if half else at * scale
            along.append(min(math.floor(place + 0.5) if corners else math.floor(place), held - 1))
        picks.append(along)
    return images[:, picks[0]][:, :, picks[1]]


def cubic(images: Any, size: Any, corners: bool, half: bool) -> Any:
    """Keys's kernel with a = -0.75 and the edge repeated, or a = -0.5 and only what is inside."""
    a = -0.5 if half else -0.75

    def weight(d: float) -> float:
        d = abs(d)
        if d <= 1:
            return ((a + 2) * d - (a + 3)) * d * d + 1
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a if d < 2 else 0.0

    for axis, count in ((1, size[0]), (2, size[1])):
        held = images.shape[axis]
        matrix = np.zeros((count, held))
        for at in range(count):
            scale = scale_of(held, count, corners)
            place = (at + 0.5) * scale - 0.5 if half else at * scale
            low = math.floor(place)
            for k in range(low - 1, low + 3):
                inside = 0 <= k < held
                if inside or not half:
                    matrix[at, min(max(k, 0), held - 1)] += weight(place - k)
            if half:
                matrix[at] /= matrix[at].sum()
        images = np.moveaxis(np.tensordot(matrix, images, (1, axis)), 0, axis)
    return images


def area(images: Any, size: Any) -> Any:
    fine = images
    for axis, count in ((1, size[0]), (2, size[1])):
        # Each pixel so often that new ones hold whole numbers of them.
        fine = np.repeat(fine, count, axis=axis)
        parts = np.split(fine, count, axis=axis)
        fine = np.concatenate([p.mean(axis=axis, keepdims=True) for p in parts], axis=axis)
    return fine


SIZES = [(7, 9), (3, 2), (5, 4), (1, 8)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("corners", "half"), [(False, False), (True, False), (False, True)])
def test_resizing(size: Any, corners: bool, half: bool) -> None:
    x = placeholder([2, 5, 4, 3])
    arguments = {"align_corners": corners, "half_pixel_centers": half}
    for function, oracle in (
        (tf.image.resize_bilinear, bilinear),
        (tf.image.resize_nearest_neighbor, nearest),
        (tf.image.resize_bicubic, cubic),
    ):
        y = function(x, size, **arguments)
        assert y.get_shape().as_list() == [2, *size, 3]
        np.testing.assert_allclose(run(y, {x: IMAGES}), oracle(IMAGES, size, corners, half), atol=2e-6)
    with pytest.raises(ValueError, match="exclude"):
        tf.image.resize_bilinear(x, size, align_corners=True, half_pixel_centers=True)


def test_resize_images() -> None:
    x = placeholder([5, 4, 3])
    method = tf.image.ResizeMethod
    for kind, oracle in (
        (method.BILINEAR, bilinear(IMAGES[:1], (3, 6), False, False)),
        (method.NEAREST_NEIGHBOR, nearest(IMAGES[:1], (3, 6), False, False)),
        (method.BICUBIC, cubic(IMAGES[:1], (3, 6), False, False)),
        (method.AREA, area(IMAGES[:1], (3, 6))),
    ):
        y = tf.image.resize_images(x, [3, 6], method=kind)
        assert y.get_shape().as_list() == [3, 6, 3]
        np.testing.assert_allclose(run(y, {x: IMAGES[0]}), oracle[0], atol=2e-6)
    check_gradient(tf.square(tf.image.resize_images(x, [3, 6])), x, {x: IMAGES[0]})
    check_gradient(tf.square(tf.image.resize_area(tf.expand_dims(x, 0), [3, 6])), x, {x: IMAGES[0]})
    assert tf.image.resize_images(x, [5, 4]) is x
    assert tf.image.resize_images(x, [10, 6], preserve_aspect_ratio=True).get_shape().as_list() == [8, 6, 3]
    bytes_ = tf.image.resize_images(np.arange(8, dtype=np.uint8).reshape(2, 2, 2), [4, 4])
    assert bytes_.dtype is tf.float32
    size = tf.placeholder(tf.int32, [2])
    moving = tf.image.resize(x, size)
    np.testing.assert_allclose(
        run(moving, {x: IMAGES[0], size: [3, 6]}), bilinear(IMAGES[:1], (3, 6), False, False)[0], atol=2e-6
    )
    with pytest.raises(ValueError, match="method"):
        tf.image.resize_images(x, [3, 3], method=9)
    with pytest.raises(ValueError, match="align_corners"):
        tf.image.resize_area(IMAGES, [3, 3], align_corners=True)
    with pytest.raises(ShapeError, match="rank 3 or 4"):
        tf.image.resize_bilinear(tf.zeros([2, 2]), [3, 3])


def test_turning() -> None:
    x = placeholder([2, 5, 4, 3])
    one = IMAGES[0]
    for function, oracle in (
        (tf.image.flip_left_right, lambda i: i[..., ::-1, :]),
        (tf.image.flip_up_down, lambda i: i[..., ::-1, :, :]),
        (tf.image.transpose_image, lambda i: i.swapaxes(-3, -2)),
        (tf.image.rot90, lambda i: np.rot90(i, 1, axes=(-3, -2))),
    ):
        np.testing.assert_array_equal(run(function(x), {x: IMAGES}), oracle(IMAGES))
        np.testing.assert_array_equal(run(function(one)), oracle(one))
    for k in (2, 3, 4):
        np.testing.assert_array_equal(run(tf.image.rot90(one, k)), np.rot90(one, k))
    for function, oracle in (
        (tf.image.random_flip_left_right, IMAGES[..., ::-1, :]),
        (tf.image.random_flip_up_down, IMAGES[..., ::-1, :, :]),
    ):
        turned = set()
        with tf.Session() as session:
            y = function(x, seed=1)
            for _ in range(20):
                for i, found in enumerate(session.run(y, {x: IMAGES})):
                    assert np.array_equal(found, oracle[i]) or np.array_equal(found, IMAGES[i])
                    turned.add((i, np.array_equal(found, oracle[i])))
        assert len(turned) == 4


def test_colours() -> None:
    x = placeholder([2, 5, 4, 3])
    mean = IMAGES.mean((1, 2), keepdims=True)
    deviation = np.maximum(IMAGES.std((1, 2, 3), keepdims=True), 1 / np.sqrt(60))
    gray = (IMAGES * [0.2989, 0.5870, 0.1140]).sum(-1, keepdims=True)
    for made, expected in (
        (tf.image.adjust_brightness(x, 0.25), IMAGES + 0.25),
        (tf.image.adjust_contrast(x, 2.0), (IMAGES - mean) * 2 + mean),
        (tf.image.adjust_gamma(x, 2.0, 3.0), 3 * IMAGES**2),
        (tf.image.rgb_to_grayscale(x), gray),
        (tf.image.grayscale_to_rgb(x[..., :1]), np.repeat(IMAGES[..., :1], 3, -1)),
        (tf.image.per_image_standardization(x), (IMAGES - IMAGES.mean((1, 2, 3), keepdims=True)) / deviation),
        (
            tf.image.total_variation(x),
            np.abs(np.diff(IMAGES, axis=1)).sum((1, 2, 3)) + np.abs(np.diff(IMAGES, axis=2)).sum((1, 2, 3)),
        ),
    ):
        np.testing.assert_allclose(run(made, {x: IMAGES}), expected)
    small = tf.image.per_image_standardization(x)
    check_gradient(tf.sin(small), x, {x: IMAGES})
    flat = run(tf.image.per_image_standardization(np.ones((2, 2, 1), np.uint8)))
    np.testing.assert_array_equal(flat, np.zeros((2, 2, 1)))
    data = np.array([[[10, 200, 30]]], np.uint8)
    assert run(tf.image.adjust_brightness(data, 0.1)).tolist() == [[[35, 225, 55]]]
    assert run(tf.image.rgb_to_grayscale(data)).tolist() == [
        [[int(0.2989 * 10 + 0.587 * 200 + 0.114 * 30 + 0.5)]]
    ]
    brighter = run(tf.image.random_brightness(x, 0.5) - x, {x: IMAGES})
    assert np.ptp(brighter) < 1e-6
    assert abs(brighter.flat[0]) < 0.5
    contrast = run((tf.image.random_contrast(x, 0.5, 0.9) - mean) / (x - mean), {x: IMAGES})
    assert np.ptp(contrast) < 1e-4
    assert 0.5 <= contrast.flat[0] <= 0.9
    for refuses in (lambda: tf.image.random_brightness(x, -1), lambda: tf.image.random_contrast(x, 2, 1)):
        with pytest.raises(ValueError, match=r"below 0|in order"):
            refuses()
    noisy = np.clip(IMAGES + 0.1, 0, 1)
    expected = 10 * np.log10(1 / np.mean((IMAGES - noisy) ** 2, (1, 2, 3)))
    np.testing.assert_allclose(run(tf.image.psnr(IMAGES, noisy, 1.0)), expected, rtol=1e-5)


def test_element_types() -> None:
    convert = tf.image.convert_image_dtype
    data = np.array([0, 100, 255], np.uint8)
    np.testing.assert_allclose(run(convert(data, tf.float32)), data / 255, rtol=1e-6)
    np.testing.assert_array_equal(run(convert(np.float32([0, 0.5, 1.0]), tf.uint8)), [0, 127, 255])
    np.testing.assert_array_equal(run(convert(data, tf.uint8)), data)
    np.testing.assert_array_equal(run(convert(data, tf.int16)), [0, 100 * 128, 255 * 128])
    np.testing.assert_array_equal(run(convert(np.array([0, 12800], np.int16), tf.uint8)), [0, 100])
    assert run(convert(np.float32([1]), tf.float64)).dtype == np.float64


def test_parts() -> None:
    x = placeholder([2, 5, 4, 3])
    one = IMAGES[0]
    for made, expected in (
        (tf.image.crop_to_bounding_box(x, 1, 2, 3, 2), IMAGES[:, 1:4, 2:4]),
        (tf.image.pad_to_bounding_box(x, 1, 2, 8, 7), np.pad(IMAGES, [(0, 0), (1, 2), (2, 1), (0, 0)])),
        (tf.image.central_crop(x, 0.5), IMAGES[:, 1:4, 1:3]),
        (
            tf.image.resize_image_with_crop_or_pad(x, 3, 7),
            np.pad(IMAGES[:, 1:4], [(0, 0), (0, 0), (1, 2), (0, 0)]),
        ),
        (tf.image.resize_with_crop_or_pad(one, 7, 2), np.pad(one[:, 1:3], [(1, 1), (0, 0), (0, 0)])),
    ):
        np.testing.assert_array_equal(run(made, {x: IMAGES}), expected)
    for refuses in (
        lambda: tf.image.crop_to_bounding_box(x, 3, 0, 3, 2),
        lambda: tf.image.pad_to_bounding_box(x, 0, 0, 4, 4),
        lambda: tf.image.central_crop(x, 0.0),
    ):
        with pytest.raises(ValueError, match=r"within|fit|fraction"):
            refuses()


@pytest.mark.parametrize("method", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", [(3, 4), (1, 2)])
def test_crop_and_resize(method: str, size: Any) -> None:
    boxes = np.array([[0.1, 0.2, 0.7, 0.9], [0.9, 0.0, 0.2, 1.3], [-0.2, 0.1, 0.5, 0.5]])
    which = np.array([1, 0, 1], np.int32)
    expected = np.full((3, *size, 3), 7.0)
    for n, (top, left, bottom, right) in enumerate(boxes):
        for y in range(size[0]):
            for x in range(size[1]):
                places = []
                for at, count, low, high, held in (
                    (y, size[0], top, bottom, 5),
                    (x, size[1], left, right, 4),
                ):
                    if count > 1:
                        places.append(low * (held - 1) + at * (high - low) * (held - 1) / (count - 1))
                    else:
                        places.append(0.5 * (low + high) * (held - 1))
                v, u = places
                if not (0 <= v <= 4 and 0 <= u <= 3):
                    continue
                image = IMAGES[which[n]]
                if method == "nearest":
                    expected[n, y, x] = image[round(v), round(u)]
                else:
                    t, m = math.floor(v), math.floor(u)
                    b, r = math.ceil(v), math.ceil(u)
                    upper = image[t, m] + (image[t, r] - image[t, m]) * (u - m)
                    lower = image[b, m] + (image[b, r] - image[b, m]) * (u - m)
                    expected[n, y, x] = upper + (lower - upper) * (v - t)
    images = placeholder([2, None, None, 3])
    y = tf.image.crop_and_resize(images, boxes, which, size, method=method, extrapolation_value=7)
    np.testing.assert_allclose(run(y, {images: IMAGES}), expected)
    check_gradient(tf.square(y), images, {images: IMAGES})
    with pytest.raises(ValueError, match="crop_and_resize"):
        tf.image.crop_and_resize(images, boxes, which, size, method="cubic")
