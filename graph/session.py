"""Sessions: running a graph on arrays.

What a fetch list needs is compiled once: the operations between feeds and fetches, in the order of construction,
each with its place in a table of live values. A run is a loop over them. Variables live in the session; an operation
that reads a variable sees the value at that moment, so control dependencies order reads and writes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from samara.errors import FeedError, GraphError, SamaraError, UninitializedError, shown
from samara.graph import dims
from samara.graph.backends import numpy as numpy_backend
from samara.graph.graph import Body, Graph, Operation, Tensor, get_default_graph

Array = np.ndarray[Any, Any]


class State:
    """What stateful ops see of a session: variables by name, and one random generator for each drawing op."""

    def __init__(self, seed: int | None) -> None:
        self.variables: dict[str, Array] = {}
        self._seed = seed
        self._generators: dict[str, np.random.Generator] = {}

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
        array = np.array(value)
        array.flags.writeable = False
        self.variables[op.name] = array

    def generator(self, op: Operation, seed: int | None) -> np.random.Generator:
        """The generator of a drawing op: the same seeds give the same draws."""
        if op.name not in self._generators:
            if seed is None and self._seed is None:
                self._generators[op.name] = np.random.default_rng()
            else:
                words = [self._seed or 0, seed or 0, *op.name.encode()]
                self._generators[op.name] = np.random.default_rng(words)
        return self._generators[op.name]


class Call:
    """What a reference is given besides its arrays.

    Attributes:
        a: the op's attributes by name.
        operation: the graph's operation.
        output_dtypes: numpy dtypes of the outputs.
        state: the session's State; only stateful ops may touch it.
    """

    def __init__(self, operation: Operation, state: State) -> None:
        self.operation = operation
        self.output_dtypes = [t.dtype.numpy for t in operation.outputs]
        self.state = state
        self.a = operation.a
        self._plans: dict[Body, _Plan] = {}

    def run(self, body: Body, inputs: Sequence[Array]) -> list[Array]:
        """The outputs of a sub-graph of the operation, in the same session; it is compiled the first time."""
        plan = self._plans.get(body)
        if plan is None:
            plan = self._plans[body] = _compile(body.outputs, body.inputs, self.state)
        values = _execute(plan, inputs, self.state)
        pairs = zip(body.outputs, plan.fetches, strict=True)
        return [
            np.asarray(self.state.read(t.op) if slot == _VARIABLE else values[slot], dtype=t.dtype.numpy)
            for t, slot in pairs
        ]


def compute(operation: Operation, inputs: Sequence[Array | None]) -> list[Array]:
    """The outputs of one stateless operation on arrays, outside of any session."""
    run = numpy_backend.overrides.get(operation.type, operation.definition.reference)
    with np.errstate(all="ignore"):
        result = run(numpy_backend.namespace, Call(operation, State(None)), *inputs)
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    return [np.asarray(r, dtype=t.dtype.numpy) for r, t in zip(results, operation.outputs, strict=True)]


@dataclass(frozen=True)
class _Step:
    """One operation of a compiled fetch list.

    Attributes:
        run: the op's reference, or what the backend has instead.
        call: its second argument.
        inputs: a place in the table of live values for each input.
        reads: (input, variable) for the inputs whose value is that of a variable at this moment.
        outputs: a place for each output.
        release: places whose values nothing later needs.
    """

    run: Callable[..., Any]
    call: Call
    inputs: tuple[int, ...]
    reads: tuple[tuple[int, Operation], ...]
    outputs: tuple[int, ...]
    release: tuple[int, ...]


@dataclass(frozen=True)
class _Plan:
    """A compiled fetch list: feeds take the first places; `values` has the constants in theirs and None elsewhere."""

    steps: tuple[_Step, ...]
    fetches: tuple[int, ...]
    values: list[Any]


# The place of an absent input, whose value is always None.
_ABSENT = -1
_OPERATION = -2
_VARIABLE = -3


class Session:
    """Runs a graph.

    Args:
        target: "" for this process.
        graph: the graph; the default graph when None.
        config: a ConfigProto-like object, or None.

    A session is also a context manager: within `with session:` it is the default session.
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        if target:
            raise GraphError(f"target {target!r} is not known: this build runs sessions in this process only")
        self.graph = graph if graph is not None else get_default_graph()
        self.config = config
        self._state = State(self.graph.seed)
        self._plans: dict[Any, _Plan] = {}
        self._closed = False
        self._graph_scope: Any = None

    @property
    def variables(self) -> dict[str, Array]:
        """The variables' values by name; to be read, or replaced by arrays of the same shape and dtype."""
        return self._state.variables

    def read(self, variable: Operation) -> Array:
        """The value of a variable, of the session's graph or of a sub-graph, by its name.

        Raises:
            UninitializedError: it has none yet.
        """
        return self._state.read(variable)

    def load(self, variable: Any, value: Any) -> None:
        """Replaces the value of a variable.

        Raises:
            ValueError: the shape differs.
        """
        tensor = variable.as_graph_tensor()
        array = np.asarray(value, dtype=tensor.dtype.numpy)
        if array.shape != tuple(tensor.shape):
            raise ValueError(
                f"{tensor.name} has shape {dims.text(tensor.shape)}, the value {list(array.shape)}"
            )
        self._state.write(tensor.op, array)

    def run(self, fetches: Any, feed_dict: Mapping[Any, Any] | None = None) -> Any:
        """Runs what the fetches need, once.

        Args:
            fetches: a tensor, variable, operation or name of one, or nested lists, tuples and dicts of them.
            feed_dict: arrays, lists or numbers for placeholders or for any other tensor, whose value they replace.

        Returns:
            The fetches' structure with a numpy array for each tensor, or a numpy number where its rank is 0, and None
            for an operation. A fetched variable has its value after the run.

        Raises:
            FeedError: a needed placeholder is not fed, or a feed does not fit.
            UninitializedError: a variable is read before it has a value.
        """
        if self._closed:
            raise GraphError("the session is closed")
        leaves: list[Tensor | Operation] = []
        structure = self._flatten(fetches, leaves)
        feeds = self._feeds(feed_dict)
        fed = tuple(feeds)
        key = (tuple(map(id, leaves)), tuple(map(id, fed)))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = _compile(leaves, fed, self._state)
        arrays = [_feed_array(t, v) for t, v in feeds.items()]
        _check_symbols(fed, arrays)
        values = _execute(plan, arrays, self._state)
        results = [self._fetched(leaf, slot, values) for leaf, slot in zip(leaves, plan.fetches, strict=True)]
        return _rebuild(structure, results)

    def _fetched(self, leaf: Tensor | Operation, slot: int, values: Sequence[Any]) -> Any:
        if slot == _OPERATION:
            return None
        value = self._state.read(leaf.op) if slot == _VARIABLE and isinstance(leaf, Tensor) else values[slot]
        if not isinstance(value, np.ndarray):
            return value
        if value.ndim == 0:
            return value[()]
        # What the session goes on using is read-only; the caller gets an array of his own.
        return value if value.flags.writeable else value.copy()

    def trace(
        self, fetches: Sequence[Tensor], feed_dict: Mapping[Any, Any] | None = None
    ) -> Generator[tuple[Tensor, Array], Array | None, None]:
        """Runs what the fetches need, once, and gives each fetch as soon as it is there.

        Nothing is kept longer than the run needs it. An array that is sent takes the place of the value that was given,
        for what is still to run.

        Args:
            fetches: tensors that operations compute; others come first.
            feed_dict: as for `run`.

        Raises:
            FeedError, UninitializedError: as `run`.
        """
        if self._closed:
            raise GraphError("the session is closed")
        feeds = self._feeds(feed_dict)
        fed = tuple(feeds)
        unique = list({id(t): t for t in fetches}.values())
        key = ("trace", tuple(map(id, unique)), tuple(map(id, fed)))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = _compile(unique, fed, self._state, keep_fetches=False)
        arrays = [_feed_array(t, v) for t, v in feeds.items()]
        _check_symbols(fed, arrays)
        values = plan.values.copy()
        values[: len(arrays)] = arrays
        places: dict[int, Tensor] = {}
        computed = {slot for step in plan.steps for slot in step.outputs}
        for tensor, slot in zip(unique, plan.fetches, strict=True):
            if slot in computed:
                places[slot] = tensor
            else:
                yield tensor, np.asarray(self._fetched(tensor, slot, values))
        for step in plan.steps:
            self._step(step, values)
            for slot in step.outputs:
                if slot in places:
                    sent = yield places[slot], np.asarray(values[slot])
                    if sent is not None:
                        values[slot] = sent
            for slot in step.release:
                values[slot] = None

    def _step(self, step: _Step, values: list[Any]) -> None:
        """One operation, with its values in the table of live values."""
        try:
            with np.errstate(all="ignore"):
                arguments = [values[slot] for slot in step.inputs]
                for place, variable in step.reads:
                    arguments[place] = self._state.read(variable)
                result = step.run(numpy_backend.namespace, step.call, *arguments)
                results = result if isinstance(result, (list, tuple)) else [result]
                for slot, array in zip(step.outputs, results, strict=True):
                    values[slot] = array
        except SamaraError:
            raise
        except Exception as error:
            raise _failed(step, arguments, error) from error

    def _flatten(self, fetch: Any, leaves: list[Tensor | Operation]) -> Any:
        if isinstance(fetch, (list, tuple)):
            parts = [self._flatten(f, leaves) for f in fetch]
            if hasattr(fetch, "_fields"):
                return ("named", type(fetch), parts)
            return ("sequence", type(fetch), parts)
        if isinstance(fetch, dict):
            return ("dict", type(fetch), {k: self._flatten(f, leaves) for k, f in fetch.items()})
        leaves.append(self._resolve(fetch))
        return ("leaf", None, len(leaves) - 1)

    def _resolve(self, fetch: Any, how: str = "fetched") -> Tensor | Operation:
        if hasattr(fetch, "as_graph_tensor"):
            fetch = fetch.as_graph_tensor()
        if isinstance(fetch, str):
            fetch = (
                self.graph.get_tensor_by_name(fetch)
                if ":" in fetch
                else self.graph.get_operation_by_name(fetch)
            )
        if not isinstance(fetch, (Tensor, Operation)):
            several = ", or a list of them" if isinstance(fetch, (set, Iterator)) else ""
            raise TypeError(
                f"{shown(fetch)} cannot be {how}: give a tensor, a variable, an operation or a name{several}"
            )
        if fetch.graph is not self.graph:
            raise GraphError(f"{fetch.name} belongs to another graph than the session's")
        return fetch

    def _feeds(self, feed_dict: Mapping[Any, Any] | None) -> dict[Tensor, Any]:
        if feed_dict is None:
            return {}
        if not isinstance(feed_dict, Mapping):
            raise TypeError(
                f"feed_dict is of type {type(feed_dict).__name__}: expected a dict from tensors to arrays, as in "
                "session.run(y, {x: array})"
            )
        return {self._feed_key(k): v for k, v in feed_dict.items()}

    def _feed_key(self, key: Any) -> Tensor:
        resolved = self._resolve(key, "fed")
        if isinstance(resolved, Operation):
            raise TypeError(f"{resolved.name} is an operation, not a tensor: feed {resolved.name}:0")
        return resolved

    def as_default(self) -> Any:
        """A context manager that makes it the default session."""
        return _DefaultSession(self)

    def close(self) -> None:
        """Releases the variables; the session cannot be used any more."""
        self._closed = True
        self._plans.clear()
        self._state.variables.clear()

    def __enter__(self) -> Session:
        self._graph_scope = self.graph.as_default()
        self._graph_scope.__enter__()
        _sessions.stack.append(self)
        return self

    def __exit__(self, *exc: object) -> None:
        _sessions.leave(self)
        self._graph_scope.__exit__(None, None, None)
        self.close()


