"""From a module, an exported program or a file of one to a functional program of the ops that handlers know."""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from samara.errors import ExportError
from samara.exporter.frontends.torch import naming
from samara.exporter.frontends.torch.layers import whole_layers
from samara.exporter.frontends.torch.registry import handler_of, target_name
from samara.graph import dims
from samara.graph.dims import Dim


@dataclass(frozen=True, kw_only=True)
class Source:
    """A model ready to be read.

    Attributes:
        program: functional; its ops are those that handlers know, as far as torch can write them with these.
        origin: for people.
        names: of the leaves of (args, kwargs).
        examples: leaves of (args, kwargs) to run with, in lists; the first are the caller's.
        shapes: the caller's shapes by input name.
        eager: makes a callable that computes what the program does, with fresh state; None when there is none.
        warnings: what the caller should know.
    """

    program: torch.export.ExportedProgram
    origin: str
    names: list[str]
    examples: list[list[Any]]
    shapes: Mapping[str, dims.Shape]
    eager: Callable[[], Callable[..., Any]] | None
    warnings: tuple[str, ...]


def load(source: Any, inputs: Any, shapes: Mapping[str, Sequence[Any]]) -> Source:
    """Reads what `import_torch` was given.

    Raises:
        ExportError: torch cannot export the module, or the file is no exported program.
        TypeError, ValueError: inputs or shapes do not fit the source.
        OSError: the file cannot be read.
    """
    for name, shape in shapes.items():
        if isinstance(shape, (str, Mapping)) or not isinstance(shape, Sequence):
            raise TypeError(
                f"shapes[{name!r}] is {shape!r}: give a tuple with a number or a Dim for each axis"
            )
    wanted = {name: tuple(_dimension(d) for d in shape) for name, shape in shapes.items()}
    if isinstance(source, torch.nn.Module):
        return _of_module(source, inputs, wanted)
    if isinstance(source, torch.export.ExportedProgram):
        return _of_program(source, inputs, wanted, "torch.export program")
    path = Path(os.fspath(source))
    with path.open("rb"):
        pass
    for library in _LIBRARIES:
        with contextlib.suppress(ImportError), _quiet():
            importlib.import_module(library)
    try:
        with _quiet():
            program = torch.export.load(path)
    except Exception as error:
        raise ExportError(f"{path.name}: torch.export cannot load the file: {_first_line(error)}") from error
    return _of_program(program, inputs, wanted, f"torch.export program, {path.name}")


# They define ops that files may hold.
_LIBRARIES = ("torch.ao.quantization.fx._decomposed", "torchao", "torchvision")


@contextmanager
def _quiet() -> Iterator[None]:
    """Within it torch neither warns nor logs: what matters comes as an exception, which is told once."""
    logger = logging.getLogger("torch.export")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _dimension(value: Any) -> dims.Dimension:
    """A number, a dimension of ours or one of torch's."""
    if hasattr(value, "root") and hasattr(value, "fn"):
        # A multiple of a Dim plus a number: torch keeps it as a function of the number that the Dim is.
        offset = int(value.fn(0))
        return dims.as_dimension(_dimension(value.root) * (int(value.fn(1)) - offset) + offset)
    if isinstance(value, torch.export.Dim):
        maximum = value.max if _bounded(value.max) else dims.LARGEST
        return Dim(value.__name__, int(value.min), int(maximum))
    if value is None or type(value).__module__.startswith("torch"):
        raise ValueError(f"shapes holds {value!r}: give Dim('n', 1, 8), or a number, for each axis")
    return dims.as_dimension(value)


def _bounded(maximum: Any) -> bool:
    return isinstance(maximum, int) and maximum <= dims.LARGEST


# Modules ----------------------------------------------------------------------------------------------------------


