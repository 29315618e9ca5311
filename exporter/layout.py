"""The layouts in which constants are stored: what kernels read in place.

Filters and matrices are seen as [K, N]: N outputs, K the product of the other dimensions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samara.graph.graph import Operation

PANEL = 16
GROUP = 4
_PACKED_DTYPES = ("float32", "float16", "int8")

Array = np.ndarray[Any, Any]


def run_length(op: Operation, index: int) -> int | None:
    """How many elements of K lie side by side in the op's input, or None when the operand is kept dense.

    In NHWC a row of KW taps times C channels is one run, unless dilation tears the taps apart.
    """
    if not op.definition.operands[index].packed:
        return None
    tensor = op.inputs[index]
    if tensor is None or tensor.dtype.name not in _PACKED_DTYPES:
        return None
    if tensor.shape is None or len(tensor.shape) < 2 or 0 in tensor.shape:
        return None
    # What moves is no constant.
    if any(not isinstance(d, int) for d in tensor.shape):
        return None
    if op.type.endswith("conv2d"):
        _, width, channels, outputs = tensor.shape
        groups = op.attributes.get("groups", 1)
        if groups != 1 and outputs // groups % PANEL:
            return None
        torn = op.attributes.get("dilations", (1, 1))[1] != 1
        return int(channels if torn else width * channels)  # type: ignore[arg-type]
    if len(tensor.shape) != 2 or op.attributes.get("transpose_y"):
        return None
    return int(tensor.shape[0])  # type: ignore[arg-type]


def packed_layout(array: Array) -> str:
    """The layout of a constant that is not kept dense."""
    return "panel16x4" if array.dtype == np.int8 else "panel16"


def pack(array: Array, run: int) -> Array:
    """A constant [..., N] as its layout has it, one panel of outputs after the other; the last is padded with zeros.

    Those of one group of outputs come after those of another: groups fill whole panels.
    `panel16` is [ceil(N / 16)][K][16]. `panel16x4` is [ceil(N / 16)][K4 / 4][16][4], where each run of K is padded with
    zeros to a multiple of 4.
    """
    runs = array.size // array.shape[-1] // run
    padded_run = -(-run // GROUP) * GROUP if packed_layout(array) == "panel16x4" else run
    packed = np.empty((-(-array.shape[-1] // PANEL), runs * padded_run * PANEL), array.dtype)
    for panel, stored in enumerate(packed):
        outputs = array[..., panel * PANEL : (panel + 1) * PANEL]
        padded = np.zeros((runs, padded_run, PANEL), array.dtype)
        padded[:, :run, : outputs.shape[-1]] = outputs.reshape(runs, run, -1)
        if packed_layout(array) == "panel16x4":
            padded = padded.reshape(-1, GROUP, PANEL).swapaxes(1, 2)
        stored[:] = padded.reshape(-1)
    return packed
