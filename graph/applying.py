"""Applying an op: inputs paired with operands, attributes filled in, shapes and element types inferred."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from samara.errors import GraphError
from samara.graph import dims, dtypes
from samara.graph.dims import Shape
from samara.graph.dtypes import DType
from samara.graph.inference import Inference
from samara.graph.ops._table import REQUIRED, Attribute, OpDef, Operand


def pair(definition: OpDef, inputs: Sequence[Any]) -> list[tuple[Operand, Any]]:
    """The operands with what is given for each; a variadic one once for each of its tensors."""
    operands = definition.operands
    if len(inputs) > len(operands):
        raise TypeError(f"{definition.name} takes {len(operands)} inputs, {len(inputs)} were given")
    pairs: list[tuple[Operand, Any]] = []
    for operand, value in zip(operands, [*inputs, *[None] * (len(operands) - len(inputs))], strict=True):
        if operand.variadic:
            if value is None and operand.optional:
                continue
            if not isinstance(value, (list, tuple)) or not (value or operand.optional):
                raise TypeError(f"{definition.name}: {operand.name} must be a list of one or more tensors")
            pairs += [(operand, v) for v in value]
        else:
            pairs.append((operand, value))
    return pairs


def fill_attributes(definition: OpDef, given: dict[str, Any]) -> dict[str, Any]:
    """The attributes by name, of the right kinds, with defaults for those left out."""
    known = {a.name for a in definition.attributes}
    for name in given:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise TypeError(f"{definition.name} has no attribute {name!r}; its attributes are {listed}")
    filled: dict[str, Any] = {}
    for a in definition.attributes:
        value = given.get(a.name, a.default)
        if value is REQUIRED:
            raise TypeError(f"{definition.name} needs the attribute {a.name!r}")
        filled[a.name] = _normalize(definition, a, value)
    return filled


def _normalize(definition: OpDef, a: Attribute, value: Any) -> Any:
    try:
        if a.kind == "int":
            return int(value)
        if a.kind == "float":
            return float(value)
        if a.kind == "bool":
            return bool(value)
        if a.kind == "ints":
            values = tuple(int(v) for v in value)
            if len(values) > a.limit:
                raise TypeError(f"holds {len(values)} numbers, at most {a.limit} are possible")
            return values
        if a.kind == "dtype":
            return dtypes.as_dtype(value)
        if a.kind == "symbol":
            if not isinstance(value, dims.Dim) or value.symbol is None or value.symbol.anonymous:
                raise TypeError("is not a named dimension: give Dim('name')")
            return value
        if a.kind == "shape":
            if isinstance(value, str) or not (value is None or hasattr(value, "__iter__")):
                raise TypeError("expected a list of sizes, as in [None, 3]")
            return None if value is None else tuple(dims.as_dimension(d) for d in value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{definition.name}: attribute {a.name}={value!r}: {error}") from None
    if a.kind == "graph" and not hasattr(value, "outputs") and not (value is None and a.default is None):
        raise TypeError(f"{definition.name}: attribute {a.name} is {type(value).__name__}, expected a Body")
    if a.choice is not None:
        word = str(value).lower()
        if word not in a.choice.values:
            raise TypeError(
                f"{definition.name}: attribute {a.name}={value!r}: expected one of {', '.join(a.choice.values)}"
            )
        return word
    return value


def infer(definition: OpDef, inference: Inference) -> list[Shape | None]:
    """The shapes of the outputs."""
    results = definition.results
    unknown = any(t is not None and t.shape is None for t in inference.inputs)
    if unknown and not definition.any_rank:
        return [None] * len(results)
    shapes = definition.shape(inference)
    if len(results) == 1 and not results[0].variadic:
        return [shapes]
    return list(shapes)


def output_dtypes(
    definition: OpDef, count: int, variables: dict[str, DType], attributes: dict[str, Any]
) -> list[DType]:
    """The element types of the outputs."""
    operands = list(definition.results)
    if operands and operands[-1].variadic:
        operands += [operands[-1]] * (count - len(operands))
    found = []
    for operand in operands[:count]:
        if operand.type.startswith("@"):
            found.append(attributes[operand.type[1:]])
        elif operand.type in variables:
            found.append(variables[operand.type])
        else:
            found.append(dtypes.BY_NAME[operand.type])
    return found


def all_of(graph: Any, operations: Iterable[Any], where: str) -> list[Any]:
    """The operations, all of which must be of a graph.

    Raises:
        GraphError: one is of a body.
    """
    found = list(operations)
    for op in found:
        if op.graph is not graph:
            raise GraphError(
                f"operation {op.name!r} was made in the branch of a cond or the body of a loop, and runs there only: "
                f"let the function return it, or what waits for it{where}"
            )
    return found