def _of_module(module: torch.nn.Module, inputs: Any, shapes: Mapping[str, dims.Shape]) -> Source:
    keras = any(c.__module__.startswith("keras.") for c in type(module).__mro__)
    origin = f"{'Keras model' if keras else 'torch.nn.Module'} {type(module).__name__}"
    if inputs is None:
        raise TypeError(f"{origin} needs example inputs to be traced with: give inputs=(tensor, ...)")
    args, kwargs = _arguments(inputs)
    notes = []
    training = [m for m in module.modules() if m.training]
    if training:
        notes.append("the module was in training mode; it was exported as after module.eval()")
    if _holds_bfloat16(module):
        module = copy.deepcopy(module).float()
        notes.append("bfloat16 weights are float32 in the file, and are computed with in float32")
    leaves, spec = pytree.tree_flatten((args, kwargs))
    leaves = [x.float() if isinstance(x, torch.Tensor) and x.dtype is torch.bfloat16 else x for x in leaves]
    names = naming.input_names(spec, _argument_names(module, args, kwargs))
    if keras:
        names = _keras_names(module, args, names)
    _check_shapes(shapes, dict(zip(names, leaves, strict=True)))
    traced = _enlarged(names, leaves, shapes)
    _set_training(training, False)
    try:
        program = _export(module, spec, names, traced, shapes, origin)
    finally:
        _set_training(training, True)
    program = _decomposed(program, origin)

    stateful = _writes_state(program)
    # What the module's state is now is what the file begins with.
    first = copy.deepcopy(module) if stateful else module

    def start() -> Callable[..., Any]:
        return _evaluating(copy.deepcopy(first) if stateful else module)

    examples = [leaves] if all(a is b for a, b in zip(leaves, traced, strict=True)) else [leaves, traced]
    return Source(
        program=program,
        origin=origin,
        names=names,
        examples=examples,
        shapes=shapes,
        eager=start,
        warnings=tuple(notes),
    )


def _evaluating(module: torch.nn.Module) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        training = [m for m in module.modules() if m.training]
        _set_training(training, False)
        try:
            return module(*args, **kwargs)
        finally:
            _set_training(training, True)

    return call


def _set_training(modules: Sequence[torch.nn.Module], training: bool) -> None:
    for module in modules:
        module.training = training


def _holds_bfloat16(module: torch.nn.Module) -> bool:
    return any(t.dtype is torch.bfloat16 for t in [*module.parameters(), *module.buffers()])


def _arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Args and kwargs from a tensor or array, a tuple or list of arguments, or arguments by name."""
    if isinstance(inputs, Mapping):
        return (), {str(k): _as_tensors(v) for k, v in inputs.items()}
    if isinstance(inputs, (tuple, list)):
        return tuple(_as_tensors(v) for v in inputs), {}
    return (_as_tensors(inputs),), {}


def _as_tensors(value: Any) -> Any:
    """The same nesting with arrays as tensors of their own, so that no two are one object."""

    def convert(leaf: Any) -> Any:
        if isinstance(leaf, torch.Tensor):
            return leaf.detach().clone()
        return torch.from_numpy(np.array(leaf)) if isinstance(leaf, (np.ndarray, np.generic)) else leaf

    return pytree.tree_map(convert, value)


def _argument_names(module: torch.nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[str]:
    parameters = inspect.signature(module.forward).parameters.values()
    names: list[str] = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}_{i}" for i in range(len(args) - len(names))]
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
    return names[: len(args)]


def _keras_names(module: Any, args: Sequence[Any], names: list[str]) -> list[str]:
    """The inputs' names in a Keras model, whose `forward` has none for them; a dictionary of inputs has its keys."""
    if len(args) == 1 and isinstance(args[0], Mapping):
        return [str(k) for k in args[0]] if len(args[0]) == len(names) else names
    found = [str(t.name) for t in getattr(module, "inputs", None) or []]
    return found if len(set(found)) == len(names) else names


def _check_shapes(shapes: Mapping[str, dims.Shape], leaves: Mapping[str, Any]) -> None:
    tensors = {n: x for n, x in leaves.items() if isinstance(x, torch.Tensor)}
    for name, shape in shapes.items():
        if name not in tensors:
            raise ValueError(
                f"shapes names {name!r}, which is not an input; the inputs are {', '.join(tensors)}"
            )
        found = tuple(tensors[name].shape)
        if len(found) != len(shape):
            raise ValueError(f"shapes[{name!r}] is {dims.text(shape)}, the example's shape is {list(found)}")
        for size, given in zip(found, shape, strict=True):
            if isinstance(given, int) and given != size:
                raise ValueError(
                    f"shapes[{name!r}] is {dims.text(shape)}, the example's shape is {list(found)}: give an example "
                    "of that shape"
                )


