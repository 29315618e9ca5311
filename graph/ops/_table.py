"""The op table: what an op is, and the registry of all of them.

One `OpDef` holds everything that is known of an op. Graph building, shape inference, sessions, autodiff,
export, quantization, the file schema, the C runtime's attribute structs and checks, the documentation and
every test harness read it from here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samara.graph import dtypes
from samara.graph.dtypes import DType

REQUIRED: Any = type("Required", (), {"__repr__": lambda self: "required"})()


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A named set of words; its order is that of the numbers in the file, so it is append-only."""

    name: str
    values: tuple[str, ...]


PADDING = Choice(name="Padding", values=("valid", "same", "explicit"))
ACTIVATION = Choice(name="Activation", values=("none", "relu", "relu6"))


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A named, typed constant of an op.

    `kind` is "int", "float", "bool", "ints" (at most `limit` of them), "dtype", "choice", "symbol", a named size that
    the op sets, or "graph" (a `samara.graph.graph.Body`, in the file the number of its program); "shape", "array"
    and "python", any value of Python's, exist in the graph only. New attributes of an existing op go at the end and
    have a default, so that old files stay readable.
    """

    name: str
    kind: str
    default: Any = REQUIRED
    doc: str = ""
    choice: Choice | None = None
    limit: int = 8

    @property
    def in_file(self) -> bool:
        """Whether the attribute is written to the file."""
        return self.kind not in ("shape", "array", "python")


def attribute(
    name: str, kind: str | Choice, default: Any = REQUIRED, doc: str = "", limit: int = 8
) -> Attribute:
    """Short form for tables: `attribute("axis", "int", -1, "The axis.")`; `kind` may be a Choice."""
    if isinstance(kind, Choice):
        return Attribute(name=name, kind="choice", default=default, doc=doc, choice=kind)
    return Attribute(name=name, kind=kind, default=default, doc=doc, limit=limit)


@dataclass(frozen=True, kw_only=True)
class Operand:
    """An input or output.

    `type` is a type variable of the op, a dtype name, "@name" for the dtype that attribute `name` holds, or "any" for
    any, of each tensor its own. A `variadic` operand stands for one or more tensors, an `optional` variadic one for any
    number.
    A `shape_only` input decides nothing but the shape of the output, so a file whose shapes are known leaves
    it out. A `packed` input is stored in panels of 16 outputs when it is a constant. A `strided` operand may lie
    among the channels of a larger tensor: kernels go by the distance of its rows. A `state` input names a
    variable and is written, not read.
    """

    name: str
    type: str
    optional: bool = False
    variadic: bool = False
    shape_only: bool = False
    packed: bool = False
    strided: bool = False
    state: bool = False


_OPERAND = re.compile(r"(\w+): (@?\w+)(\??\*?)((?: \w+)*)")


def _operand(text: str) -> Operand:
    match = _OPERAND.fullmatch(text)
    if match is None:
        raise ValueError(
            f"operand {text!r} is not 'name: type[?][*] [shape_only] [packed] [strided] [state]'"
        )
    name, type_, mark, flags = match.groups()
    words = set(flags.split())
    return Operand(
        name=name,
        type=type_,
        optional="?" in mark,
        variadic="*" in mark,
        shape_only="shape_only" in words,
        packed="packed" in words,
        strided="strided" in words,
        state="state" in words,
    )


ShapeRule = Callable[..., Any]
Reference = Callable[..., Any]
Gradient = Callable[..., Any]


# The opcodes of the elementwise family: with attributes, and without.
_ELEMENTWISE = frozenset([*range(1, 20), *range(256, 356)])


@dataclass(frozen=True, kw_only=True)
class OpDef:
    """The definition of an op.

    Attributes:
        name: lower case with underscores; the C kernel, the documentation and the cases use it.
        opcode: permanent, append-only, never reused. Ops with attributes that a device runs stay below 255.
        inputs: operands, each written "name: type", with "?" after the type for optional, "*" for variadic
            (last one only), "?*" for both, and the words shape_only, packed, strided or state.
        outputs: operands, in the same notation.
        types: for each type variable, the element types it may stand for.
        attributes: in the order of the file; append-only.
        doc: one sentence, then what a user must know: shapes, formula, source.
        shape: `shape(op)` is given a `samara.graph.inference.Inference` (`op.shapes`, `op.a.axis`) and returns
            the output's shape (a tuple of dimensions, or None), or a list of them when there is more than one
            output. It is called only when the ranks of all inputs are known, unless `any_rank`.
        reference: `reference(xp, op, *inputs)` computes the outputs in the Python array API namespace `xp`;
            `op.a` has the attributes by name, `op.output_dtypes` the numpy dtypes of the outputs.
        gradient: `gradient(b, op, *grads)` returns a list with the gradient of each input, or None where there
            is none; `b` builds ops by name, `op` is the Operation, `grads` those of its outputs (None where
            unused). None means that the op is not differentiable: gradients stop there.
        quant: the rule of quantize/rewrite.py that turns it into integer arithmetic, or "float_only".
        device: "kernel" (the C runtime has a kernel), "tensor" (it becomes a tensor of the file, not an op),
            or "none".
        why_not: for device "none", why it has no place on a device and what to do instead.
        in_place: whether output 0 may be written over an input of the same size and dtype.
        view: whether output 0 is the bytes of input 0, so that no work is done.
        stateful: whether it reads or writes state, or draws random numbers: never folded or merged.
        collective: whether it waits for the same operation of other processes, which must run the same ones in one
            order.
        background: whether it only begins work that goes on beside what follows: it runs as soon as its inputs are
            there, and not in the order of construction.
        any_rank: whether `shape` is called although an input has unknown rank.
        texts: whether the first type variable may be string too. On texts the reference is run with numpy, on every
            backend; no device runs it on them.
        dtypes: `dtypes(op)` is given what `shape` is, after it, and returns the element type of each output, where
            types do not tell them.
        refuses: `refuses(op)` is given the Operation and says why this one has no place on a device and what to do
            instead; "" where it has.
        scratch: `scratch(op)` is given the Operation and returns the bytes of memory, a dimension, that its kernels
            may use while they run; None for none.
    """

    name: str
    opcode: int
    inputs: Sequence[str] | Sequence[Operand]
    outputs: Sequence[str] | Sequence[Operand]
    types: Mapping[str, tuple[DType, ...]] = field(default_factory=dict)
    attributes: tuple[Attribute, ...] = ()
    doc: str
    shape: ShapeRule
    reference: Reference
    gradient: Gradient | None = None
    quant: str = "float_only"
    device: str = "kernel"
    why_not: str = ""
    in_place: bool = False
    view: bool = False
    stateful: bool = False
    collective: bool = False
    background: bool = False
    any_rank: bool = False
    texts: bool = False
    dtypes: Callable[..., Sequence[DType]] | None = None
    refuses: Callable[..., str] | None = None
    scratch: Callable[..., Any] | None = None

    def __post_init__(self) -> None:
        for side in ("inputs", "outputs"):
            operands = tuple(_operand(o) if isinstance(o, str) else o for o in getattr(self, side))
            object.__setattr__(self, side, operands)
        if self.device not in ("kernel", "tensor", "none"):
            raise ValueError(f"{self.name}: device {self.device!r}")
        if (self.device == "none") != bool(self.why_not):
            raise ValueError(f"{self.name}: why_not is for device 'none', and needed there")
        if self.device != "none" and any(a.in_file for a in self.attributes) and self.opcode >= 255:
            raise ValueError(f"{self.name}: an op with attributes needs an opcode below 255")

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The inputs as Operand objects."""
        return tuple(self.inputs)  # type: ignore[arg-type]

    @property
    def results(self) -> tuple[Operand, ...]:
        """The outputs as Operand objects."""
        return tuple(self.outputs)  # type: ignore[arg-type]

    @property
    def random(self) -> bool:
        """Whether each run of it draws other numbers: by its name."""
        return self.name.startswith("random_") or self.name in ("truncated_normal", "multinomial")

    @property
    def elementwise(self) -> bool:
        """Whether each element of the output is computed of those at its place, with broadcasting: by its family."""
        return self.opcode in _ELEMENTWISE

    def dtypes_of(self, type_: str) -> tuple[DType, ...]:
        """The element types that an operand of this type may have."""
        if type_.startswith("@") or type_ == "any":
            return (*dtypes.ALL, dtypes.string)
        if type_ not in self.types:
            return (dtypes.BY_NAME[type_],)
        with_texts = self.texts and type_ == next(iter(self.types))
        return (*self.types[type_], dtypes.string) if with_texts else self.types[type_]


class Registry:
    """All ops by name, in the order of their opcodes."""

    def __init__(self) -> None:
        self._by_name: dict[str, OpDef] = {}
        self._names_by_opcode: dict[int, str] = {}

    def register(self, *definitions: OpDef) -> None:
        """Adds ops; raises ValueError when a name or a number is taken."""
        for definition in definitions:
            taken = self._names_by_opcode.get(definition.opcode)
            if taken is not None or definition.name in self._by_name:
                raise ValueError(
                    f"op {definition.name} with opcode {definition.opcode}: the name or the number is "
                    f"taken{f' by {taken}' if taken else ''}"
                )
            self._by_name[definition.name] = definition
            self._names_by_opcode[definition.opcode] = definition.name

    def __getitem__(self, name: str) -> OpDef:
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __iter__(self) -> Any:
        return iter(self._by_name[self._names_by_opcode[code]] for code in sorted(self._names_by_opcode))

    def __len__(self) -> int:
        return len(self._by_name)


OPS = Registry()
