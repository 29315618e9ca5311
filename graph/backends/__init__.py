"""Array libraries that sessions run on: a namespace, and overrides where a library call is much faster."""

from __future__ import annotations

from samara.errors import GraphError
from samara.graph.backends._backend import Backend, Device

NAMES = ("numpy", "torch")


def find(backend: str | Backend) -> Backend:
    """The backend of that name.

    Raises:
        GraphError: there is none, or its library is not installed.
    """
    if isinstance(backend, Backend):
        return backend
    if backend == "numpy":
        from samara.graph.backends.numpy import NumpyBackend

        return NumpyBackend()
    if backend == "torch":
        try:
            from samara.graph.backends.torch import TorchBackend
        except ImportError as error:
            raise GraphError(
                f"the backend 'torch' needs PyTorch and array-api-compat ({error}): pip install 'samara[torch]'"
            ) from None
        return TorchBackend()
    raise GraphError(f"backend={backend!r}: expected one of {', '.join(NAMES)}")


__all__ = ["NAMES", "Backend", "Device", "find"]
