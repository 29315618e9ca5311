"""Images in the formats of files, of `tf.image`; they are read and written by Pillow, the extra `images`."""

from __future__ import annotations

from typing import Any

from samara.graph.convert import convert_to_tensor
from samara.graph.dtypes import as_dtype, int32, int64, string, uint8
from samara.graph.graph import Tensor


def _decoded(contents: Any, name: str | None, **attributes: Any) -> Tensor:
    texts = convert_to_tensor(contents, string)
    made: Tensor = texts.graph.b.decode_image(texts, name=name, **attributes)
    return made


def decode_png(contents: Any, channels: int = 0, dtype: Any = uint8, name: str | None = None) -> Tensor:
    """The pixels of a PNG, or of a JPEG or GIF of one frame: uint8 [height, width, channels].

    Args:
        contents: the bytes of the file, a text.
        channels: 1 for gray, 3 for red, green and blue, 4 with opacity; 0 for what the file has.
        dtype: uint8.
        name: of the operation.

    Raises:
        InvalidArgumentError: in a run: the bytes are no such image.
        TypeError: another element type.
    """
    if as_dtype(dtype) is not uint8:
        raise TypeError(f"decode_png: dtype is {as_dtype(dtype).name}: only uint8 is supported")
    return _decoded(contents, name or "DecodePng", channels=channels or 0)


def decode_jpeg(
    contents: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """The pixels of a JPEG, or of a PNG or GIF of one frame: uint8 [height, width, channels].

    Args:
        contents: the bytes of the file, a text.
        channels: 1 for gray, 3 for red, green and blue; 0 for what the file has.
        ratio: by how much the image is made smaller; only 1 is supported.
        fancy_upscaling: has no meaning here.
        try_recover_truncated: whether a file that ends too early is read; only False is supported.
        acceptable_fraction: has no meaning here.
        dct_method: has no meaning here.
        name: of the operation.

    Raises:
        InvalidArgumentError: in a run: the bytes are no such image.
        ValueError: what is not supported.
    """
    if ratio != 1 or try_recover_truncated:
        raise ValueError(
            f"decode_jpeg: ratio={ratio}, try_recover_truncated={try_recover_truncated} is not supported: resize the "
            "image, and leave damaged files out"
        )
    return _decoded(contents, name or "DecodeJpeg", channels=channels or 0)


def decode_and_crop_jpeg(
    contents: Any,
    crop_window: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """What a window of a JPEG shows; the window is [top, left, height, width], and the rest as for `decode_jpeg`."""
    image = decode_jpeg(contents, channels, ratio, fancy_upscaling, try_recover_truncated, name=name)
    b = image.graph.b
    window = b.cast(convert_to_tensor(crop_window), dtype=int32)
    begin = b.concat([window[:2], [0]], axis=0)
    size = b.concat([window[2:], b.shape(image)[2:]], axis=0)
    made: Tensor = b.slice(image, begin, size, strides=(1, 1, 1))
    return made


def decode_gif(contents: Any, name: str | None = None) -> Tensor:
    """The frames of a GIF: uint8 [frames, height, width, 3]."""
    return _decoded(contents, name or "DecodeGif", frames="all", formats=("gif",))


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Tensor:
    """The pixels of a BMP: uint8 [height, width, channels]; the file's channels when they are 0."""
    return _decoded(contents, name or "DecodeBmp", channels=channels or 0, formats=("bmp",))


def decode_image(
    contents: Any, channels: int | None = None, dtype: Any = uint8, name: str | None = None
) -> Tensor:
    """The pixels of a PNG, JPEG, GIF or BMP: [height, width, channels], or [frames, height, width, 3] of a GIF.

    Args:
        contents: the bytes of the file, a text.
        channels: 1, 3 or 4; 0 or None for what the file has.
        dtype: the element type, by `convert_image_dtype`.
        name: of the operation.

    Returns:
        A tensor whose rank is not known until the file is: `set_shape` says it.
    """
    formats = ("png", "jpeg", "gif", "bmp")
    found = _decoded(
        contents, name or "decode_image", channels=channels or 0, frames="all_of_gif", formats=formats
    )
    if as_dtype(dtype) is uint8:
        return found
    from samara.graph.image import convert_image_dtype

    return convert_image_dtype(found, dtype)


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Tensor:
    """The bytes of a PNG, a text.

    Args:
        image: uint8 [height, width, channels], 1 to 4 channels.
        compression: from 0, large and quick, to 9; -1 is a good one.
        name: of the operation.
    """
    pixels = convert_to_tensor(image, uint8 if not hasattr(image, "as_graph_tensor") else None)
    made: Tensor = pixels.graph.b.encode_image(
        pixels, format="png", compression=compression, name=name or "EncodePng"
    )
    return made


def encode_jpeg(
    image: Any,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Tensor:
    """The bytes of a JPEG, a text.

    Args:
        image: uint8 [height, width, channels], 1 or 3 channels.
        format: "grayscale" or "rgb", which the channels must be; "" for what they are.
        quality: from 0 to 100.
        progressive: whether the image gets clearer while it comes.
        optimize_size: whether the file is made smaller at the cost of time.
        chroma_downsampling: whether colors have half the resolution.
        density_unit: "in"; "cm" is turned into it.
        x_density: pixels per unit across.
        y_density: pixels per unit down.
        xmp_metadata: only "" is supported.
        name: of the operation.

    Raises:
        ShapeError: the channels are not those of the format.
        ValueError: what is not supported.
    """
    if density_unit not in ("in", "cm") or xmp_metadata:
        raise ValueError(
            f"encode_jpeg: density_unit={density_unit!r}, xmp_metadata={xmp_metadata!r} is not supported"
        )
    channels = {"": None, "grayscale": 1, "rgb": 3}
    if format not in channels:
        raise ValueError(f"encode_jpeg: format is {format!r}, expected one of '', 'grayscale', 'rgb'")
    pixels = convert_to_tensor(image, uint8 if not hasattr(image, "as_graph_tensor") else None)
    if format:
        pixels = pixels.graph.b.identity(pixels)
        pixels.set_shape([None, None, channels[format]])
    per_inch = 2.54 if density_unit == "cm" else 1
    made: Tensor = pixels.graph.b.encode_image(
        pixels,
        format="jpeg",
        quality=quality,
        progressive=progressive,
        optimize=optimize_size,
        subsampling=chroma_downsampling,
        density=(round(x_density * per_inch), round(y_density * per_inch)),
        name=name or "EncodeJpeg",
    )
    return made


def extract_jpeg_shape(contents: Any, output_type: Any = int32, name: str | None = None) -> Tensor:
    """The height, width and number of channels of a JPEG."""
    image = _decoded(contents, None, formats=("jpeg",))
    made: Tensor = image.graph.b.shape(image, output_type=as_dtype(output_type), name=name)
    return made


def is_jpeg(contents: Any, name: str | None = None) -> Tensor:
    """Whether bytes begin as those of a JPEG do."""
    texts = convert_to_tensor(contents, string)
    b = texts.graph.b
    start = b.substr(texts, *(b.constant(n, int64) for n in (0, 3)))
    made: Tensor = b.equal(start, b"\xff\xd8\xff", name=name)
    return made


__all__ = [
    "decode_and_crop_jpeg",
    "decode_bmp",
    "decode_gif",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "encode_jpeg",
    "encode_png",
    "extract_jpeg_shape",
    "is_jpeg",
]
