"""Ops that make what TensorBoard shows: serialized `Summary` messages, which a `FileWriter` writes to a file.

Their arithmetic is in `samara.graph.tensorboard.encode`, which needs the package tensorboard.
"""

from __future__ import annotations

from typing import Any

from samara.graph import dims, dtypes
from samara.graph.ops._table import OPS, OpDef, attribute

_WHY_NOT = "a device writes no summaries. Export the tensors that it summarizes."
_TAG = attribute("tag", "python", doc="The name under which it is shown.")
_REAL = {"T": (*dtypes.NUMBERS, dtypes.bool_)}
_PIXELS = {"T": (*dtypes.FLOATS, dtypes.uint8)}


def _encoded(kind: str) -> Any:
    def reference(xp: Any, op: Any, *inputs: Any) -> Any:
        from samara.graph.summary.needed import encoder

        return encoder(kind)(op.a, *(_on_host(x) for x in inputs))

    return reference


def _on_host(array: Any) -> Any:
    """An array of numpy from one of any backend."""
    return array.detach().cpu().numpy() if hasattr(array, "detach") else array


def _scalar_shape(op: Any) -> Any:
    shape, tags = op.shapes[0], op.a.tag
    count = None if shape is None else dims.product(shape)
    if isinstance(count, int) and count != len(tags):
        op.fail(f"{len(tags)} tags for {count} values: {', '.join(tags)}")
    return ()


def _of_rank(*ranks: int) -> Any:
    def shape(op: Any) -> Any:
        if op.shapes[0] is not None:
            op.require_rank(0, *ranks)
        return ()

    return shape


def _image_shape(op: Any) -> Any:
    if op.shapes[0] is not None:
        channels = op.require_rank(0, 4)[3]
        if isinstance(channels, int) and channels not in (1, 3, 4):
            op.fail(f"images have 1, 3 or 4 channels, not {channels}")
    return ()


def _summary(name: str, opcode: int, inputs: tuple[str, ...], doc: str, **more: Any) -> OpDef:
    return OpDef(
        name=f"{name}_summary",
        opcode=opcode,
        inputs=inputs,
        outputs=("summary: string",),
        doc=f"{doc} As a serialized Summary message of TensorBoard.",
        reference=_encoded(name),
        device="none",
        why_not=_WHY_NOT,
        stateful=True,
        any_rank=True,
        **{"shape": lambda op: (), **more},
    )


OPS.register(
    _summary(
        "scalar",
        700,
        ("values: T",),
        "Numbers, each with its tag.",
        types=_REAL,
        attributes=(attribute("tag", "python", doc="The names under which they are shown, a tuple."),),
        shape=_scalar_shape,
    ),
    _summary(
        "histogram",
        701,
        ("values: T",),
        "How the values of a tensor are distributed. A value that is not finite is an error of the run.",
        types=_REAL,
        attributes=(_TAG,),
    ),
    _summary(
        "image",
        702,
        ("images: T",),
        "Images [batch, height, width, channels] as PNG, of 1 (grey), 3 (RGB) or 4 (RGBA) channels. uint8 is shown as "
        "it is. The numbers of a floating-point image are scaled so that the largest is 255, or, where some are "
        "negative, so that 0 becomes 128 and the one furthest from it 1 or 255; what is not finite is shown in the bad "
        "color.",
        types=_PIXELS,
        attributes=(
            _TAG,
            attribute("max_outputs", "int", 3, "How many images of the batch are shown."),
            attribute("bad_color", "ints", (255, 0, 0, 255), "The color of what is not finite, of 0 to 255."),
        ),
        shape=_image_shape,
    ),
    _summary(
        "audio",
        703,
        ("audio: float32", "sample_rate: float32"),
        "Sound [batch, frames] or [batch, frames, channels] as WAV of 16 bits, of numbers from -1 to 1; others are cut "
        "off there. The rate is in samples per second.",
        attributes=(_TAG, attribute("max_outputs", "int", 3, "How many sounds of the batch are shown.")),
        shape=_of_rank(2, 3),
    ),
    _summary("text", 704, ("texts: string",), "Texts, as Markdown.", attributes=(_TAG,)),
    _summary(
        "merge", 705, ("summaries: string*",), "All values of several summaries; no tag may come twice."
    ),
)
