"""What operations see of a session: its variables, its generators of random numbers, its devices."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from typing import Any

import numpy as np

from samara.errors import UninitializedError
from samara.graph import backends
from samara.graph.backends import Backend, Device
from samara.graph.execution.config import ConfigProto
from samara.graph.execution.placement import Placement
from samara.graph.execution.resources import Resources
from samara.graph.graph import Body, Graph, Operation

Array = Any


class State:
    """What stateful ops see of a session: variables by name, and one random generator for each drawing op.

    Attributes:
        variables: arrays of the backend, by the name of the variable.
        backend: the array library.
        placement: which device each operation runs on.
        config: how to compute.
        resources: queues and mutexes.
    """

    def __init__(
        self,
        seed: int | None,
        backend: Backend | None = None,
        placement: Placement | None = None,
        config: ConfigProto | None = None,
    ) -> None:
        self.variables: dict[str, Array] = {}
        self.backend = backend if backend is not None else backends.find("numpy")
        if placement is None:
            host = Device("cpu", 0)
            placement = Placement(self.backend, [host], Graph(), soft=False, log=False)
        self.placement = placement
        self.config = config if config is not None else ConfigProto()
        self.resources = Resources()
        self._seed = seed
        # By operation, and by device where the generator is the backend's own.
        self.generators: dict[tuple[str, Device | None], Any] = {}
        # How often each printing op printed.
        self.printed: dict[str, int] = {}

    def read(self, op: Operation) -> Array:
        """A variable's value; raises UninitializedError naming it."""
        try:
            return self.variables[op.name]
        except KeyError:
            where = f" (made at {op.source})" if op.source else ""
            raise UninitializedError(
                f"variable {op.name!r} has no value yet{where}: run its initializer, for example "
                "session.run(samara.global_variables_initializer()), or restore a checkpoint"
            ) from None

    def write(self, op: Operation, value: Any) -> None:
        """Replaces a variable's value by a copy that nobody else writes."""
        self.variables[op.name] = self.backend.owned(value, self.placement.home(op))

    def keep(self, op: Operation, value: Any) -> None:
        """Replaces a variable's value by an array that nobody else has."""
        self.variables[op.name] = self.backend.kept(value)

    def generator(self, op: Operation, seed: int | None) -> np.random.Generator:
        """The generator of a drawing op: the same seeds give the same draws."""
        found: np.random.Generator = self._generator(op, seed, None)
        return found

    def own_generator(self, op: Operation, seed: int | None, device: Device) -> Any:
        """The backend's generator of a drawing op on a device."""
        return self._generator(op, seed, device)

    def _generator(self, op: Operation, seed: int | None, device: Device | None) -> Any:
        key = (op.name, device)
        if key not in self.generators:
            # Two threads that come first at once get one generator.
            self.generators.setdefault(key, self.backend.generator(self._words(op, seed), device))
        return self.generators[key]

    def _words(self, op: Operation, seed: int | None) -> list[int] | None:
        if seed is None and self._seed is None:
            return None
        return [self._seed or 0, seed or 0, *op.name.encode()]


class Variables(MutableMapping[str, np.ndarray[Any, Any]]):
    """The variables of a session as arrays of numpy: what is read is not to be written, what is written is copied."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        return self._state.backend.shown(self._state.variables[name])

    def __setitem__(self, name: str, value: Any) -> None:
        home = self._state.placement.home_of(name)
        self._state.variables[name] = self._state.backend.owned(np.asarray(value), home)

    def __delitem__(self, name: str) -> None:
        del self._state.variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._state.variables)

    def __len__(self) -> int:
        return len(self._state.variables)


class Call:
    """What a reference is given besides its arrays.

    Attributes:
        a: the op's attributes by name.
        operation: the graph's operation.
        output_dtypes: the backend's dtypes of the outputs.
        state: the session's State; only stateful ops may touch it.
        device: where it runs.
    """

    def __init__(self, operation: Operation, state: State, device: Device | None = None) -> None:
        self.operation = operation
        self.output_dtypes = [state.backend.dtype(t.dtype) for t in operation.outputs]
        self.state = state
        self.device = device if device is not None else state.placement.host
        self.a = operation.a
        # Of what a loop keeps of its steps, the numbers of what is read step by step, and so need not be one array.
        self.unstacked: frozenset[int] = frozenset()
        self._prepared: dict[Body, Prepared] = {}

    def run(self, body: Body, inputs: Sequence[Array]) -> list[Array]:
        """The outputs of a sub-graph of the operation, in the same session; it is compiled the first time."""
        return self.prepared(body)(inputs)

    def prepared(self, body: Body, loop_variables: int = 0) -> Prepared:
        """A sub-graph of the operation as a function of a list of arrays.

        `loop_variables` is how many of its inputs and outputs, the first ones, are the variables of a loop, before and
        after a step.
        """
        found = self._prepared.get(body)
        if found is None:
            found = self._prepared[body] = Prepared(body, self.state, self.device, loop_variables)
        return found


class Prepared:
    """A sub-graph that is compiled.

    Args:
        body: the sub-graph.
        state: of the session.
        device: where its inputs and outputs are.
        loop_variables: see `Call.prepared`.
    """

    def __init__(self, body: Body, state: State, device: Device, loop_variables: int) -> None:
        from samara.graph.execution.plan import compile_plan
        from samara.graph.execution.program import Program
        from samara.graph.execution.step import VARIABLE

        plan = compile_plan(body.outputs, body.inputs, state, within=device, loop_variables=loop_variables)
        self._run = Program(plan, state).inner
        self._spoilt = plan.spoilt
        self._state, self._backend, self._array = state, state.backend, state.backend.array
        self._kinds = [state.backend.dtype(t.dtype) for t in body.outputs]
        self._types = [t.dtype for t in body.outputs]
        self._reads = [
            (n, t.op)
            for n, (t, slot) in enumerate(zip(body.outputs, plan.fetches, strict=True))
            if slot == VARIABLE
        ]

    def __call__(self, inputs: Sequence[Array]) -> list[Array]:
        """The outputs."""
        found = self._run(inputs)
        for number, variable in self._reads:
            found[number] = self._state.read(variable)
        for number, kind in enumerate(self._kinds):
            value = found[number]
            if type(value) is not self._array or value.dtype != kind:
                found[number] = self._backend.cast(value, self._types[number])
        return found

    def own(self, values: Sequence[Array]) -> list[Array]:
        """The loop variables, with copies of those that a step writes over."""
        found = list(values)
        for number in self._spoilt:
            found[number] = self._backend.copied(found[number])
        return found


__all__ = ["Call", "Prepared", "State", "Variables"]
