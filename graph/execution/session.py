"""Sessions: running a graph on arrays.

What a fetch list needs is compiled once, to a `Plan`: the operations between feeds and fetches, in the order of
construction. A run is a loop over its steps. Variables live in the session; an operation that reads a variable sees the
value at that moment, so control dependencies order reads and writes.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Hashable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from samara.errors import CancelledError, GraphError, shown
from samara.graph import backends, dims
from samara.graph.execution.config import ConfigProto, RunMetadata, RunOptions
from samara.graph.execution.feeds import Feeds
from samara.graph.execution.placement import Placement
from samara.graph.execution.plan import compile_plan
from samara.graph.execution.state import Call, State, Variables
from samara.graph.execution.step import VARIABLE, Plan, execute, execute_traced, stepwise
from samara.graph.graph import Graph, Operation, Tensor, get_default_graph
from samara.graph.graph_def import GraphDef
from samara.graph.sparse.tensor import SparseTensor, SparseTensorValue, spread

Array = np.ndarray[Any, Any]


def compute(operation: Operation, inputs: Sequence[Array | None]) -> list[Array]:
    """The outputs of one stateless operation on arrays of numpy, outside of any session."""
    state = State(None)
    backend, host = state.backend, state.placement.host
    run = backend.override(operation.type) or operation.definition.reference
    with backend.running():
        result = run(backend.namespace(host), Call(operation, state), *inputs)
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    return [np.asarray(r, dtype=t.dtype.numpy) for r, t in zip(results, operation.outputs, strict=True)]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a run needs besides the values of its feeds.

    Attributes:
        held: the fetches and the keys of the feeds: while they are held, nothing else has their identity.
        single: whether a tensor or an operation was fetched by itself.
        sparse: whether a sparse tensor is fed.
    """

    held: tuple[Any, ...]
    leaves: tuple[Tensor | Operation, ...]
    structure: Any
    single: bool
    feeds: Feeds
    plan: Plan
    sparse: bool

    def variable(self, number: int) -> Operation:
        """The variable that a fetch is."""
        leaf = self.leaves[number]
        return leaf.op if isinstance(leaf, Tensor) else leaf


