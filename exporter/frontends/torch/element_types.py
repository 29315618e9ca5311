"""Element types: torch's and Samara's."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from samara.graph import dtypes
from samara.graph.dtypes import DType

_OF_TORCH: dict[torch.dtype, DType] = {
    torch.float32: dtypes.float32,
    torch.float16: dtypes.float16,
    torch.float64: dtypes.float64,
    # No kernel computes in bfloat16; float32 holds all of its values.
    torch.bfloat16: dtypes.float32,
    torch.int8: dtypes.int8,
    torch.uint8: dtypes.uint8,
    torch.int16: dtypes.int16,
    torch.int32: dtypes.int32,
    torch.int64: dtypes.int64,
    torch.bool: dtypes.bool_,
}
_TO_TORCH = {v: k for k, v in _OF_TORCH.items() if k is not torch.bfloat16}


def samara_dtype(dtype: torch.dtype) -> DType | None:
    """The element type that holds torch's values; None when there is none."""
    return _OF_TORCH.get(dtype)


def torch_dtype(dtype: DType) -> torch.dtype:
    """Torch's element type of the same name."""
    return _TO_TORCH[dtype]


def to_numpy(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    """A tensor's values; bfloat16 becomes float32."""
    tensor = tensor.detach().cpu()
    if tensor.dtype is torch.bfloat16:
        tensor = tensor.to(torch.float32)
    return np.asarray(tensor.resolve_conj().resolve_neg().contiguous().numpy())


__all__ = ["samara_dtype", "to_numpy", "torch_dtype"]
