"""Reads a functional program of torch into a Samara graph, node by node."""

from __future__ import annotations

import itertools
import operator
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy
import torch
from torch._prims_common import ELEMENTWISE_TYPE_PROMOTION_KIND as PROMOTION
from torch._prims_common import elementwise_dtypes

from samara.errors import SamaraError
from samara.exporter.frontends.imported import Problems
from samara.exporter.frontends.torch.element_types import samara_dtype, to_numpy, torch_dtype
from samara.exporter.frontends.torch.registry import handler_of, target_name
from samara.exporter.frontends.torch.symbols import Symbols, UnknownSizeError
from samara.graph import dims, dtypes
from samara.graph.dims import Dim
from samara.graph.dtypes import DType
from samara.graph.graph import Graph, Tensor
from samara.graph.ops import OPS

# Nodes that only check something, or say what is known.
_CHECKS = frozenset(
    {
        "aten._assert_scalar",
        "aten._assert_async",
        "aten._assert_tensor_metadata",
        "aten.sym_constrain_range",
        "aten.sym_constrain_range_for_size",
        "aten._functional_assert_async",
        "aten._functional_assert_scalar",
        "aten._functional_sym_constrain_range",
        "aten._functional_sym_constrain_range_for_size",
    }
)


_RELATIONS = {
    "Equality": "equal",
    "Unequality": "not_equal",
    "StrictLessThan": "less",
    "LessThan": "less_equal",
    "StrictGreaterThan": "greater",
    "GreaterThan": "greater_equal",
}