class InteractiveSession(Session):
    """A session that is the default one from its construction until it is closed."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        _sessions.stack.append(self)

    def close(self) -> None:
        """Stops being the default session and releases the variables."""
        if self in _sessions.stack:
            _sessions.leave(self)
        super().close()


class _DefaultSession:
    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Session:
        _sessions.stack.append(self._session)
        return self._session

    def __exit__(self, *exc: object) -> None:
        _sessions.leave(self._session)


class _Sessions(threading.local):
    def __init__(self) -> None:
        self.stack: list[Session] = []

    def leave(self, session: Session) -> None:
        """Takes out the innermost entry of a session."""
        del self.stack[len(self.stack) - 1 - self.stack[::-1].index(session)]


_sessions = _Sessions()


def get_default_session() -> Session | None:
    """The innermost default session, or None."""
    return _sessions.stack[-1] if _sessions.stack else None


def default_session() -> Session:
    """The innermost default session.

    Raises:
        GraphError: there is none.
    """
    session = get_default_session()
    if session is None:
        raise GraphError("there is no default session: use `with samara.Session():`, or pass session=")
    return session


def _execute(plan: _Plan, feeds: Sequence[Array], state: State) -> list[Any]:
    """The table of live values after the steps of a plan."""
    values = plan.values.copy()
    values[: len(feeds)] = feeds
    xp = numpy_backend.namespace
    read = state.read
    arguments: list[Any] = []
    step = None
    try:
        with np.errstate(all="ignore"):
            for step in plan.steps:
                arguments = [values[slot] for slot in step.inputs]
                for place, variable in step.reads:
                    arguments[place] = read(variable)
                result = step.run(xp, step.call, *arguments)
                outputs = step.outputs
                if len(outputs) == 1 and not isinstance(result, (list, tuple)):
                    values[outputs[0]] = result
                else:
                    for slot, array in zip(outputs, result, strict=True):
                        values[slot] = array
                for slot in step.release:
                    values[slot] = None
    except SamaraError:
        raise
    except Exception as error:
        if step is None:
            raise
        raise _failed(step, arguments, error) from error
    return values


def _compile(
    fetches: Sequence[Tensor | Operation], fed: Sequence[Tensor], state: State, *, keep_fetches: bool = True
) -> _Plan:
    """What must run for the fetches, with a place for each value."""
    fed_ids = {id(t) for t in fed}
    order = _needed(fetches, fed_ids)
    slots: dict[int, int] = {id(t): i for i, t in enumerate(fed)}
    values: list[Any] = [None] * len(fed)
    last_use: dict[int, int] = {}
    steps: list[_Step] = []
    for op in order:
        if op.type in ("placeholder", "variable"):
            continue
        if op.type == "constant":
            slots.setdefault(id(op.outputs[0]), len(values))
            values.append(op.a.value)
            continue
        inputs: list[int] = []
        reads: list[tuple[int, Operation]] = []
        for operand, tensor in _with_operands(op):
            slot = _ABSENT
            if tensor is not None and not operand.state:
                if tensor.op.type == "variable" and id(tensor) not in fed_ids:
                    reads.append((len(inputs), tensor.op))
                else:
                    slot = slots[id(tensor)]
                    last_use[slot] = len(steps)
            inputs.append(slot)
        outputs = []
        for tensor in op.outputs:
            # A fed output keeps the feed's place: what the op computes for it is released at once.
            slots.setdefault(id(tensor), len(values))
            last_use[len(values)] = len(steps)
            outputs.append(len(values))
            values.append(None)
        run = numpy_backend.overrides.get(op.type, op.definition.reference)
        steps.append(_Step(run, Call(op, state), tuple(inputs), tuple(reads), tuple(outputs), ()))
    fetched = tuple(_fetch_slot(f, slots, fed_ids) for f in fetches)
    values.append(None)
    release: dict[int, list[int]] = {}
    for slot, last in last_use.items():
        if slot not in fetched or not keep_fetches:
            release.setdefault(last, []).append(slot)
    released = tuple(replace(s, release=tuple(release.get(i, ()))) for i, s in enumerate(steps))
    return _Plan(released, fetched, values)


def _fetch_slot(fetch: Tensor | Operation, slots: dict[int, int], fed: set[int]) -> int:
    if isinstance(fetch, Operation):
        return _OPERATION
    if fetch.op.type == "variable" and id(fetch) not in fed:
        return _VARIABLE
    return slots[id(fetch)]


def _needed(fetches: Sequence[Tensor | Operation], fed: set[int]) -> list[Operation]:
    """What must run for the fetches, in the order of construction.

    Raises:
        FeedError: a placeholder among them is not fed.
    """
    needed: dict[Operation, None] = {}
    pending = [f if isinstance(f, Operation) else f.op for f in fetches if id(f) not in fed]
    while pending:
        op = pending.pop()
        if op in needed:
            continue
        needed[op] = None
        pending += [t.op for t in op.given_inputs if id(t) not in fed]
        pending += op.control_inputs
    order = sorted(needed, key=lambda o: o.id)
    unfed = [op for op in order if op.type == "placeholder" and id(op.outputs[0]) not in fed]
    if unfed:
        listed = "; ".join(
            f"{op.outputs[0].name} {op.outputs[0].dtype.name}{dims.text(op.outputs[0].shape)}"
            + (f" (made at {op.source})" if op.source else "")
            for op in unfed
        )
        raise FeedError(f"a value must be fed for {listed}")
    return order


def _failed(step: _Step, arguments: Sequence[Any], error: Exception) -> GraphError:
    op = step.call.operation
    shapes = ", ".join("-" if a is None else f"{a.dtype}{list(a.shape)}" for a in arguments)
    where = f" (made at {op.source})" if op.source else ""
    return GraphError(f"{op.type} {op.name!r} failed on {shapes}{where}: {error}")


def _with_operands(op: Operation) -> list[tuple[Any, Tensor | None]]:
    operands = list(op.definition.operands)
    if operands and operands[-1].variadic:
        operands = operands[:-1] + [operands[-1]] * (len(op.inputs) - len(operands) + 1)
    return list(zip(operands, op.inputs, strict=True))


def _feed_array(tensor: Tensor, value: Any) -> Array:
    if isinstance(value, Tensor) or hasattr(value, "as_graph_tensor"):
        raise FeedError(f"{tensor.name}: a feed must be an array, not a tensor of the graph")
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
        if array.dtype == object and array.ndim == 0:
            raise TypeError(f"found {type(value).__name__}, not an array or numbers")
        if array.dtype.kind not in "fiub":
            raise TypeError(f"an array of {array.dtype} is not one of numbers")
        if tensor.dtype.is_integer and array.dtype != tensor.dtype.numpy and array.size:
            if array.dtype.kind == "f" and not np.array_equal(array, np.trunc(array)):
                raise TypeError("numbers with a fraction do not fit an integer tensor")
            limits = np.iinfo(tensor.dtype.numpy)
            # Of Python's numbers, which compare exactly whatever their types.
            for least_or_most in (array.min().item(), array.max().item()):
                if not limits.min <= least_or_most <= limits.max:
                    raise TypeError(f"{least_or_most} is outside {limits.min}..{limits.max}")
        array = array.astype(tensor.dtype.numpy, copy=False)
    except (TypeError, ValueError) as error:
        raise FeedError(
            f"{tensor.name} expects {tensor.dtype.name}{dims.text(tensor.shape)}: {error}"
        ) from None
    if tensor.shape is not None and (
        len(tensor.shape) != array.ndim
        or any(isinstance(d, int) and d != n for d, n in zip(tensor.shape, array.shape, strict=True))
    ):
        raise FeedError(
            f"{tensor.name} expects shape {dims.text(tensor.shape)}, the feed has shape {list(array.shape)}"
        )
    return array


def _check_symbols(fed: Sequence[Tensor], arrays: Sequence[Array]) -> None:
    """One named dimension must have one size in all feeds, within its bounds; expressions of them must agree."""
    sizes: dict[dims.Symbol, tuple[int, str]] = {}
    expressions: list[tuple[dims.Dim, int, str]] = []
    for tensor, array in zip(fed, arrays, strict=True):
        for dimension, size in zip(tensor.shape or (), array.shape, strict=False):
            if not isinstance(dimension, dims.Dim) or dimension.anonymous:
                continue
            symbol = dimension.symbol
            if symbol is None:
                expressions.append((dimension, size, tensor.name))
                continue
            if not symbol.minimum <= size <= symbol.maximum:
                raise FeedError(
                    f"{tensor.name}: dimension {symbol.name} is {size}, outside {symbol.minimum}..{symbol.maximum}"
                )
            known, where = sizes.setdefault(symbol, (size, tensor.name))
            if known != size:
                raise FeedError(f"dimension {symbol.name} is {known} in {where} but {size} in {tensor.name}")
    values = {symbol: size for symbol, (size, _) in sizes.items()}
    for dimension, size, name in expressions:
        if dimension.symbols <= values.keys() and dimension.evaluate(values) != size:
            bound = ", ".join(f"{s.name}={n}" for s, n in values.items())
            raise FeedError(
                f"{name}: dimension {dimension} is {size}, not {dimension.evaluate(values)} with {bound}"
            )


def _rebuild(structure: Any, results: Sequence[Any]) -> Any:
    kind, type_, parts = structure
    if kind == "leaf":
        return results[parts]
    if kind == "dict":
        return type_((k, _rebuild(p, results)) for k, p in parts.items())
    rebuilt = [_rebuild(p, results) for p in parts]
    return type_(*rebuilt) if kind == "named" else type_(rebuilt)


__all__ = [
    "Call",
    "InteractiveSession",
    "Session",
    "State",
    "compute",
    "default_session",
    "get_default_session",
]
