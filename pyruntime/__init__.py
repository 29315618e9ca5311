"""The cffi binding of the C runtime: load a file, run it, profile it. Needs numpy and cffi, and no other room."""

from __future__ import annotations

from samara.pyruntime.abilities import instruction_sets, kernels
from samara.pyruntime.model import Context, Model, TensorInfo, load
from samara.pyruntime.profile import Profile

__all__ = ["Context", "Model", "Profile", "TensorInfo", "instruction_sets", "kernels", "load"]
