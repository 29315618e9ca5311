"""Sizes that torch keeps symbolic, as Samara dimensions and as tensors that compute them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from samara.graph import dims
from samara.graph.builder import Builder
from samara.graph.dims import Dim, Dimension
from samara.graph.dtypes import int32
from samara.graph.graph import Tensor


class UnknownSizeError(Exception):
    """A size is written with a function that dimensions do not have."""


class Symbols:
    """The sizes of one program.

    Args:
        b: builds the ops that compute sizes.
    """

    def __init__(self, b: Builder) -> None:
        self._b = b
        self._dimensions: dict[str, Dimension] = {}
        self._sources: dict[dims.Symbol, tuple[Tensor, int, Dimension]] = {}
        self._tensors: dict[str, Tensor] = {}

    def within(self, b: Builder) -> Symbols:
        """The same sizes for a body within the graph, which may use tensors outside, but not the other way round."""
        made = Symbols(b)
        made._dimensions, made._sources = self._dimensions, self._sources
        made._tensors = dict(self._tensors)
        return made

    def name(self, symbol: str, dimension: Dimension) -> None:
        """From now on torch's symbol is this dimension."""
        self._dimensions.setdefault(symbol, dimension)

    def is_named(self, symbol: str) -> bool:
        """Whether torch's symbol is known."""
        return symbol in self._dimensions

    def found_in(self, tensor: Tensor) -> None:
        """Notes that the sizes of `tensor` tell what the symbols in them are."""
        for axis, size in enumerate(tensor.shape or ()):
            for symbol in dims.symbols_of(size):
                known = self._sources.get(symbol)
                # An axis that is the symbol itself tells it without arithmetic.
                if known is None or (isinstance(size, Dim) and size.symbol and known[2] != size):
                    self._sources[symbol] = (tensor, axis, size)

    def held(self, symbol: str, scalar: Tensor) -> Dimension:
        """A symbol of torch that is what an integer scalar holds when the program runs."""
        made = Dim()
        self.name(symbol, made)
        (found,) = made.symbols
        self._tensors[f"symbol {found.name}"] = self._b.cast(scalar, dtype=int32)
        return made

    def dimension(self, size: Any) -> Dimension:
        """A size of torch's as a dimension.

        Raises:
            UnknownSizeError: its expression has no counterpart.
        """
        if isinstance(size, (int, Dim)) and not isinstance(size, bool):
            return size
        expression = size.node.expr if hasattr(size, "node") else size
        return self._of(expression)

    def shape(self, sizes: Sequence[Any]) -> dims.Shape:
        """Sizes of torch's as a shape."""
        return tuple(self.dimension(s) for s in sizes)

    def _of(self, e: Any) -> Dimension:
        if e.is_Integer or isinstance(e, int) or (e.is_Float and float(e).is_integer()):
            return int(e)
        if e.is_Symbol:
            if e.name not in self._dimensions:
                raise UnknownSizeError(f"the size {e} depends on data")
            return self._dimensions[e.name]
        arguments = [self._of(a) for a in e.args] if not e.is_Rational else []
        kind = type(e).__name__
        if kind == "Add":
            return sum(arguments[1:], start=arguments[0])
        if kind == "Mul":
            return dims.product(arguments)
        if kind == "Pow" and isinstance(arguments[1], int) and arguments[1] >= 0:
            return dims.product([arguments[0]] * arguments[1])
        if kind in ("FloorDiv", "CleanDiv"):
            return arguments[0] // arguments[1]
        if kind in ("Mod", "PythonMod"):
            return arguments[0] - arguments[0] // arguments[1] * arguments[1]
        if kind in ("Max", "Min"):
            function = dims.maximum if kind == "Max" else dims.minimum
            found = arguments[0]
            for other in arguments[1:]:
                found = function(found, other)
            return found
        if kind in ("CeilToInt", "FloorToInt", "RoundToInt", "ToFloat", "TruncToInt") and len(e.args) == 1:
            return arguments[0]
        raise UnknownSizeError(f"the size {e} uses {kind}")

    # As tensors -------------------------------------------------------------------------------------------

    def scalar(self, size: Dimension) -> Tensor:
        """An int32 scalar that is the size when the program runs."""
        key = dims.key(size)
        if key not in self._tensors:
            self._tensors[key] = self._computed(size)
        return self._tensors[key]

    def vector(self, sizes: Sequence[Dimension]) -> Any:
        """A shape as an operand: an array where all are numbers."""
        if all(isinstance(s, int) for s in sizes):
            return np.asarray(list(sizes), dtype=np.int32)
        return self._b.stack([self.scalar(s) for s in sizes], axis=0)

    def _computed(self, size: Dimension) -> Tensor:
        b = self._b
        if isinstance(size, int):
            return b.constant(np.asarray(size, dtype=np.int32))
        if size.symbol is not None:
            return self._symbol(size.symbol)
        total: Tensor | None = None
        for monomial, coefficient in size.terms.items():
            product: Tensor | None = None
            for atom in monomial:
                if isinstance(atom, dims.Symbol):
                    factor = self._symbol(atom)
                else:
                    make = getattr(b, atom.function)
                    factor = make(self.scalar(atom.left), self.scalar(atom.right))
                product = factor if product is None else b.multiply(product, factor)
            if product is None:
                product = self.scalar(coefficient)
            elif coefficient != 1:
                product = b.multiply(product, self.scalar(coefficient))
            total = product if total is None else b.add(total, product)
        assert total is not None
        return total

    def _symbol(self, symbol: dims.Symbol) -> Tensor:
        key = f"symbol {symbol.name}"
        if key not in self._tensors:
            if symbol not in self._sources:
                raise UnknownSizeError(f"no input has the size {symbol.name}")
            tensor, axis, size = self._sources[symbol]
            b = self._b
            found: Tensor = b.gather(b.shape(tensor), np.asarray(axis, dtype=np.int32), axis=0)
            assert isinstance(size, Dim)
            if size.symbol is None:
                terms: Mapping[dims.Monomial, int] = size.terms
                factor, offset = terms.get((symbol,), 0), terms.get((), 0)
                if factor <= 0 or set(terms) - {(symbol,), ()}:
                    raise UnknownSizeError(f"no input has the size {symbol.name}")
                found = b.floor_divide(
                    b.subtract(found, self.scalar(offset)) if offset else found, self.scalar(factor)
                )
            self._tensors[key] = found
        return self._tensors[key]


__all__ = ["Symbols", "UnknownSizeError"]