def _enlarged(names: Sequence[str], leaves: Sequence[Any], shapes: Mapping[str, dims.Shape]) -> list[Any]:
    """The examples, repeated where torch would take a size of 0 or 1 for fixed although it may change."""
    sizes: dict[dims.Symbol, int] = {}
    small = False
    for name, leaf in zip(names, leaves, strict=True):
        for size, given in zip(getattr(leaf, "shape", ()), shapes.get(name, ()), strict=False):
            if isinstance(given, Dim) and given.symbol is not None:
                symbol = given.symbol
                small = small or (size < 2 <= symbol.maximum)
                sizes[symbol] = size if size >= 2 else min(max(2, symbol.minimum), symbol.maximum)
    if not small:
        return list(leaves)
    enlarged = []
    for name, leaf in zip(names, leaves, strict=True):
        for axis, given in enumerate(shapes.get(name, ())):
            if isinstance(given, Dim) and all(s in sizes for s in given.symbols):
                count = given.evaluate(sizes)
                if leaf.shape[axis] == 0:
                    shape = list(leaf.shape)
                    shape[axis] = count
                    leaf = torch.ones(shape, dtype=leaf.dtype)
                elif leaf.shape[axis] != count:
                    leaf = leaf.index_select(axis, torch.arange(count) % leaf.shape[axis]).clone()
        enlarged.append(leaf)
    return enlarged


def _torch_dim(dimension: Dim, made: dict[str, Any]) -> Any:
    """A torch Dim, or a multiple of one, for a dimension."""
    symbols = dimension.symbols
    if len(symbols) != 1:
        raise ValueError(f"the dimension {dimension!r} holds several names: torch.export knows one in each")
    (symbol,) = symbols
    if symbol.name not in made:
        maximum = None if symbol.maximum == dims.LARGEST else symbol.maximum
        made[symbol.name] = torch.export.Dim(_identifier(symbol.name), min=symbol.minimum, max=maximum)
    factor, offset = dimension.terms.get((symbol,), 0), dimension.terms.get((), 0)
    if set(dimension.terms) - {(symbol,), ()} or factor <= 0:
        raise ValueError(f"the dimension {dimension!r} is not a multiple of a name plus a number")
    found = made[symbol.name]
    found = found if factor == 1 else factor * found
    return found if offset == 0 else found + offset


def _identifier(name: str) -> str:
    text = "".join(c if c.isalnum() else "_" for c in name)
    return text if text.isidentifier() else f"n_{text}"


def _export(
    module: torch.nn.Module,
    spec: Any,
    names: Sequence[str],
    leaves: Sequence[Any],
    shapes: Mapping[str, dims.Shape],
    origin: str,
) -> torch.export.ExportedProgram:
    args, kwargs = pytree.tree_unflatten(list(leaves), spec)
    collected: Any = torch.export.ShapesCollection()
    made: dict[str, Any] = {}
    dynamic = False
    for name, leaf in zip(names, leaves, strict=True):
        axes = {
            axis: _torch_dim(size, made)
            for axis, size in enumerate(shapes.get(name, ()))
            if isinstance(size, Dim)
        }
        if axes:
            collected[leaf] = axes
            dynamic = True

    def export(deferred: bool, strict: bool = False) -> torch.export.ExportedProgram:
        layers = whole_layers() if dynamic and not strict else contextlib.nullcontext()
        with _quiet(), torch.no_grad(), _named_keywords(module, kwargs), layers:
            return torch.export.export(
                module,
                args,
                kwargs,
                dynamic_shapes=collected.dynamic_shapes(module, args, kwargs) if dynamic else None,
                strict=strict,
                prefer_deferred_runtime_asserts_over_guards=deferred,
            )

    def traced(strict: bool = False) -> torch.export.ExportedProgram:
        try:
            return export(False, strict)
        except torch._dynamo.exc.UserError:
            if not dynamic:
                raise
        # What torch cannot prove of sizes becomes assertions in the program, which the reader tries on all sizes.
        return export(True, strict)

    try:
        program = traced()
        # A buffer that the module also holds elsewhere (as a cache does) is known by reading the module's code only.
        return traced(strict=True) if _written_constants(program) else program
    except Exception as error:
        raise ExportError(f"{origin}: torch.export cannot export it: {str(error).strip()}") from error


@contextmanager
def _named_keywords(module: torch.nn.Module, kwargs: Mapping[str, Any]) -> Iterator[None]:
    """Within it `**kwargs` of `forward` are parameters by name, for which alone torch.export takes shapes."""
    signature = inspect.signature(module.forward)
    plain = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    if len(plain) == len(signature.parameters) or "forward" in vars(module):
        yield
        return
    forward = module.forward

    def named(*args: Any, **keywords: Any) -> Any:
        return forward(*args, **keywords)

    known = {p.name for p in plain}
    more = [inspect.Parameter(k, inspect.Parameter.KEYWORD_ONLY) for k in kwargs if k not in known]
    named.__signature__ = signature.replace(parameters=[*plain, *more])  # type: ignore[attr-defined]
    vars(module)["forward"] = named
    try:
        yield
    finally:
        del vars(module)["forward"]


