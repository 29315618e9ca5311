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
        if op.attributes.get("groups", 1) != 1:
            return None
        _, width, channels, _ = tensor.shape
        return int(channels if op.a.dilations[1] != 1 else width * channels)  # type: ignore[arg-type]
    if len(tensor.shape) != 2 or op.attributes.get("transpose_y"):
        return None
    return int(tensor.shape[0])  # type: ignore[arg-type]


def pack(array: Array, run: int) -> tuple[str, Array]:
    """The (layout, stored elements) of a constant [..., N]: `panel16x4` for int8, `panel16` otherwise."""
    matrix = array.reshape(-1, array.shape[-1])
    if array.dtype == np.int8:
        return "panel16x4", pack_panel16x4(matrix, run)
    return "panel16", pack_panel16(matrix)


def pack_panel16(matrix: Array) -> Array:
    """[K, N] as [ceil(N / 16)][K][16], zero-padded."""
    k, n = matrix.shape
    panels = -(-n // PANEL)
    padded = np.zeros((k, panels * PANEL), matrix.dtype)
    padded[:, :n] = matrix
    return np.ascontiguousarray(padded.reshape(k, panels, PANEL).transpose(1, 0, 2))


def pack_panel16x4(matrix: Array, run: int) -> Array:
    """[K, N] as [ceil(N / 16)][K4 / 4][16][4]: each run of K is padded with zeros to a multiple of 4."""
    k, n = matrix.shape
    padded_run = -(-run // GROUP) * GROUP
    panels = -(-n // PANEL)
    padded = np.zeros((k // run, padded_run, panels * PANEL), matrix.dtype)
    padded[:, :run, :n] = matrix.reshape(k // run, run, n)
    groups = padded.reshape(-1, GROUP, panels, PANEL)
    return np.ascontiguousarray(groups.transpose(2, 0, 3, 1))
