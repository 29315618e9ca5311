"""What a front-end gives back, and how it collects what it cannot do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from samara.errors import ExportError
from samara.exporter.freeze import Signature, named
from samara.graph.control import BodyGraph
from samara.graph.dtypes import DType
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor

Array = np.ndarray[Any, Any]

# Runs one signature of the source itself: (signature name, arrays by input name) -> arrays by output name.
Run = Callable[[str, Mapping[str, Array]], Mapping[str, Array]]


class OracleError(Exception):
    """The source's own framework does not run it."""


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """The source, run by its own framework.

    `start`, and what it returns, raise `OracleError` when the framework does not take the source.

    Attributes:
        name: what runs it, as "onnxruntime 1.20".
        start: begins anew, with freshly reset state, and returns what runs one signature.
        exact: whether integer outputs must be equal to the source's bit for bit.
    """

    name: str
    start: Callable[[], Run]
    exact: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportedModel:
    """A model of another framework as a Samara graph.

    Attributes:
        graph: holds the model; another program may go on building in it.
        signatures: what can be run: inputs and outputs by name, in the source's order.
        session: has the values of the graph's variables: trainable weights, and state.
        origin: what it was made from, for people: "ONNX opset 8, mnist8.onnx".
        samples: for each signature, example inputs by name that came with the source; None when there are none.
        oracle: runs the source itself; None when its framework is not installed.
        metadata: texts of the source that belong into the file.
        quantization: scale, zero point and axis of integer tensors that stand for real ones, by tensor name.
        nodes: how often the source has each kind of node.
        warnings: what the caller should know.
        state: what the variables that the model writes start with; an export starts with it, too.
    """

    graph: Graph
    signatures: tuple[Signature, ...]
    session: Session
    origin: str
    samples: Sequence[Sequence[Mapping[str, Array]]] | None = None
    oracle: Oracle | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    quantization: Mapping[str, Any] = field(default_factory=dict)
    nodes: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    state: Mapping[str, Array] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        written = set[str]().union(*(op.writes for op in self.graph.operations))
        values = {n: v for n, v in self.session.variables.items() if n in written}
        object.__setattr__(self, "state", values)

    def reset(self) -> None:
        """Gives the state in the session the values that the source starts with."""
        self.session.variables.update(self.state)

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The inputs of the first signature."""
        return named(self.signatures[0].inputs)

    @property
    def outputs(self) -> dict[str, Tensor]:
        """The outputs of the first signature."""
        return named(self.signatures[0].outputs)

    def run(self, inputs: Mapping[str, Any], *, signature: str | None = None) -> dict[str, Array]:
        """Runs a signature in the session, which keeps the state for the next run.

        Args:
            inputs: an array for each input, by name.
            signature: its name; the first when None.

        Raises:
            ValueError: no signature has that name, or an input is missing or unknown.
        """
        by_name = {s.name: s for s in self.signatures}
        if signature is not None and signature not in by_name:
            raise ValueError(f"no signature is called {signature!r}; there are {', '.join(by_name)}")
        chosen = self.signatures[0] if signature is None else by_name[signature]
        tensors = named(chosen.inputs)
        if set(inputs) != set(tensors):
            raise ValueError(f"given are {', '.join(inputs) or 'none'}, the inputs are {', '.join(tensors)}")
        fetched = self.session.run(named(chosen.outputs), {tensors[n]: a for n, a in inputs.items()})
        return {name: np.asarray(value) for name, value in fetched.items()}

    def __repr__(self) -> str:
        first = self.signatures[0]
        texts = [
            ", ".join(f"{n}: {t.dtype.name}{list(t.shape or ())}" for n, t in named(e).items())
            for e in (first.inputs, first.outputs)
        ]
        more = f", {len(self.signatures)} signatures" if len(self.signatures) > 1 else ""
        return f"ImportedModel({self.origin}, {texts[0]} -> {texts[1]}{more})"


def sample_of(given: Any, inputs: Sequence[str]) -> dict[str, Any]:
    """Arrays by input name, of a mapping, of arrays in order, or of the array of a single input.

    Raises:
        ValueError: there are other inputs, or another number of them.
    """
    if not isinstance(given, Mapping):
        arrays = given if isinstance(given, (list, tuple)) else [given]
        if len(arrays) != len(inputs):
            count = "1 array" if len(arrays) == 1 else f"{len(arrays)} arrays"
            raise ValueError(f"a sample has {count}, the inputs are {', '.join(inputs)}")
        given = dict(zip(inputs, arrays, strict=True))
    if set(given) != set(inputs):
        raise ValueError(f"a sample has {', '.join(given) or 'nothing'}, the inputs are {', '.join(inputs)}")
    return dict(given)


@dataclass(frozen=True)
class Problem:
    """One thing that stands in the way of an import.

    Attributes:
        where: the node, by kind and name.
        what: what is not supported or wrong: what was expected, what was found.
        mend: what to change.
    """

    where: str
    what: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f": {self.mend}" if self.mend else "")


class Problems:
    """Collects everything that an import cannot do, so that it is told at once.

    Args:
        origin: the source, for the message.

    Attributes:
        nodes: the front-end counts here the kinds of nodes that it meets.
    """

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.found: list[Problem] = []
        self.nodes: Counter[str] = Counter()
        self._stood_in: set[int] = set()

    def add(self, where: str, what: str, mend: str = "") -> None:
        """Notes a problem; the same one twice counts once."""
        problem = Problem(where, what, mend)
        if problem not in self.found:
            self.found.append(problem)

    def stand_in(self, graph: Graph, name: str, dtype: DType, shape: Sequence[Any] | None = None) -> Tensor:
        """A placeholder for what an unsupported node would have computed, so that the nodes after it can be read."""
        made = graph.apply("placeholder", [], {"dtype": dtype, "shape": shape}, name=name).outputs[0]
        self._stood_in.add(id(made))
        return made

    def refuse(self, where: str, inputs: Sequence[Any], what: str, mend: str = "") -> None:
        """Notes a problem of a node, unless it only follows from an earlier one: an input depends on a stand-in."""
        if not any(isinstance(t, Tensor) and self._follows(t) for t in inputs):
            self.add(where, what, mend)

    def _follows(self, tensor: Tensor) -> bool:
        pending, seen = [tensor] if self._stood_in else [], set()
        while pending:
            current = pending.pop()
            if id(current) in self._stood_in:
                return True
            if id(current) not in seen:
                seen.add(id(current))
                pending += current.op.given_inputs
                for body in current.op.bodies.values():
                    pending += body.outputs
                if current.op.type == "placeholder" and isinstance(current.graph, BodyGraph):
                    pending += [outer for outer, t in current.graph.captured.items() if t is current]
        return False

    def raise_if_any(self) -> None:
        """Raises ExportError with all that was noted."""
        if not self.found:
            return
        texts = tuple(map(str, self.found))
        count = "1 thing" if len(texts) == 1 else f"{len(texts)} things"
        verb = "stands" if len(texts) == 1 else "stand"
        raise ExportError(
            f"{self.origin}: {count} {verb} in the way of the import:\n- " + "\n- ".join(texts),
            texts,
            self.nodes,
        )


__all__ = ["ImportedModel", "Oracle", "OracleError", "Problem", "Problems", "Run", "sample_of"]