class UnsupportedError(Exception):
    """A node cannot be built; `mend` says what to change."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.mend = mend


class Reader:
    """What a handler is given: the builder, and what is known of the node.

    Attributes:
        graph, b: where to build.
        problems: collects what cannot be built.
        symbols: sizes.
        node: the node being read.
    """

    def __init__(self, graph: Graph, problems: Problems) -> None:
        self.graph = graph
        self.b = graph.b
        self.problems = problems
        self.symbols = Symbols(graph.b)
        self.node: Any = None

    # What handlers use ------------------------------------------------------------------------------------

    @property
    def meta(self) -> Any:
        """What torch says the node's result is: a fake tensor, a number, or a sequence of them."""
        return self.node.meta.get("val")

    @property
    def dtype(self) -> DType:
        """The element type of the node's result, or of its first tensor."""
        found = self.meta
        while isinstance(found, (list, tuple)):
            found = next(f for f in found if f is not None)
        return self.dtype_of(found.dtype)

    @property
    def shape(self) -> dims.Shape:
        """The shape of the node's result."""
        return self.symbols.shape(self.meta.shape)

    def dtype_of(self, dtype: Any) -> DType:
        """The element type for torch's."""
        found = samara_dtype(dtype)
        if found is None:
            raise UnsupportedError(f"its element type is {dtype}", "use float32, or an integer type")
        return found

    def unsupported(self, what: str, mend: str = "") -> UnsupportedError:
        """An error to raise when the node cannot be built."""
        return UnsupportedError(what, mend)

    def needs(self, op: str) -> None:
        """Refuses the node when the op table lacks an op."""
        if op not in OPS:
            raise UnsupportedError(f"it needs the op {op}, which this version does not have")

    def tensor(self, value: Any, dtype: DType | None = None) -> Tensor:
        """A tensor from a tensor, number or dimension, cast to `dtype` where that is given."""
        if isinstance(value, Tensor):
            return value if dtype is None else self.cast(value, dtype)
        if isinstance(value, Dim):
            return self.cast(self.symbols.scalar(value), dtype or dtypes.int64)
        if dtype is None:
            dtype = (
                dtypes.bool_
                if isinstance(value, bool)
                else dtypes.int64
                if isinstance(value, int)
                else dtypes.float32
            )
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.asarray(value).astype(dtype.numpy)
        return self.b.constant(array)

    def cast(self, tensor: Tensor, dtype: DType) -> Tensor:
        """The tensor with elements of another type."""
        if tensor.dtype is dtype:
            return tensor
        if dtype is dtypes.bool_ and tensor.dtype is not dtypes.bool_:
            made: Tensor = self.b.not_equal(tensor, self.b.like(0, tensor))
            return made
        made = self.b.cast(tensor, dtype=dtype)
        return made

    def sizes(self, sizes: Sequence[Any]) -> Any:
        """Sizes as an operand."""
        return self.symbols.vector([self.symbols.dimension(s) for s in sizes])

    def rank(self, tensor: Tensor) -> int:
        """The number of axes."""
        assert tensor.shape is not None
        return len(tensor.shape)

    def axis(self, axis: int, tensor: Tensor) -> int:
        """An axis counted from 0; a scalar counts as having one."""
        return axis % max(self.rank(tensor), 1)

    def number(self, value: Any, what: str) -> int:
        """A size that must be a plain number."""
        if isinstance(value, int):
            return value
        raise UnsupportedError(f"{what} is {value!r}, which changes with the inputs", "use a fixed number")

    def promoted(self, *values: Any, to_float: bool = False) -> list[Tensor]:
        """Operands with the common element type that torch's rules of promotion give."""
        stand_ins = [self._stand_in(v) for v in values]
        kind = PROMOTION.INT_TO_FLOAT if to_float else PROMOTION.DEFAULT
        _, common = elementwise_dtypes(*stand_ins, type_promotion_kind=kind)
        return [self.tensor(v, self.dtype_of(common)) for v in values]

    def _stand_in(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return torch.empty((1,) * self.rank(value), dtype=torch_dtype(value.dtype), device="meta")
        return 1 if isinstance(value, Dim) else value

    def broadcast(self, tensor: Tensor, shape: Sequence[Any]) -> Tensor:
        """The tensor broadcast to a shape of torch's or ours."""
        wanted = tuple(self.symbols.dimension(s) for s in shape)
        if tensor.shape == wanted:
            return tensor
        made: Tensor = self.b.broadcast_to(tensor, self.symbols.vector(wanted))
        return made

    def reshape(self, tensor: Tensor, shape: Sequence[Any]) -> Tensor:
        """The tensor with the same elements in another shape of torch's or ours, without -1."""
        wanted = tuple(self.symbols.dimension(s) for s in shape)
        if tensor.shape == wanted:
            return tensor
        moving = [i for i, d in enumerate(wanted) if not isinstance(d, int)]
        if len(moving) == 1 and 0 not in wanted:
            sizes = [-1 if i in moving else d for i, d in enumerate(wanted)]
            made: Tensor = self.b.reshape(tensor, np.asarray(sizes, dtype=np.int32))
            if made.shape == wanted:
                return made
        made = self.b.reshape(tensor, self.symbols.vector(wanted))
        return made

    def within(self, graph: Graph) -> Reader:
        """Reads a body within the graph."""
        inner = Reader(graph, self.problems)
        inner.symbols = self.symbols.within(graph.b)
        return inner

    def truth(self, value: Any) -> Tensor:
        """A bool scalar from a tensor, or from a comparison of sizes."""
        if isinstance(value, (Tensor, bool)):
            return self.reshape(self.tensor(value, dtypes.bool_), ())
        op = _RELATIONS.get(type(value).__name__)
        if op is None:
            raise UnsupportedError(f"it depends on {value}")
        left, right = (self.symbols.scalar(self.symbols.dimension(a)) for a in value.args)
        made: Tensor = getattr(self.b, op)(left, right)
        return made

    # Reading ----------------------------------------------------------------------------------------------

    def read(self, module: torch.fx.GraphModule, values: Mapping[str, Any]) -> Any:
        """Builds a graph of torch.

        Args:
            module: its nodes are read in order.
            values: what its placeholders are, by their names.

        Returns:
            What the graph returns, with tensors for its nodes.
        """
        known: dict[Any, Any] = {}
        for node in module.graph.nodes:
            if node.op == "placeholder":
                if node.users:
                    known[node] = values[node.name]
            elif node.op == "get_attr":
                known[node] = self._attribute(module, node.target)
            elif node.op == "output":
                return torch.fx.node.map_arg(node.args[0], lambda n: known[n])
            elif node.users or not _is_pure(node):
                known[node] = self._call(node, known)
        raise AssertionError("a graph has an output")

    def _attribute(self, module: torch.nn.Module, target: str) -> Any:
        found: Any = module
        for part in target.split("."):
            found = getattr(found, part)
        if isinstance(found, torch.Tensor):
            return self.constant_of(found, target)
        return found

    def constant_of(self, value: torch.Tensor, name: str) -> Tensor:
        """A constant with a tensor's values, in the tensor's memory: a model may be as large as that of the machine."""
        array = to_numpy(value).view()
        array.flags.writeable = False
        dtype = dtypes.as_dtype(array.dtype)
        made = self.graph.apply("constant", [], {"value": array, "dtype": dtype}, name=name.replace(".", "/"))
        return made.outputs[0]

    def _call(self, node: Any, known: Mapping[Any, Any]) -> Any:
        outer, self.node = self.node, node
        name = target_name(node.target)
        try:
            with self.graph.source(_line(node)), self.graph.name_scope(_scope(node)):
                return self._built(node, name, known)
        except UnsupportedError as error:
            self.problems.add(self.where(node), str(error), error.mend)
        except UnknownSizeError as error:
            self.problems.add(self.where(node), str(error), "make sizes depend on those of the inputs only")
        except (SamaraError, TypeError, ValueError, NotImplementedError) as error:
            self.problems.add(self.where(node), str(error).partition("\n")[0])
        finally:
            self.node = outer
        return self._stand_ins(node)

    def where(self, node: Any) -> str:
        """A node for people: what it is called, and in which module and line it was made."""
        parts = [p for p in (_scope(node).replace("/", ".").rstrip("."), _line(node)) if p]
        return f"{target_name(node.target)} {node.name!r}" + (f" ({', '.join(parts)})" if parts else "")

    def _built(self, node: Any, name: str, known: Mapping[Any, Any]) -> Any:
        def value(leaf: Any) -> Any:
            found = known[leaf]
            return found

        args = torch.fx.node.map_arg(node.args, value)
        kwargs = torch.fx.node.map_arg(node.kwargs, value)
        if node.target is operator.getitem:
            return args[0][args[1]]
        plain = self.node.meta.get("val")
        if isinstance(plain, (torch.SymInt, int)) and not isinstance(plain, bool):
            return self._size(node, plain, args)
        if isinstance(plain, (torch.SymFloat, torch.SymBool, float, bool)):
            return self._number(plain)
        if name.rpartition(".")[0] in _CHECKS or name in _CHECKS:
            self._hold(node)
            return None
        self.problems.nodes[name.rpartition(".")[0] if hasattr(node.target, "_schema") else name] += 1
        handler = handler_of(node.target)
        if handler is None:
            raise UnsupportedError("this op is not supported")
        result = handler(self, *_by_schema(node.target, args, kwargs))
        return self._checked(result)

    def _size(self, node: Any, plain: Any, args: Sequence[Any]) -> Any:
        try:
            return self.symbols.dimension(plain)
        except UnknownSizeError:
            expression = plain.node.expr
            if target_name(node.target) == "aten._local_scalar_dense.default" and expression.is_Symbol:
                return self.symbols.held(expression.name, args[0])
            # A size that depends on data is that of a tensor that exists already.
            if target_name(node.target) == "aten.sym_size.int":
                tensor, axis = args
                size = tensor.shape[axis]
                self.symbols.found_in(tensor)
                if expression.is_Symbol:
                    self.symbols.name(expression.name, size)
                return size
            raise

    def _number(self, plain: Any) -> Any:
        if isinstance(plain, (float, bool)):
            return plain
        expression = plain.node.expr
        if isinstance(plain, torch.SymBool):
            return expression
        if expression.is_number:
            return float(expression)
        raise UnsupportedError(
            f"it computes {expression} from sizes", "compute it from tensors, or use fixed sizes"
        )

    def _hold(self, node: Any) -> None:
        """Tries an assertion about sizes on the sizes that the inputs may have."""
        claim = getattr(getattr(_meta_of(node.args[0]), "node", None), "expr", None) if node.args else None
        if claim is None or not isinstance(_meta_of(node.args[0]), torch.SymBool):
            return
        names = sorted(claim.free_symbols, key=str)
        if not all(self.symbols.is_named(s.name) for s in names):
            return
        known = [self.symbols.dimension(s) for s in names]
        symbols = sorted({s for d in known for s in dims.symbols_of(d)})
        for sizes in itertools.islice(itertools.product(*map(_spread, symbols)), _MOST_TRIED):
            values = dict(zip(symbols, sizes, strict=True))
            found = claim.subs({s: dims.evaluate(d, values) for s, d in zip(names, known, strict=True)})
            if found in (False, sympy.false):
                listed = ", ".join(f"{s.name} = {n}" for s, n in values.items())
                raise UnsupportedError(
                    f"the model does not work at {listed}: torch needs {claim}, where "
                    + ", ".join(f"{s} is {d!r}" for s, d in zip(names, known, strict=True)),
                    "give the dimensions other bounds",
                )

    def _checked(self, result: Any) -> Any:
        """The result, found to be of the element type and shape that torch says."""
        expected = self.meta
        if isinstance(expected, (list, tuple)):
            given = list(result) if isinstance(result, (list, tuple)) else [result]
            if len(given) != len(expected):
                raise UnsupportedError(f"it has {len(expected)} results, {len(given)} were built")
            return [
                self._checked_tensor(r, e) if isinstance(e, torch.Tensor) and r is not None else r
                for r, e in zip(given, expected, strict=True)
            ]
        return self._checked_tensor(result, expected) if isinstance(expected, torch.Tensor) else result

    def _checked_tensor(self, result: Tensor, expected: torch.Tensor) -> Tensor:
        dtype = samara_dtype(expected.dtype)
        if result.dtype is not dtype:
            raise UnsupportedError(f"{result.dtype.name} was built where torch has {expected.dtype}")
        assert result.shape is not None
        if len(result.shape) != expected.dim():
            raise UnsupportedError(
                f"{dims.text(result.shape)} was built where torch has {list(expected.shape)}"
            )
        wanted: list[Any] = []
        for found, size in zip(result.shape, expected.shape, strict=True):
            symbol = getattr(getattr(size, "node", None), "expr", None)
            if symbol is not None and symbol.is_Symbol and not self.symbols.is_named(symbol.name):
                # A size that depends on data: it is what our op says.
                self.symbols.name(symbol.name, found)
                self.symbols.found_in(result)
            try:
                wanted.append(self.symbols.dimension(size))
            except UnknownSizeError:
                wanted.append(found)
        for found, size in zip(result.shape, wanted, strict=True):
            if dims.equal(found, size) is False:
                raise UnsupportedError(
                    f"{dims.text(result.shape)} was built where torch has {dims.text(tuple(wanted))}"
                )
        lost = any(
            isinstance(f, Dim) and f.anonymous and f != w for f, w in zip(result.shape, wanted, strict=True)
        )
        return self.reshape(result, wanted) if lost else result

    def _stand_ins(self, node: Any) -> Any:
        """Placeholders for what could not be built, so that reading goes on."""
        found = node.meta.get("val")
        if isinstance(found, (list, tuple)):
            return [self._stand_in_for(node, f) for f in found]
        return self._stand_in_for(node, found)

    def _stand_in_for(self, node: Any, meta: Any) -> Any:
        if isinstance(meta, torch.Tensor):
            shape: list[Any] = []
            for size in meta.shape:
                try:
                    shape.append(self.symbols.dimension(size))
                except UnknownSizeError:
                    shape.append(None)
            dtype = samara_dtype(meta.dtype) or dtypes.float32
            return self.problems.stand_in(self.graph, node.name, dtype, shape)
        if isinstance(meta, torch.SymInt):
            return Dim()
        return meta


# How many combinations of sizes an assertion is tried on, and how many sizes of one dimension.
_MOST_TRIED = 4096
_MOST_OF_ONE = 64


def _meta_of(value: Any) -> Any:
    return value.meta.get("val") if isinstance(value, torch.fx.Node) else value


def _spread(symbol: dims.Symbol) -> list[int]:
    """All sizes of a dimension, or the least, the largest, and some between."""
    count = symbol.maximum - symbol.minimum
    if count < _MOST_OF_ONE:
        return list(range(symbol.minimum, symbol.maximum + 1))
    return sorted({symbol.minimum + count * i // (_MOST_OF_ONE - 1) for i in range(_MOST_OF_ONE)})


def _is_pure(node: Any) -> bool:
    return not (hasattr(node.target, "_schema") and node.target._schema.is_mutable)


def _by_schema(target: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """The arguments in the order of the schema, with defaults."""
    schema = getattr(target, "_schema", None)
    if schema is None:
        return [*args, *kwargs.values()]
    found = []
    for index, argument in enumerate(schema.arguments):
        if index < len(args):
            found.append(args[index])
        elif argument.name in kwargs:
            found.append(kwargs[argument.name])
        else:
            found.append(argument.default_value if argument.has_default_value() else None)
    return found


_FILE_LINE = re.compile(r'File "([^"]+)", line (\d+)')


def _line(node: Any) -> str:
    """The line of the user's program that made a node."""
    found: list[tuple[str, str]] = _FILE_LINE.findall(node.meta.get("stack_trace") or "")
    if not found:
        return ""
    own = [(f, n) for f, n in found if "/torch/" not in f and not f.startswith("<")]
    file, number = (own or found)[-1]
    return f"{file}:{number}"


def _scope(node: Any) -> str:
    """The path of the module that made a node, as a scope of names."""
    stack = node.meta.get("nn_module_stack")
    if not stack:
        return ""
    path = str(list(stack.values())[-1][0])
    path = path.removeprefix("L['self']").removeprefix("L__self__").lstrip("._")
    path = path.partition("@")[0]
    return "".join(c if c.isalnum() or c in "_-" else "/" for c in path) + "/" if path else ""


__all__ = ["Reader", "UnsupportedError"]
