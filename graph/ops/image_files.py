"""Ops that read and write images in the formats of files; they run in Python, by the package Pillow."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from samara.errors import GraphError, InvalidArgumentError
from samara.graph.dims import Dim
from samara.graph.ops._table import OPS, Choice, OpDef, attribute

FRAMES = Choice(name="ImageFrames", values=("one", "all", "all_of_gif"))
IMAGE_FORMAT = Choice(name="ImageFormat", values=("png", "jpeg"))

_NONE: Any = {
    "device": "none",
    "why_not": "a device reads no files. Make the image the input.",
    "any_rank": True,
    "texts": True,
}
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def _pillow() -> Any:
    """The module PIL.Image, imported when it is first used."""
    try:
        from PIL import Image
    except ImportError as error:
        raise GraphError(
            f"images are read and written by the package pillow ({error}): pip install 'samara[images]'"
        ) from None
    return Image


def _opened(contents: bytes, formats: Any) -> Any:
    pillow = _pillow()
    try:
        return pillow.open(io.BytesIO(contents), formats=formats)
    except (OSError, ValueError, SyntaxError) as error:
        expected = " or ".join(f.upper() for f in formats)
        raise InvalidArgumentError(
            f"decode_image: {len(contents)} bytes that are no {expected}: {error}"
        ) from None


def _pixels(frame: Any, channels: int) -> Any:
    """[height, width, channels] of a frame; its own channels when there are 0."""
    if frame.mode.startswith("I"):
        # Of 16 bits the upper 8.
        frame = _pillow().fromarray((np.asarray(frame).astype(np.int64) >> 8).astype(np.uint8))
    count = channels or {"1": 1, "L": 1, "LA": 2, "RGBA": 4}.get(frame.mode, 3)
    if not channels and frame.mode == "P" and "transparency" in frame.info:
        count = 4
    if frame.mode != _MODES[count]:
        frame = frame.convert(_MODES[count])
    pixels = np.array(frame, dtype=np.uint8)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _decode(xp: Any, op: Any, contents: Any) -> Any:
    a = op.a
    image = _opened(contents.item(), a.formats)
    try:
        every = a.frames == "all" or (a.frames == "all_of_gif" and image.format == "GIF")
        if not every:
            if getattr(image, "n_frames", 1) > 1:
                raise InvalidArgumentError(
                    f"decode_image: the image has {image.n_frames} frames: decode_gif gives them"
                )
            if image.format == "JPEG" and a.channels == 1:
                image.draft("L", image.size)
            return _pixels(image, a.channels)
        found = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(_pixels(image, 3))
        return np.stack(found)
    except (OSError, SyntaxError) as error:
        raise InvalidArgumentError(f"decode_image: a damaged {image.format}: {error}") from None


def _decoded_shape(op: Any) -> Any:
    a = op.a
    if op.shapes[0] not in (None, ()):
        op.fail("contents must be a scalar: use map_fn for several images")
    if a.channels not in (0, *_MODES) or a.channels == 2:
        op.fail(f"channels is {a.channels}, expected 0 (as in the file), 1, 3 or 4")
    if a.frames == "all_of_gif":
        return None
    return (Dim(), Dim(), Dim(), 3) if a.frames == "all" else (Dim(), Dim(), a.channels or Dim())


def _encode(xp: Any, op: Any, image: Any) -> Any:
    a = op.a
    channels = image.shape[2] if image.ndim == 3 else 0
    allowed = (1, 3) if a.format == "jpeg" else (1, 2, 3, 4)
    if channels not in allowed or 0 in image.shape:
        raise InvalidArgumentError(
            f"encode_image: an image of shape {list(image.shape)}, expected [height, width, channels] with "
            f"{' or '.join(map(str, allowed))} channels"
        )
    made = _pillow().fromarray(image[:, :, 0] if channels == 1 else image)
    file = io.BytesIO()
    if a.format == "png":
        made.save(file, "PNG", compress_level=6 if a.compression < 0 else a.compression)
    else:
        made.save(
            file,
            "JPEG",
            quality=a.quality,
            progressive=a.progressive,
            optimize=a.optimize,
            subsampling=2 if a.subsampling else 0,
            dpi=tuple(a.density),
        )
    return np.asarray(file.getvalue(), dtype=object)


def _encoded_shape(op: Any) -> Any:
    if op.shapes[0] is not None and len(op.shapes[0]) != 3:
        op.fail(f"image must have rank 3, not {len(op.shapes[0])}")
    if not -1 <= op.a.compression <= 9 or not 0 <= op.a.quality <= 100:
        op.fail(f"compression {op.a.compression} is outside -1..9, or quality {op.a.quality} outside 0..100")
    return ()


OPS.register(
    OpDef(
        name="decode_image",
        opcode=561,
        inputs=("contents: string",),
        outputs=("image: uint8",),
        attributes=(
            attribute(
                "channels", "int", 0, "1 for gray, 3 for red, green and blue, 4 with opacity; 0: the file's."
            ),
            attribute("frames", FRAMES, "one", "Whether the first axis is that of frames."),
            attribute("formats", "python", ("png", "jpeg", "gif"), "What the bytes may be."),
        ),
        doc="The pixels [height, width, channels] that the bytes of an image file say, by Pillow.",
        shape=_decoded_shape,
        reference=_decode,
        **_NONE,
    ),
    OpDef(
        name="encode_image",
        opcode=562,
        inputs=("image: uint8",),
        outputs=("contents: string",),
        attributes=(
            attribute("format", IMAGE_FORMAT, doc="Of the file."),
            attribute("compression", "int", -1, "Of a PNG: from 0, large and quick, to 9; -1 is a good one."),
            attribute("quality", "int", 95, "Of a JPEG, from 0 to 100."),
            attribute("progressive", "bool", False, "Whether a JPEG gets clearer while it comes."),
            attribute("optimize", "bool", False, "Whether a JPEG is made smaller at the cost of time."),
            attribute("subsampling", "bool", True, "Whether a JPEG has colors at half the resolution."),
            attribute("density", "ints", (300, 300), "Pixels per inch of a JPEG, across and down."),
        ),
        doc="The bytes of an image file with the pixels [height, width, channels], by Pillow.",
        shape=_encoded_shape,
        reference=_encode,
        **_NONE,
    ),
)
