"""The backend of PyTorch, on the host and on CUDA, through array-api-compat.

The references of the op table run on it as they are. `overrides` has what torch computes much faster by a call of its
own: layouts stay NHWC, which torch takes as its memory format channels_last.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import array_api_compat.torch as array_api
import numpy as np
import torch

from samara.graph.backends._backend import Backend, Device
from samara.graph.backends.torch.overrides import fused, overrides, plain
from samara.graph.dtypes import DType, string

if TYPE_CHECKING:
    from samara.graph.execution.config import ConfigProto
    from samara.graph.graph import Operation

_DTYPES: dict[str, Any] = {
    "float32": torch.float32,
    "float16": torch.float16,
    "float64": torch.float64,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "bool": torch.bool,
    # Torch has no texts: they stay in arrays of numpy.
    "string": np.dtype(object),
}
# Functions of the array API that make arrays of what is no array.
_CREATION = ("arange", "asarray", "empty", "eye", "full", "linspace", "ones", "zeros")


class TorchBackend(Backend):
    """PyTorch."""

    name = "torch"
    array = torch.Tensor
    _has_gpu = False
    changes_variables = True
    fuses_bias = True

    def devices(self, config: ConfigProto) -> tuple[Device, ...]:
        """The host, as often as the configuration counts it, and the GPUs that it lets be seen."""
        hosts = [Device("cpu", i, torch.device("cpu")) for i in range(config.count("cpu", 1))]
        listed = config.gpu_options.visible_device_list
        seen = [int(n) for n in listed.split(",")] if listed else list(range(_gpu_count()))
        seen = seen[: config.count("gpu", len(seen))]
        self._has_gpu = bool(seen)
        return (*hosts, *(Device("gpu", i, torch.device("cuda", n)) for i, n in enumerate(seen)))

    def configure(self, config: ConfigProto) -> None:
        """Sets the threads, and the most memory of each GPU, of the process."""
        if config.intra_op_parallelism_threads:
            torch.set_num_threads(config.intra_op_parallelism_threads)
        fraction = config.gpu_options.per_process_gpu_memory_fraction
        if fraction:
            for number in range(_gpu_count()):
                torch.cuda.set_per_process_memory_fraction(fraction, number)

    def lacks(self, operation: Operation, device: Device) -> str | None:
        """CUDA has no products of integer matrices."""
        if device.kind != "gpu" or operation.type != "matmul" or operation.outputs[0].dtype.is_floating:
            return None
        return f"CUDA has no matrix product of {operation.outputs[0].dtype.name}"

    def namespace(self, device: Device) -> Any:
        """The array API of torch, with new arrays on the device."""
        if device.handle.type == "cpu":
            return array_api
        namespace = SimpleNamespace(**vars(array_api))
        for name in _CREATION:
            setattr(namespace, name, functools.partial(getattr(array_api, name), device=device.handle))
        return namespace

    def override(self, op: str) -> Callable[..., Any] | None:
        """That of `overrides`."""
        return overrides.get(op)

    def plain(self, operation: Operation) -> Callable[..., Any] | None:
        """A function of torch."""
        kinds = ("float32", "float64")
        if operation.type == "dynamic_update_slice":
            return None if operation.outputs[0].dtype is string else plain["dynamic_update_slice"]
        if any(t is None or t.dtype.name not in kinds for t in operation.inputs[:2]):
            return None
        return plain.get(operation.type)

    def writes_over(self, operation: Operation) -> bool:
        """All of `plain`."""
        return operation.type in plain

    def fused(self, name: str, factor: Any, device: Device) -> Callable[..., Any] | None:
        """The calls that torch's own optimizers and activations are made of."""
        if name == "add_quotient" and device.handle.type != "cpu":
            return None  # its scalar would have to come to the host
        function: Callable[..., Any] = fused[name](factor)
        return function

    def dtype(self, dtype: DType) -> Any:
        """The torch dtype."""
        return _DTYPES[dtype.name]

    def feed(self, array: np.ndarray[Any, Any]) -> Any:
        """A tensor in the memory of the array, or a copy where torch cannot take that."""
        if array.dtype == object:
            return array
        if not array.flags.writeable or any(s < 0 for s in array.strides) or not array.dtype.isnative:
            array = np.array(array, dtype=array.dtype.newbyteorder("="))
        return torch.from_numpy(array)

    def is_own(self, value: Any) -> bool:
        """Whether it is a tensor of torch."""
        return isinstance(value, torch.Tensor)

    def copied(self, array: Any) -> Any:
        """A copy."""
        if not isinstance(array, torch.Tensor):
            return np.array(array)
        return array.clone(memory_format=torch.contiguous_format)

    def owned(self, array: Any, device: Device) -> Any:
        """A copy on the device."""
        if isinstance(array, torch.Tensor):
            return array.detach().to(device.handle, copy=True, memory_format=torch.contiguous_format)
        copied = np.array(array)
        return copied if copied.dtype == object else torch.from_numpy(copied).to(device.handle)

    def numpy(self, array: Any, *, copy: bool) -> Any:
        """A number where the rank is 0; else an array of numpy."""
        if not isinstance(array, torch.Tensor):
            return array[()] if isinstance(array, np.ndarray) and not array.ndim else array
        found = array.detach().cpu().numpy()
        if not found.ndim:
            return found[()]
        # A slice would keep, and a stretched array would show, more than the caller's own.
        return found.copy() if copy or not found.flags.c_contiguous else found

    def cast(self, array: Any, dtype: DType) -> Any:
        """The array as a tensor of the element type."""
        if dtype is string:
            return np.asarray(array, dtype=object)
        return torch.as_tensor(array).to(_DTYPES[dtype.name])

    def send(self, array: Any, source: Device, target: Device) -> Any:
        """The array on the target, and what tells when it is there."""
        if isinstance(array, np.ndarray):
            return _Sent(array, None)
        between = source.handle.type == "cuda" and target.handle.type == "cuda"
        # From the host it is waited for, as the caller may write what he has fed once the run is over.
        sent = array.to(target.handle, copy=True, non_blocking=between)
        if not between:
            return _Sent(sent, None)
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(source.handle))
        return _Sent(sent, event)

    def receive(self, sent: Any, source: Device, target: Device) -> Any:
        """The array, which what follows on the target's stream finds complete."""
        if sent.event is not None:
            torch.cuda.current_stream(target.handle).wait_event(sent.event)
        return sent.array

    def generator(self, words: Sequence[int] | None, device: Device | None) -> Any:
        """One of torch's for a device."""
        if device is None:
            return super().generator(words, device)
        generator = torch.Generator(device.handle)
        if words is None:
            generator.seed()
        else:
            # The words of a seed, mixed to one number.
            generator.manual_seed(
                int(np.random.SeedSequence(list(words)).generate_state(1, np.uint64)[0] >> 1)
            )
        return generator

    def generator_state(self, generator: Any, device: Device | None) -> bytes:
        """Torch's own form of it for a device."""
        if device is None:
            return super().generator_state(generator, device)
        state: bytes = generator.get_state().numpy().tobytes()
        return state

    def set_generator_state(self, generator: Any, device: Device | None, state: bytes) -> None:
        """From torch's own form of it for a device."""
        if device is None:
            super().set_generator_state(generator, device, state)
            return
        generator.set_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))

    def running(self) -> AbstractContextManager[Any]:
        """Without autograd, as gradients are operations of the graph; on GPUs convolutions repeat their bits."""
        stack = ExitStack()
        stack.enter_context(torch.inference_mode())
        # For what is computed with numpy: files, texts, draws.
        stack.enter_context(np.errstate(all="ignore"))
        if self._has_gpu:
            stack.enter_context(
                torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False)
            )
        return stack

    def wait(self, device: Device) -> None:
        """Waits for a GPU."""
        if device.handle.type == "cuda":
            torch.cuda.synchronize(device.handle)

    def compiled(self, function: Callable[..., Any], options: Any) -> Callable[..., Any]:
        """torch.compile; `options` are its arguments."""
        compiled: Callable[..., Any] = torch.compile(
            function, **(options if isinstance(options, dict) else {})
        )
        return compiled


class _Sent:
    """A tensor on its way, and what tells that it is there."""

    def __init__(self, array: Any, event: Any) -> None:
        self.array = array
        self.event = event

    @property
    def nbytes(self) -> int:
        """Its size."""
        return int(self.array.nbytes)


def _gpu_count() -> int:
    return int(torch.cuda.device_count()) if torch.cuda.is_available() else 0


__all__ = ["TorchBackend"]
