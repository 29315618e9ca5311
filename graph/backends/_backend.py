"""What a session asks of an array library."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from samara.graph.dtypes import DType, string

if TYPE_CHECKING:
    from samara.graph.execution.config import ConfigProto
    from samara.graph.graph import Operation

Array = Any
Function = Callable[..., Any]


@dataclass(frozen=True)
class Device:
    """Where a session computes.

    Attributes:
        kind: "cpu" or "gpu".
        index: which of its kind.
        handle: what the array library calls it.
    """

    kind: str
    index: int
    handle: Any = None

    @property
    def name(self) -> str:
        """The name, "/gpu:1"."""
        return f"/{self.kind}:{self.index}"


class Backend(ABC):
    """An array library: what has no body here every one says, the rest where it does better.

    Attributes:
        name: what `ConfigProto(backend=...)` calls it.
        array: the type of its arrays.
        fuses_bias: whether a convolution or a product is faster with its bias than before an addition.
        changes_variables: whether an operation may write over the array of a variable. It may not where callers are
            given that array.
    """

    name: str
    array: Any
    changes_variables: bool = False
    fuses_bias: bool = False

    @abstractmethod
    def devices(self, config: ConfigProto) -> tuple[Device, ...]:
        """What this machine has, the host first."""

    def lacks(self, operation: Operation, device: Device) -> str | None:
        """Why the operation cannot run on the device, or None when it can."""
        return None

    @abstractmethod
    def namespace(self, device: Device) -> Any:
        """The array API whose new arrays are on the device."""

    def override(self, op: str) -> Function | None:
        """What to run instead of an op's reference, with the same arguments."""
        return None

    def on_texts(self, operation: Operation, device: Device) -> Function:
        """What to run for an operation that takes or gives texts, its op one of `OpDef.texts`.

        Texts are arrays of numpy on every backend, so the reference is given what else there is as arrays of numpy too.
        """
        reference = operation.definition.reference
        kinds = [t.dtype for t in operation.outputs]
        call = SimpleNamespace(a=operation.a, operation=operation, output_dtypes=[k.numpy for k in kinds])

        def run(xp: Any, call_: Any, *inputs: Any) -> Any:
            given = [
                x if x is None or isinstance(x, np.ndarray) else np.asarray(self.numpy(x, copy=False))
                for x in inputs
            ]
            found = reference(np, call, *given)
            several = isinstance(found, (list, tuple))
            made = [
                np.asarray(array, dtype=object) if kind is string else self.owned(array, device)
                for array, kind in zip(found if several else [found], kinds, strict=True)
            ]
            return made if several else made[0]

        return run

    def plain(self, operation: Operation) -> Function | None:
        """A function of the arrays alone that computes the output of an operation as its override or reference does."""
        return None

    def writes_over(self, operation: Operation) -> bool:
        """Whether `plain(operation)` takes `out`, which may be one of its inputs, and has one floating-point output."""
        return False

    def fused(self, name: str, factor: Any, device: Device) -> Function | None:
        """One call for several operations on float32 or float64, with the `out` of `plain`; None where there is none.

        add_multiple(x, y) is x + factor * y, add_product(x, y, z) is x + factor * y * z, add_quotient(x, y, z, s) is
        x + factor * s * y / z with a scalar s, zeroed(x, y) is 0 where x <= 0, and y elsewhere and
        where x is NaN.
        """
        return None

    @abstractmethod
    def dtype(self, dtype: DType) -> Any:
        """The library's name for an element type."""

    @abstractmethod
    def feed(self, array: np.ndarray[Any, Any]) -> Array:
        """An array of the host with the same elements, perhaps in the same memory; nobody writes it."""

    def is_own(self, value: Any) -> bool:
        """Whether a feed is an array of the library already, so that it need not go by numpy."""
        return False

    @abstractmethod
    def copied(self, array: Array) -> Array:
        """A copy on the same device that may be written."""

    @abstractmethod
    def owned(self, array: Any, device: Device) -> Array:
        """A copy on a device, of an array of numpy or of the library, that only the session has."""

    def constant(self, array: np.ndarray[Any, Any], device: Device) -> Array:
        """An array of numpy, which nobody writes, on a device."""
        return self.owned(array, device)

    def kept(self, array: Array) -> Array:
        """What nobody else has, made ready to be the value of a variable or of a constant."""
        return array

    @abstractmethod
    def numpy(self, array: Array, *, copy: bool) -> Any:
        """The array for a caller, who may write it; without `copy` it was made in this run and is used no more."""

    def shown(self, array: Array) -> np.ndarray[Any, Any]:
        """The value of a variable for a caller who does not write it; it stays as it is."""
        return np.asarray(self.numpy(array, copy=True))

    @abstractmethod
    def cast(self, array: Any, dtype: DType) -> Array:
        """An array of this element type, from what a reference gave."""

    @abstractmethod
    def send(self, array: Array, source: Device, target: Device) -> Any:
        """Starts to bring an array to another device."""

    def receive(self, sent: Any, source: Device, target: Device) -> Array:
        """The array on its new device, once it is there."""
        return sent

    def generator(self, words: Sequence[int] | None, device: Device | None) -> Any:
        """A generator of random numbers, seeded by `words`, or by chance for None.

        That for no device is numpy's: references draw with it. Those for devices are for the overrides of drawing ops.
        """
        return np.random.default_rng(None if words is None else list(words))

    def generator_state(self, generator: Any, device: Device | None) -> bytes:
        """Where a generator that `generator` made for the device is in its sequence."""
        return json.dumps(generator.bit_generator.state).encode()

    def set_generator_state(self, generator: Any, device: Device | None, state: bytes) -> None:
        """Puts such a generator at a place in its sequence.

        Raises:
            TypeError, ValueError, LookupError or RuntimeError: the state is none of such a generator.
        """
        generator.bit_generator.state = json.loads(state)

    @abstractmethod
    def configure(self, config: ConfigProto) -> None:
        """Sets what the configuration says of the whole process."""

    @abstractmethod
    def running(self) -> AbstractContextManager[Any]:
        """What surrounds a run."""

    def within(self, function: Function) -> Function:
        """The function, always called within `running`."""

        def run(*arguments: Any) -> Any:
            with self.running():
                return function(*arguments)

        return run

    @abstractmethod
    def wait(self, device: Device) -> None:
        """Returns when all that was started on the device is done, so that times can be taken."""

    @abstractmethod
    def compiled(self, function: Function, options: Any) -> Function:
        """The function made faster by the library's compiler."""


__all__ = ["Backend", "Device"]