class Session:
    """Runs a graph.

    Args:
        target: "" for this process; or the target of a `train.Server` of this process, whose tasks then run what is
            placed on them: `docs/distributed.md`.
        graph: the graph; the default graph when None.
        config: a ConfigProto, or None: which backend computes, on which devices.

    A session is also a context manager: within `with session:` it is the default session.

    Raises:
        GraphError: the backend is not known, or its library is not installed.
    """

    def __init__(
        self, target: str = "", graph: Graph | None = None, config: ConfigProto | None = None
    ) -> None:
        server = None
        if target and target != "local":
            from samara.graph.cluster.server import find_server

            server = find_server(target)
        self.graph = graph if graph is not None else get_default_graph()
        self.config = config if config is not None else ConfigProto()
        backend = backends.find(self.config.backend)
        backend.configure(self.config)
        placement = Placement(
            backend,
            backend.devices(self.config),
            self.graph,
            soft=self.config.allow_soft_placement,
            log=self.config.log_device_placement,
            server=server,
        )
        self._state = State(self.graph.seed, backend, placement, self.config)
        self._plans: dict[Any, Plan] = {}
        self._prepared: dict[Hashable, _Prepared] = {}
        self._closed = False
        self._graph_scope: Any = None

    @property
    def variables(self) -> MutableMapping[str, Array]:
        """The variables' values by name; to be read, or replaced by arrays of the same shape and dtype."""
        return Variables(self._state)

    @property
    def graph_def(self) -> GraphDef:
        """What the graph is made of, to be read."""
        return self.graph.as_graph_def()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def list_devices(self) -> list[str]:
        """The names of the devices, "/cpu:0"."""
        return [d.name for d in self._state.placement.devices]

    def read(self, variable: Operation) -> Array:
        """The value of a variable, of the session's graph or of a sub-graph, by its name.

        Raises:
            UninitializedError: it has none yet.
        """
        if self._state.placement.task(variable) is not None:
            return np.asarray(self.run(variable.outputs[0]))
        return self._state.backend.shown(self._state.read(variable))

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
        if self._state.placement.task(tensor.op) is not None:
            self.run(variable.initializer, {variable.initializer.inputs[1]: array})
            return
        self._state.write(tensor.op, array)

    def run(
        self,
        fetches: Any,
        feed_dict: Mapping[Any, Any] | None = None,
        options: RunOptions | None = None,
        run_metadata: RunMetadata | None = None,
    ) -> Any:
        """Runs what the fetches need, once.

        Args:
            fetches: a tensor, variable, operation or name of one, or nested lists, tuples and dicts of them.
            feed_dict: arrays, lists or numbers for placeholders or for any other tensor, whose value they replace; with
                the backend torch, torch tensors too. For a SparseTensor a SparseTensorValue.
            options: with trace_level=RunOptions.FULL_TRACE, each step is timed and noted in `run_metadata`.
            run_metadata: gets the trace.

        Returns:
            The fetches' structure with a numpy array for each tensor, or a numpy number where its rank is 0, and None
            for an operation. A fetched variable has its value after the run; a SparseTensor is a SparseTensorValue.

        Raises:
            FeedError: a needed placeholder is not fed, or a feed does not fit.
            UninitializedError: a variable is read before it has a value.
            GraphError: an operation cannot run on the device that it was asked to run on.
        """
        if self._closed:
            raise CancelledError("the session is closed")
        prepared = self._prepare(fetches, feed_dict)
        plan = prepared.plan
        if feed_dict:
            given = spread(feed_dict) if prepared.sparse else tuple(feed_dict.values())
            arrays = prepared.feeds.arrays(given)
        else:
            arrays = []
        if options is not None and run_metadata is not None and options.trace_level:
            values = execute_traced(plan, arrays, self._state, run_metadata)
        else:
            values = execute(plan, arrays, self._state)
        numpy = self._state.backend.numpy
        for number, slot in enumerate(plan.fetches):
            if slot >= 0:
                values[number] = numpy(values[number], copy=plan.shared[number])
            elif slot == VARIABLE:
                values[number] = numpy(self._state.read(prepared.variable(number)), copy=True)
        return values[0] if prepared.single else _rebuild(prepared.structure, values)

    def make_callable(self, fetches: Any, feed_list: Sequence[Any] | None = None) -> Any:
        """A function of the values of `feed_list`, in their order, that runs `fetches`.

        Args:
            fetches: as for `run`.
            feed_list: the tensors that the function is given values for.

        Raises:
            TypeError: the function is called with another number of values.
        """
        keys = list(feed_list or ())

        def call(*values: Any) -> Any:
            if len(values) != len(keys):
                raise TypeError(
                    f"expected {len(keys)} values, one for each of feed_list, found {len(values)}"
                )
            return self.run(fetches, dict(zip(keys, values, strict=True)))

        return call

    def _prepare(self, fetches: Any, feed_dict: Mapping[Any, Any] | None) -> _Prepared:
        """The compiled fetch list: found by the very objects, or else by the tensors that they stand for."""
        key = _identity(fetches, feed_dict)
        if key is not None:
            known = self._prepared.get(key)
            if known is not None:
                return known
        leaves: list[Tensor | Operation] = []
        structure = self._flatten(fetches, leaves)
        fed = self._fed(feed_dict)
        place = (tuple(map(id, leaves)), tuple(map(id, fed)))
        plan = self._plans.get(place)
        if plan is None:
            plan = self._plans[place] = compile_plan(leaves, fed, self._state)
        prepared = _Prepared(
            held=(*(fetches if isinstance(fetches, (list, tuple)) else [fetches]), *(feed_dict or ())),
            leaves=tuple(leaves),
            structure=structure,
            single=structure[0] == "leaf",
            feeds=Feeds(fed, self._state.backend),
            plan=plan,
            sparse=any(isinstance(k, SparseTensor) for k in feed_dict or ()),
        )
        if key is not None:
            self._prepared[key] = prepared
        return prepared

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
            raise CancelledError("the session is closed")
        state = self._state
        fed = self._fed(feed_dict)
        unique = list({id(t): t for t in fetches}.values())
        # Each operation by itself, as what is sent belongs to one tensor.
        key = ("trace", tuple(map(id, unique)), tuple(map(id, fed)))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = compile_plan(unique, fed, state, keep_fetches=False, optimise=False)
        arrays = Feeds(fed, state.backend).arrays(spread(feed_dict or {}))
        values = plan.values.copy()
        values[: len(arrays)] = arrays
        places: dict[int, Tensor] = {}
        computed = {slot for step in plan.steps for slot in step.outputs}
        for tensor, slot in zip(unique, plan.fetches, strict=True):
            if slot in computed:
                places[slot] = tensor
            else:
                value = state.read(tensor.op) if slot == VARIABLE else values[slot]
                yield tensor, np.asarray(state.backend.numpy(value, copy=True))
        del values
        for step, values in stepwise(plan, arrays, state):
            for slot in step.outputs:
                if slot in places:
                    sent = yield places[slot], np.asarray(state.backend.numpy(values[slot], copy=True))
                    if sent is not None:
                        values[slot] = state.backend.owned(sent, step.device)

    def _flatten(self, fetch: Any, leaves: list[Tensor | Operation]) -> Any:
        if isinstance(fetch, (list, tuple)):
            parts = [self._flatten(f, leaves) for f in fetch]
            if hasattr(fetch, "_fields"):
                return ("named", type(fetch), parts)
            return ("sequence", type(fetch), parts)
        if isinstance(fetch, dict):
            return ("dict", type(fetch), {k: self._flatten(f, leaves) for k, f in fetch.items()})
        if isinstance(fetch, SparseTensor):
            parts = [self._flatten(f, leaves) for f in fetch.components]
            return ("named", SparseTensorValue, parts)
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

    def _fed(self, feed_dict: Mapping[Any, Any] | None) -> list[Tensor]:
        if feed_dict is None:
            return []
        if not isinstance(feed_dict, Mapping):
            raise TypeError(
                f"feed_dict is of type {type(feed_dict).__name__}: expected a dict from tensors to arrays, as in "
                "session.run(y, {x: array})"
            )
        return [
            self._feed_key(part)
            for k in feed_dict
            for part in (k.fed() if isinstance(k, SparseTensor) else [k])
        ]

    def _feed_key(self, key: Any) -> Tensor:
        resolved = self._resolve(key, "fed")
        if isinstance(resolved, Operation):
            raise TypeError(f"{resolved.name} is an operation, not a tensor: feed {resolved.name}:0")
        return resolved

    def as_default(self) -> Any:
        """A context manager that makes it the default session."""
        return _DefaultSession(self)

    def close(self) -> None:
        """Releases the variables; the session cannot be used any more.

        What waits in another thread for a queue of the session ends with a CancelledError.
        """
        self._closed = True
        self._state.resources.close()
        self._plans.clear()
        self._prepared.clear()
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

    def __init__(
        self, target: str = "", graph: Graph | None = None, config: ConfigProto | None = None
    ) -> None:
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


def _identity(fetches: Any, feed_dict: Mapping[Any, Any] | None) -> Hashable:
    """What tells a call from others by its very fetches and feeds; None for nested fetches."""
    if feed_dict is None:
        feeds: tuple[Hashable, ...] = ()
    elif isinstance(feed_dict, dict):
        feeds = tuple([k if type(k) is str else id(k) for k in feed_dict])
    else:
        return None
    if isinstance(fetches, (list, tuple)):
        if any(isinstance(f, (list, tuple, dict)) for f in fetches):
            return None
        return type(fetches), tuple([f if type(f) is str else id(f) for f in fetches]), feeds
    if isinstance(fetches, dict):
        return None
    return fetches if type(fetches) is str else id(fetches), feeds


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
