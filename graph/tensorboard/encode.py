"""From arrays to serialized `Summary` messages: one function for each summary op of the table.

Each is given the attributes of the op and arrays of numpy, and gives a scalar of the element type string.
"""

from __future__ import annotations

import functools
import io
import wave
from typing import Any

import numpy as np
from PIL import Image
from tensorboard.plugins.text import metadata as text_metadata

from samara.errors import InvalidArgumentError
from samara.graph.tensorboard.messages import HistogramProto, Summary, TensorProto, TensorShapeProto

Array = np.ndarray[Any, Any]

_DT_STRING = 7


def scalar(a: Any, values: Any) -> Array:
    """Numbers, each with its tag."""
    flat = np.asarray(values, dtype=np.float32).reshape(-1)
    if len(a.tag) != len(flat):
        raise InvalidArgumentError(f"{len(a.tag)} tags for {len(flat)} values: {', '.join(a.tag)}")
    return _serialized(Summary.Value(tag=t, simple_value=float(v)) for t, v in zip(a.tag, flat, strict=True))


def histogram(a: Any, values: Any) -> Array:
    """The distribution of the values over buckets whose limits grow by a tenth from one to the next."""
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    if not np.isfinite(flat).all():
        raise InvalidArgumentError(
            f"{a.tag!r}: {np.count_nonzero(~np.isfinite(flat))} of {flat.size} values are not finite, so they have no "
            "place in a histogram"
        )
    return _serialized([Summary.Value(tag=a.tag, histo=histogram_message(flat))])


def histogram_message(flat: Array) -> HistogramProto:
    """The message of finite values."""
    limits = _limits()
    # A bucket holds what is below its limit, and not below that of the bucket before.
    counts = np.bincount(np.searchsorted(limits, flat, side="right").clip(max=len(limits) - 1))
    (filled,) = np.nonzero(counts)
    kept: list[int] = []
    if filled.size:
        # The empty bucket on the left says where the first begins; any run of empty ones is a single bucket.
        full = set(filled.tolist())
        kept = [
            i for i in range(max(int(filled[0]) - 1, 0), int(filled[-1]) + 1) if i in full or i + 1 in full
        ]
    return HistogramProto(
        min=float(flat.min()) if flat.size else 0.0,
        max=float(flat.max()) if flat.size else 0.0,
        num=float(flat.size),
        sum=float(flat.sum()),
        sum_squares=float(np.square(flat).sum()),
        bucket_limit=[float(limits[i]) for i in kept] or [0.0],
        bucket=[float(counts[i]) for i in kept] or [0.0],
    )


@functools.lru_cache(maxsize=1)
def _limits() -> Array:
    positive = 1e-12 * 1.1 ** np.arange(774)
    positive = np.append(positive[positive < 1e20], np.finfo(np.float64).max)
    return np.concatenate([-positive[::-1], [0.0], positive])


def image(a: Any, images: Any) -> Array:
    """Images as PNG."""
    values = []
    shown = images[: a.max_outputs]
    for number, pixels in enumerate(shown):
        tag = f"{a.tag}/image" if a.max_outputs == 1 else f"{a.tag}/image/{number}"
        pixels = np.asarray(pixels)
        if pixels.dtype != np.uint8:
            pixels = _bytes_of(pixels.astype(np.float32), a.bad_color)
        height, width, channels = pixels.shape
        if channels not in (1, 3, 4):
            raise InvalidArgumentError(f"{a.tag!r}: images have 1, 3 or 4 channels, not {channels}")
        file = io.BytesIO()
        Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).save(file, "PNG")
        made = Summary.Image(
            height=height, width=width, colorspace=channels, encoded_image_string=file.getvalue()
        )
        values.append(Summary.Value(tag=tag, image=made))
    return _serialized(values)


def _bytes_of(pixels: Array, bad_color: Any) -> Array:
    """Floating-point numbers as bytes."""
    good = np.isfinite(pixels).all(axis=2)
    if good.any():
        low, high = float(pixels[good].min()), float(pixels[good].max())
    else:
        low = high = 0.0
    if low < 0:
        furthest = max(abs(low), abs(high))
        scale, offset = 127.0 / furthest, 128.0
    else:
        scale, offset = (255.0 / high if high > 0 else 0.0), 0.0
    found = np.empty(pixels.shape, np.uint8)
    found[good] = np.clip(pixels[good] * np.float32(scale) + np.float32(offset), 0, 255).astype(np.uint8)
    found[~good] = np.resize(np.asarray(bad_color, np.uint8), pixels.shape[2])
    return found


def audio(a: Any, sounds: Any, sample_rate: Any) -> Array:
    """Sounds as WAV."""
    values = []
    rate = float(sample_rate)
    if rate <= 0:
        raise InvalidArgumentError(f"{a.tag!r}: the sample rate is {rate}, expected a positive number")
    for number, samples in enumerate(np.asarray(sounds)[: a.max_outputs]):
        tag = f"{a.tag}/audio" if a.max_outputs == 1 else f"{a.tag}/audio/{number}"
        frames = samples[:, None] if samples.ndim == 1 else samples
        whole = np.rint(np.clip(frames, -1, 1) * 32767).astype("<i2")
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(frames.shape[1])
            out.setsampwidth(2)
            out.setframerate(round(rate))
            out.writeframes(whole.tobytes())
        made = Summary.Audio(
            sample_rate=rate,
            num_channels=frames.shape[1],
            length_frames=frames.shape[0],
            encoded_audio_string=file.getvalue(),
            content_type="audio/wav",
        )
        values.append(Summary.Value(tag=tag, audio=made))
    return _serialized(values)


def text(a: Any, texts: Any) -> Array:
    """Texts of any shape."""
    array = np.asarray(texts, dtype=object)
    sizes = [TensorShapeProto.Dim(size=n) for n in array.shape]
    tensor = TensorProto(
        dtype=_DT_STRING, tensor_shape=TensorShapeProto(dim=sizes), string_val=list(array.flat)
    )
    metadata = text_metadata.create_summary_metadata(display_name=a.tag, description="")
    return _serialized([Summary.Value(tag=a.tag, metadata=metadata, tensor=tensor)])


def merge(a: Any, *summaries: Any) -> Array:
    """All values of several summaries."""
    merged = Summary()
    tags: set[str] = set()
    for serialized in summaries:
        for array in np.asarray(serialized, dtype=object).flat:
            for value in Summary.FromString(array).value:
                if value.tag in tags:
                    raise InvalidArgumentError(f"two of the merged summaries have the tag {value.tag!r}")
                tags.add(value.tag)
                merged.value.append(value)
    return np.asarray(merged.SerializeToString(), dtype=object)


def _serialized(values: Any) -> Array:
    return np.asarray(Summary(value=values).SerializeToString(), dtype=object)


__all__ = ["audio", "histogram", "histogram_message", "image", "merge", "scalar", "text"]