# Programs ---------------------------------------------------------------------------------------------------------


def _of_program(
    program: torch.export.ExportedProgram, inputs: Any, shapes: Mapping[str, dims.Shape], origin: str
) -> Source:
    spec = program.call_spec.in_spec
    signature = program.module_call_graph[0].signature
    arguments = list(getattr(signature, "forward_arg_names", None) or [])
    names = naming.input_names(spec, arguments)
    notes = []
    examples: list[list[Any]] = []
    given = program.example_inputs if inputs is None else _arguments(inputs)
    if given is not None:
        leaves, found = pytree.tree_flatten(tuple(given))
        if found.num_leaves != spec.num_leaves:
            raise ValueError(f"{origin} takes {', '.join(names)}; {found.num_leaves} inputs were given")
        examples.append(leaves)
    # The oracle runs the program as it was given; one with bfloat16 computes otherwise than the file.
    bfloat16 = any(
        getattr(n.meta.get("val"), "dtype", None) is torch.bfloat16 for n in program.graph_module.graph.nodes
    )
    if bfloat16:
        notes.append("bfloat16 is computed in float32, so the program was not compared with torch")

    def start() -> Callable[..., Any]:
        with _quiet():
            module = program.module(check_guards=False)
            return copy.deepcopy(module) if _writes_state(program) else module

    return Source(
        program=_decomposed(program, origin),
        origin=origin,
        names=names,
        examples=examples,
        shapes=shapes,
        eager=None if bfloat16 else start,
        warnings=tuple(notes),
    )


def _writes_state(program: torch.export.ExportedProgram) -> bool:
    targets = (getattr(n.target, "_schema", None) for n in program.graph_module.graph.nodes)
    return bool(program.graph_signature.buffers_to_mutate) or any(
        s is not None and s.is_mutable for s in targets
    )


def _written_constants(program: torch.export.ExportedProgram) -> list[str]:
    """The tensors that a program writes into although they are neither its inputs nor buffers."""
    constants = program.graph_signature.inputs_to_lifted_tensor_constants
    found = []
    for node in program.graph_module.graph.nodes:
        schema = getattr(node.target, "_schema", None)
        if schema is None or not schema.is_mutable or schema.name == "aten::detach_":
            continue
        for argument, value in zip(schema.arguments, node.args, strict=False):
            # A view is written into: back to what it is a view of.
            while isinstance(value, torch.fx.Node) and value.op == "call_function" and value.args:
                value = value.args[0]
            if argument.is_write and getattr(value, "name", None) in constants:
                found.append(constants[value.name])
    return sorted(set(found))


def _decomposed(program: torch.export.ExportedProgram, origin: str) -> torch.export.ExportedProgram:
    """Functional, and in ops that have a handler where torch can write the others with them."""
    written = _written_constants(program)
    if written:
        raise ExportError(
            f"{origin}: it writes into tensors that are no buffers ({', '.join(written)}): register them with "
            "register_buffer, and use them as attributes of the module"
        )
    table = torch.export.default_decompositions()
    for target in list(table):
        if handler_of(target) is not None:
            del table[target]
    others = torch._decomp.decomposition_table
    try:
        with _quiet(), torch.no_grad():
            program = program.run_decompositions(table)
            # What has no handler, and torch keeps by default, but knows how to write in simpler ops.
            # (Of special functions it knows other names only.)
            more = {
                t: others[t]
                for t in _targets(program)
                if handler_of(t) is None and t in others and ".special_" not in target_name(t)
            }
            return program.run_decompositions(more) if more else program
    except Exception as error:
        raise ExportError(
            f"{origin}: torch cannot write the program in simpler ops: {_first_line(error)}"
        ) from error


def _targets(program: torch.export.ExportedProgram) -> set[Any]:
    """The ops in a program and in the graphs within it."""
    modules = [m for m in program.graph_module.modules() if isinstance(m, torch.fx.GraphModule)]
    return {n.target for m in modules for n in m.graph.nodes if n.op == "call_function"}


def largest(maximum: Any) -> int | None:
    """The upper bound of a range of torch's; None when it has none."""
    try:
        number = float(maximum)
    except (TypeError, OverflowError):
        return None
    return None if math.isinf(number) or number >= dims.LARGEST else int(number)


__all__ = ["Source", "largest", "load"]
