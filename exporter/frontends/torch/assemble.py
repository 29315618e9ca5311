"""The whole model around the nodes: inputs, weights, state, outputs, and torch as the oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch.export.graph_signature import InputKind, OutputKind, TensorArgument
from torch.utils import _pytree as pytree

from samara.exporter.freeze import Signature
from samara.exporter.frontends.imported import ImportedModel, Oracle, Problems
from samara.exporter.frontends.torch import handlers, naming
from samara.exporter.frontends.torch.element_types import samara_dtype, to_numpy, torch_dtype
from samara.exporter.frontends.torch.program import Source, largest
from samara.exporter.frontends.torch.reader import Reader
from samara.graph import dims, dtypes
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.variables import Variable

Array = np.ndarray[Any, Any]
handlers.register_all()


def assemble(source: Source, *, trainable: bool) -> ImportedModel:
    """Builds the graph of a program.

    Raises:
        ExportError: everything in it that is not supported.
    """
    problems = Problems(source.origin)
    graph = Graph()
    reader = Reader(graph, problems)
    model = _Model(source, reader, trainable)
    outputs = model.build()
    problems.raise_if_any()
    return ImportedModel(
        graph=graph,
        signatures=(Signature(outputs, inputs=model.inputs),),
        session=model.session,
        origin=source.origin,
        samples=model.samples() or None,
        oracle=model.oracle(),
        metadata=model.metadata(),
        nodes=dict(problems.nodes),
        warnings=source.warnings,
    )


class _Model:
    def __init__(self, source: Source, reader: Reader, trainable: bool) -> None:
        self.source = source
        self.program = source.program
        self.reader = reader
        self.graph = reader.graph
        self.trainable = trainable
        self.session = Session(graph=self.graph)
        self.inputs: dict[str, Tensor] = {}
        self.states: dict[str, Variable] = {}
        self.leaf_names: list[str | None] = []
        self.output_names: list[str | None] = []
        self._weights: dict[Any, Any] = {}

    def build(self) -> dict[str, Tensor]:
        """Reads everything; returns the outputs by name."""
        module = self.program.graph_module
        metas = {n.name: n.meta.get("val") for n in module.graph.nodes if n.op == "placeholder"}
        self._name_sizes(metas)
        values = _Lazily(self, metas)
        results = self.reader.read(module, values)
        return self._outputs(results)

    # Inputs -----------------------------------------------------------------------------------------------

    def _user_inputs(self) -> list[tuple[str, Any]]:
        """The name and torch's specification of each leaf of (args, kwargs)."""
        specs = [s for s in self.program.graph_signature.input_specs if s.kind is InputKind.USER_INPUT]
        return list(zip(self.source.names, specs, strict=True))

    def _name_sizes(self, metas: Mapping[str, Any]) -> None:
        """Gives each symbol of torch a named, bounded dimension, then makes the placeholders."""
        symbols = self.reader.symbols
        ranges = self.program.range_constraints
        tensors = [
            (name, metas[spec.arg.name])
            for name, spec in self._user_inputs()
            if isinstance(spec.arg, TensorArgument)
        ]
        for bare in (True, False):
            for name, meta in tensors:
                given = self.source.shapes.get(name)
                for axis, size in enumerate(meta.shape):
                    expression = getattr(getattr(size, "node", None), "expr", None)
                    if expression is None or not expression.free_symbols:
                        continue
                    wanted = given[axis] if given is not None else None
                    for symbol in expression.free_symbols:
                        if symbols.is_named(symbol.name) or bare != expression.is_Symbol:
                            continue
                        symbols.name(
                            symbol.name, self._dimension(name, axis, expression, symbol, wanted, ranges)
                        )
        for name, spec in self._user_inputs():
            if isinstance(spec.arg, TensorArgument):
                self.inputs[name] = self._placeholder(name, metas[spec.arg.name])
                self.leaf_names.append(name)
            else:
                self.leaf_names.append(None)

    def _dimension(
        self, name: str, axis: int, expression: Any, symbol: Any, wanted: Any, ranges: Mapping[Any, Any]
    ) -> dims.Dimension:
        """What a symbol of torch is."""
        if wanted is not None and expression.is_Symbol:
            return dims.as_dimension(wanted)
        if isinstance(wanted, Dim) and len(wanted.symbols) == 1:
            (found,) = wanted.symbols
            return Dim(found.name, found.minimum, found.maximum)
        bounds = ranges.get(symbol)
        maximum = largest(bounds.upper) if bounds is not None else None
        if maximum is None:
            self.reader.problems.add(
                f"input {name!r}",
                f"axis {axis} may have any size",
                f"give shapes={{{name!r}: [...]}} with Dim('n', 1, 8), or a number, for it",
            )
            maximum = 2
        minimum = largest(bounds.lower) or 0 if bounds is not None else 0
        return Dim(f"{name}_{axis}", minimum, maximum)

    def _placeholder(self, name: str, meta: torch.Tensor) -> Tensor:
        dtype = samara_dtype(meta.dtype)
        if dtype is None:
            self.reader.problems.add(f"input {name!r}", f"its element type is {meta.dtype}")
            dtype = dtypes.float32
        attributes = {"dtype": dtype, "shape": self.reader.symbols.shape(meta.shape)}
        made = self.graph.apply("placeholder", [], attributes, name=name).outputs[0]
        self.reader.symbols.found_in(made)
        return made

    def value(self, placeholder: str, meta: Any) -> Any:
        """What a placeholder of the program stands for."""
        for spec in self.program.graph_signature.input_specs:
            if getattr(spec.arg, "name", None) == placeholder:
                if spec.kind is InputKind.USER_INPUT:
                    if isinstance(spec.arg, TensorArgument):
                        names = {s.arg.name: n for n, s in self._user_inputs() if hasattr(s.arg, "name")}
                        return self.inputs[names[placeholder]]
                    return getattr(spec.arg, "value", meta)
                return self._held(spec)
        raise AssertionError(f"{placeholder} is an input of the program")

    def _held(self, spec: Any) -> Any:
        """A weight, a buffer or a constant."""
        target = str(spec.target)
        program = self.program
        if target in program.state_dict and spec.kind is not InputKind.CONSTANT_TENSOR:
            held = program.state_dict[target]
        else:
            held = program.constants[target]
        if not isinstance(held, torch.Tensor):
            self.reader.problems.add(
                target, f"it is a {type(held).__name__}, not a tensor", "leave it out of the model"
            )
            return held
        if samara_dtype(held.dtype) is None:
            self.reader.problems.add(target, f"its element type is {held.dtype}")
            held = torch.zeros(held.shape)
        mutated = target in program.graph_signature.buffers_to_mutate.values()
        if mutated:
            if target not in self.states:
                self.states[target] = self._variable(held, target, trainable=False)
            return self.states[target].as_graph_tensor()
        key = (held.data_ptr(), tuple(held.shape), held.stride(), held.dtype, held.numel() or target)
        if key not in self._weights:
            if self.trainable and spec.kind is InputKind.PARAMETER and held.dtype.is_floating_point:
                self._weights[key] = self._variable(held, target, trainable=True).as_graph_tensor()
            else:
                self._weights[key] = self.reader.constant_of(held, target)
        return self._weights[key]

    def _variable(self, held: torch.Tensor, target: str, *, trainable: bool) -> Variable:
        with self.graph.as_default():
            value = to_numpy(held)
            made = Variable(value, trainable, name=target.replace(".", "/"))
            self.session.load(made, value)
            return made

    # Outputs ----------------------------------------------------------------------------------------------

    def _outputs(self, results: Sequence[Any]) -> dict[str, Tensor]:
        specs = self.program.graph_signature.output_specs
        names = iter(naming.output_names(self.program.call_spec.out_spec))
        found: dict[str, Tensor] = {}
        writes: list[tuple[Variable, Tensor]] = []
        for spec, result in zip(specs, results, strict=True):
            if spec.kind is OutputKind.BUFFER_MUTATION:
                writes.append((self.states[str(spec.target)], result))
            elif spec.kind is OutputKind.USER_OUTPUT:
                name = next(names)
                if result is None or isinstance(result, (str, float, bool)):
                    self.output_names.append(None)
                    continue
                found[name] = self.reader.tensor(result)
                self.output_names.append(name)
            elif spec.kind is OutputKind.USER_INPUT_MUTATION:
                self.reader.problems.add(
                    f"input {spec.target!r}",
                    "the model writes into this input, and an input of a file is only read",
                    "return the new value instead, or keep it in a buffer",
                )
            else:
                self.reader.problems.add(
                    f"output {spec.arg}", f"outputs of kind {spec.kind.name} are not supported"
                )
        return self._written(found, writes)

    def _written(
        self, outputs: dict[str, Tensor], writes: Sequence[tuple[Variable, Tensor]]
    ) -> dict[str, Tensor]:
        """The outputs, with the state written in every run, after all that reads it."""
        b = self.graph.b
        reads = {id(v.as_graph_tensor()) for v in self.states.values()}

        def read(tensor: Tensor) -> Tensor:
            made: Tensor = b.identity(tensor) if id(tensor) in reads else tensor
            return made

        outputs = {name: read(t) for name, t in outputs.items()}
        held = [(v, read(t)) for v, t in writes]
        assigned = [v.assign(t) for v, t in held]
        if not assigned:
            if not outputs:
                self.reader.problems.add("output", "the model returns no tensor", "return one")
            return outputs
        if not outputs:
            return {v.op.name: t for (v, _), t in zip(writes, assigned, strict=True)}
        first, *others = outputs
        with self.graph.control_dependencies(assigned):
            return {first: b.identity(outputs[first]), **{n: outputs[n] for n in others}}

    # Beside the graph -------------------------------------------------------------------------------------

    def samples(self) -> list[list[dict[str, Array]]]:
        """The examples, by name."""
        found = []
        for leaves in self.source.examples:
            sample = {
                n: to_numpy(torch.as_tensor(x))
                for n, x in zip(self.leaf_names, leaves, strict=True)
                if n is not None
            }
            if self._fits(sample):
                found.append(sample)
        return [found] if found else []

    def _fits(self, sample: Mapping[str, Array]) -> bool:
        """Whether the sizes of a sample are within the bounds of the inputs."""
        for name, array in sample.items():
            for size, wanted in zip(array.shape, self.inputs[name].shape or (), strict=True):
                low, high = dims.bounds(wanted)
                if not low <= size <= high:
                    return False
        return True

    def metadata(self) -> dict[str, str]:
        """How inputs and outputs are nested."""
        spec = self.program.call_spec
        return {
            "torch.inputs": naming.structure(spec.in_spec, self.leaf_names),
            "torch.outputs": naming.structure(spec.out_spec, self.output_names),
        }

    def oracle(self) -> Oracle | None:
        """Torch, running the module."""
        eager = self.source.eager
        if eager is None:
            return None
        in_spec = self.program.call_spec.in_spec
        constants = self.source.examples[0] if self.source.examples else [None] * len(self.leaf_names)
        types = {n: torch_dtype(t.dtype) for n, t in self.inputs.items()}

        def start() -> Callable[[str, Mapping[str, Array]], dict[str, Array]]:
            module = eager()

            def run(signature: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
                leaves = [
                    constant if name is None else torch.from_numpy(np.array(arrays[name])).to(types[name])
                    for name, constant in zip(self.leaf_names, constants, strict=True)
                ]
                args, kwargs = pytree.tree_unflatten(leaves, in_spec)
                with torch.no_grad():
                    results = pytree.tree_leaves(module(*args, **kwargs))
                if len(results) != len(self.output_names):
                    # Leaves that are None are leaves to one version of the nesting only.
                    results = [r for r in results if r is not None]
                return {
                    name: to_numpy(torch.as_tensor(r))
                    for name, r in zip(self.output_names, results, strict=True)
                    if name is not None
                }

            return run

        return Oracle(name=f"torch {torch.__version__}", start=start)


class _Lazily(dict[str, Any]):
    """What placeholders of a program stand for, made when first asked for."""

    def __init__(self, model: _Model, metas: Mapping[str, Any]) -> None:
        super().__init__()
        self._model, self._metas = model, metas

    def __missing__(self, name: str) -> Any:
        self[name] = self._model.value(name, self._metas[name])
        return self[name]


__all__ = ["assemble"]
