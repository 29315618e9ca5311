"""The backend of PyTorch; importing it needs the extra samara[torch]."""

from __future__ import annotations

from samara.graph.backends.torch.backend import TorchBackend

__all__ = ["TorchBackend"]
