"""Images in the formats of files, against files that are written and read byte by byte here."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.programs._run import run, run_on_both

pytest.importorskip("PIL")
Array = np.ndarray[Any, Any]
RNG = np.random.default_rng(5)
COLOR = {1: 0, 2: 4, 3: 2, 4: 6}


def png(pixels: Array, bits: int = 8) -> bytes:
    """A PNG, rows unfiltered; ISO/IEC 15948."""
    height, width, channels = pixels.shape

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, bits, COLOR[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else "u1").tobytes() for row in pixels)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def pixels_of(content: bytes) -> Array:
    """The pixels of a PNG of 8 bits, not interlaced."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, head = 8, b"", b""
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        head, data = (body if kind == b"IHDR" else head), (data + body if kind == b"IDAT" else data)
        at += size + 12
    width, height, bits, color = struct.unpack_from(">IIBB", head)
    assert bits == 8
    count = {v: k for k, v in COLOR.items()}[color]
    raw = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + width * count)
    found = np.zeros((height + 1, count + width * count), np.int64)
    for row in range(height):
        kind = raw[row, 0]
        for i in range(width * count):
            k = i + count
            a, b, c = found[row + 1, k - count], found[row, k], found[row, k - count]
            p = a + b - c
            paeth = min((a, b, c), key=lambda v: (abs(p - v),))
            guess = (0, a, b, (a + b) // 2, paeth)[kind]
            found[row + 1, k] = (int(raw[row, 1 + i]) + guess) & 255
    return found[1:, count:].reshape(height, width, count).astype(np.uint8)


def smooth(height: int, width: int, channels: int) -> Array:
    y, x = np.mgrid[:height, :width]
    planes = [127 + 120 * np.sin(x / (5 + c) + c) * np.cos(y / 7) for c in range(channels)]
    return np.stack(planes, 2).astype(np.uint8)


def test_png_is_read() -> None:
    contents = tf.placeholder(tf.string, [])
    as_is, gray, colors, opaque = (tf.image.decode_png(contents, channels=c) for c in (0, 1, 3, 4))
    assert colors.get_shape().as_list() == [None, None, 3]
    for channels in COLOR:
        image = RNG.integers(0, 256, (4, 5, channels)).astype(np.uint8)
        found = run_on_both([as_is, gray, colors, opaque], {contents: png(image)})
        np.testing.assert_array_equal(found[0], image)
        assert [f.shape[2] for f in found[1:]] == [1, 3, 4]
        plain = image[:, :, :1] if channels < 3 else image[:, :, :3]
        np.testing.assert_array_equal(found[2], np.broadcast_to(plain, (4, 5, 3)))
        np.testing.assert_array_equal(found[3][:, :, 3:], image[:, :, -1:] if channels in (2, 4) else 255)
        luma = np.broadcast_to(plain, (4, 5, 3)) @ [0.299, 0.587, 0.114]
        np.testing.assert_allclose(found[1][:, :, 0], luma, atol=1)
    deep = RNG.integers(0, 65536, (3, 2, 1))
    np.testing.assert_array_equal(run(as_is, {contents: png(deep, 16)}), deep >> 8)


def test_png_is_written() -> None:
    for channels in COLOR:
        image = np.concatenate([RNG.integers(0, 256, (3, 40, channels)), smooth(30, 40, channels)]).astype(
            np.uint8
        )
        small, large = run_on_both([tf.image.encode_png(image), tf.image.encode_png(image, compression=0)])
        np.testing.assert_array_equal(pixels_of(small), image)
        np.testing.assert_array_equal(pixels_of(large), image)
        assert len(large) > len(small)


def test_jpeg_there_and_back() -> None:
    image = smooth(40, 56, 3)
    coded = tf.image.encode_jpeg(image, quality=95)
    rough = tf.image.encode_jpeg(image, quality=20, progressive=True, optimize_size=True)
    fine = tf.image.encode_jpeg(
        image, format="rgb", chroma_downsampling=False, density_unit="cm", x_density=100
    )
    plain = tf.image.encode_jpeg(image[:, :, :1], format="grayscale")
    fetches = [
        tf.image.decode_jpeg(coded),
        tf.image.decode_jpeg(fine),
        tf.image.decode_jpeg(rough),
        tf.image.decode_jpeg(plain),
        tf.image.decode_jpeg(coded, channels=1),
        tf.image.decode_and_crop_jpeg(coded, [8, 16, 10, 20]),
    ]
    found = run_on_both(fetches)
    wrong = [np.abs(f.astype(int) - image).mean() for f in found[:3]]
    assert wrong[1] < wrong[0] < 3
    assert wrong[0] < wrong[2] < 12
    assert np.abs(found[3].astype(int) - image[:, :, :1]).mean() < 2
    np.testing.assert_allclose(found[4][:, :, 0], found[0] @ [0.299, 0.587, 0.114], atol=2)
    np.testing.assert_array_equal(found[5], found[0][8:18, 16:36])
    sizes, marks = run_on_both(
        [
            tf.image.extract_jpeg_shape(coded),
            [tf.image.is_jpeg(t) for t in (coded, png(image), "", b"\xff\xd8")],
        ]
    )
    assert (sizes.tolist(), [bool(m) for m in marks]) == ([40, 56, 3], [True, False, False, False])
    first, second = run([coded, fine])
    assert first[:3] == b"\xff\xd8\xff"
    # The density in the JFIF header.
    assert struct.unpack_from(">BHH", second, 13) == (1, 254, 762)


def test_any_format() -> None:
    from PIL import Image

    shown = RNG.integers(0, 4, (2, 3, 5)).astype(np.uint8)
    palette = RNG.integers(0, 256, (4, 3)).astype(np.uint8)
    frames = []
    for part in shown:
        frame = Image.new("P", (5, 3))
        frame.putdata(part.reshape(-1).tolist())
        frame.putpalette(palette.reshape(-1).tolist())
        frames.append(frame)
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    still = io.BytesIO()
    frames[0].save(still, "GIF")
    colors = RNG.integers(0, 256, (2, 3, 3)).astype(np.uint8)
    rows = b"".join(row[:, ::-1].tobytes() + b"\0" * 3 for row in colors[::-1])
    bmp = b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54)
    bmp += struct.pack("<IiiHHIIiiII", 40, 3, 2, 1, 24, 0, len(rows), 0, 0, 0, 0) + rows
    contents = tf.placeholder(tf.string)
    any_, floating = tf.image.decode_image(contents), tf.image.decode_image(contents, 3, tf.float32)
    assert any_.get_shape().ndims is None
    np.testing.assert_array_equal(run(any_, {contents: file.getvalue()}), palette[shown])
    np.testing.assert_array_equal(
        run(tf.image.decode_gif(contents), {contents: file.getvalue()}), palette[shown]
    )
    np.testing.assert_array_equal(
        run(tf.image.decode_png(contents, 3), {contents: still.getvalue()}), palette[shown[0]]
    )
    np.testing.assert_array_equal(run(tf.image.decode_bmp(contents), {contents: bmp}), colors)
    np.testing.assert_allclose(run(floating, {contents: png(colors)}), colors / 255, rtol=1e-6)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="has 2 frames"):
        session.run(tf.image.decode_png(contents), {contents: file.getvalue()})


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = tf.placeholder(tf.string, [])
    image = tf.image.decode_jpeg(contents)
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="4 bytes that are no PNG or JPEG or GIF"):
            session.run(image, {contents: "text"})
        whole = session.run(tf.image.encode_jpeg(smooth(40, 40, 3)))
        with pytest.raises(tf.errors.InvalidArgumentError, match="a damaged JPEG"):
            session.run(image, {contents: whole[: len(whole) // 2]})
        pair = tf.placeholder(tf.uint8, [None, None, None])
        with pytest.raises(tf.errors.InvalidArgumentError, match="with 1 or 3 channels"):
            session.run(tf.image.encode_jpeg(pair), {pair: np.zeros((2, 2, 4), np.uint8)})
        monkeypatch.setitem(sys.modules, "PIL", None)
        with pytest.raises(tf.GraphError, match=r"pip install 'samara\[images\]'"):
            session.run(image, {contents: whole})
    with pytest.raises(tf.ShapeError, match="channels is 2"):
        tf.image.decode_png(contents, channels=2)
    with pytest.raises(tf.ShapeError, match="must be a scalar: use map_fn"):
        tf.image.decode_png(["a", "b"])
    with pytest.raises(tf.ShapeError, match="must have rank 3"):
        tf.image.encode_png(np.zeros((2, 2), np.uint8))
    with pytest.raises(tf.ShapeError, match="quality 101 outside"):
        tf.image.encode_jpeg(np.zeros((2, 2, 3), np.uint8), quality=101)
    with pytest.raises(TypeError, match="only uint8"):
        tf.image.decode_png(contents, dtype=tf.int32)
    with pytest.raises(ValueError, match="ratio=2"):
        tf.image.decode_jpeg(contents, ratio=2)
    with pytest.raises(ValueError, match="format is 'cmyk'"):
        tf.image.encode_jpeg(np.zeros((2, 2, 3), np.uint8), format="cmyk")
    with pytest.raises(ValueError, match="xmp_metadata='x'"):
        tf.image.encode_jpeg(np.zeros((2, 2, 3), np.uint8), xmp_metadata="x")


def test_a_program_that_reads_files_says_what_to_export(tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        path.write_bytes(png(np.full((4, 4, 1), 60 * number, np.uint8)))
        paths.append(str(path))
    names = tf.placeholder(tf.string, [None])
    images = tf.map_fn(lambda n: tf.image.decode_png(tf.read_file(n), channels=1), names, dtype=tf.uint8)
    images.set_shape([None, 4, 4, 1])
    floating = tf.cast(images, tf.float32) / 255.0
    means = tf.reduce_mean(floating, axis=[1, 2, 3])
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(means, {names: paths}), [0, 60 / 255, 120 / 255], rtol=1e-6)
        one = tf.image.decode_png(tf.read_file(names[0]), channels=1)
        one.set_shape([4, 4, 1])
        y = tf.cast(one, tf.float32) * 2.0
        with pytest.raises(tf.ExportError, match="a device reads no files"):
            tf.export_model({"y": y}, tmp_path / "m.smr", inputs={"names": names}, session=session)
        tf.export_model(
            {"y": means},
            tmp_path / "m.smr",
            inputs={"x": floating},
            shapes={"x": [1, 4, 4, 1]},
            session=session,
        )
