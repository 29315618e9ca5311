"""Symbolic dimensions: integer expressions over named or anonymous sizes, kept in one canonical form.

A dimension of a shape is an `int` or a `Dim`. A `Dim` is a polynomial with integer coefficients whose atoms are
symbols, floor divisions, maxima and minima; two equal polynomials are the same dimension. What a user gives as
`None` becomes an anonymous symbol, so that sizes that come from one placeholder stay equal through a graph.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Union

LARGEST = 2**31 - 1


@dataclass(frozen=True, order=True)
class Symbol:
    """A size that is not known when the graph is built, within inclusive bounds."""

    name: str
    minimum: int = 0
    maximum: int = LARGEST
    anonymous: bool = False


@dataclass(frozen=True)
class Call:
    """floor_divide, maximum or minimum of two dimensions that do not simplify."""

    function: str
    left: Dimension
    right: Dimension


Atom = Union[Symbol, Call]  # noqa: UP007 (evaluated before Dim exists)
Monomial = tuple[Atom, ...]

_anonymous = itertools.count()

_FUNCTIONS: dict[str, Callable[[int, int], int]] = {
    "floor_divide": lambda a, b: a // b,
    "maximum": max,
    "minimum": min,
}


class Dim:
    """A dimension that is not a plain number. Supports +, -, *, // with integers and dimensions.

    Args:
        name: the symbol's name; None for an anonymous one.
        minimum: its least size.
        maximum: its largest size.

    Raises:
        ValueError: the bounds are not 0 <= minimum <= maximum < 2**31.
    """

    __slots__ = ("_key", "_terms")
    _terms: dict[Monomial, int]
    _key: tuple[tuple[str, int], ...]

    def __init__(self, name: str | None = None, minimum: int = 0, maximum: int = LARGEST) -> None:
        if not 0 <= minimum <= maximum <= LARGEST:
            raise ValueError(
                f"dimension {name!r}: bounds {minimum}..{maximum} are not 0 <= minimum <= maximum"
            )
        if name is None:
            symbol = Symbol(f"?{next(_anonymous)}", minimum, maximum, anonymous=True)
        else:
            symbol = Symbol(name, minimum, maximum)
        self._set({(symbol,): 1})

    def _set(self, terms: dict[Monomial, int]) -> None:
        self._terms = terms
        self._key = tuple(sorted((" ".join(map(_atom_key, m)), c) for m, c in terms.items()))

    @staticmethod
    def _make(terms: Mapping[Monomial, int]) -> Dimension:
        kept = {m: c for m, c in terms.items() if c != 0}
        if not kept:
            return 0
        if set(kept) == {()}:
            return kept[()]
        made = Dim.__new__(Dim)
        made._set(kept)
        return made

    @property
    def value(self) -> None:
        """None, as TensorFlow 1 says of a size that is not known yet."""
        return None

    @property
    def symbols(self) -> frozenset[Symbol]:
        """All symbols in the expression."""
        found: set[Symbol] = set()
        for monomial in self._terms:
            for atom in monomial:
                if isinstance(atom, Symbol):
                    found.add(atom)
                else:
                    found |= symbols_of(atom.left) | symbols_of(atom.right)
        return frozenset(found)

    @property
    def symbol(self) -> Symbol | None:
        """The symbol, when the dimension is one and nothing else."""
        if len(self._terms) == 1:
            ((monomial, coefficient),) = self._terms.items()
            if coefficient == 1 and len(monomial) == 1 and isinstance(monomial[0], Symbol):
                return monomial[0]
        return None

    @property
    def anonymous(self) -> bool:
        """Whether an anonymous symbol takes part, so that the size has no name to speak of."""
        return any(s.anonymous for s in self.symbols)

    @property
    def terms(self) -> Mapping[Monomial, int]:
        """Coefficients by product of atoms; the empty product is the constant."""
        return self._terms

    def evaluate(self, values: Mapping[Symbol, int]) -> int:
        """The size for given sizes of the symbols.

        Raises:
            KeyError: a symbol has no value.
            ZeroDivisionError: a floor division by zero.
        """
        total = 0
        for monomial, coefficient in self._terms.items():
            product = coefficient
            for atom in monomial:
                product *= values[atom] if isinstance(atom, Symbol) else _evaluate_call(atom, values)
            total += product
        return total

    def substitute(self, values: Mapping[Symbol, Dimension]) -> Dimension:
        """The dimension with symbols replaced by other dimensions, which must keep to the symbols' bounds."""
        total: Dimension = 0
        for monomial, coefficient in self._terms.items():
            product: Dimension = coefficient
            for atom in monomial:
                if isinstance(atom, Symbol):
                    factor: Dimension = values.get(atom, _of_atom(atom))
                else:
                    left, right = substitute((atom.left, atom.right), values)
                    factor = _call(atom.function, left, right)
                product = product * factor
            total = total + product
        return total

    def bounds(self) -> tuple[int, int]:
        """Inclusive bounds that hold for all sizes of the symbols; not always the tightest."""
        low = high = 0
        for monomial, coefficient in self._terms.items():
            a = b = 1
            for atom in monomial:
                lo, hi = (atom.minimum, atom.maximum) if isinstance(atom, Symbol) else _call_bounds(atom)
                corners = (a * lo, a * hi, b * lo, b * hi)
                a, b = min(corners), max(corners)
            low += min(coefficient * a, coefficient * b)
            high += max(coefficient * a, coefficient * b)
        return low, high

    def __add__(self, other: Dimension) -> Dimension:
        if not isinstance(other, (int, Dim)):
            return NotImplemented
        terms = dict(self._terms)
        for monomial, coefficient in _terms(other).items():
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return Dim._make(terms)

    __radd__ = __add__

    def __neg__(self) -> Dimension:
        return self * -1

    def __sub__(self, other: Dimension) -> Dimension:
        return self + other * -1

    def __rsub__(self, other: Dimension) -> Dimension:
        return self * -1 + other

    def __mul__(self, other: Dimension) -> Dimension:
        if not isinstance(other, (int, Dim)):
            return NotImplemented
        terms: dict[Monomial, int] = {}
        for left, a in self._terms.items():
            for right, b in _terms(other).items():
                monomial = tuple(sorted(left + right, key=_atom_key))
                terms[monomial] = terms.get(monomial, 0) + a * b
        return Dim._make(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: Dimension) -> Dimension:
        return _call("floor_divide", self, other)

    def __rfloordiv__(self, other: int) -> Dimension:
        return _call("floor_divide", other, self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return _text(self)


Dimension = Union[int, Dim]  # noqa: UP007 (evaluated on Python 3.10 with a class that defines no |)
Shape = tuple[Dimension, ...]


def _terms(value: Dimension) -> Mapping[Monomial, int]:
    return value.terms if isinstance(value, Dim) else {(): value}


def key(value: Dimension) -> str:
    """A text that is the same for equal dimensions and different for others."""
    return repr(value._key) if isinstance(value, Dim) else str(value)


def _atom_key(atom: Atom) -> str:
    if isinstance(atom, Symbol):
        return f"{atom.name}:{atom.minimum}:{atom.maximum}"
    return f"{atom.function}({key(atom.left)},{key(atom.right)})"


def _of_atom(atom: Atom) -> Dimension:
    return Dim._make({(atom,): 1})


def of_symbol(symbol: Symbol) -> Dimension:
    """The dimension that is this symbol."""
    return _of_atom(symbol)


def symbols_of(value: Dimension) -> frozenset[Symbol]:
    """The symbols in a dimension."""
    return value.symbols if isinstance(value, Dim) else frozenset()


def bounds(value: Dimension) -> tuple[int, int]:
    """Inclusive bounds of a dimension."""
    return value.bounds() if isinstance(value, Dim) else (value, value)


def evaluate(value: Dimension, values: Mapping[Symbol, int]) -> int:
    """The size of a dimension for given sizes of the symbols."""
    return value.evaluate(values) if isinstance(value, Dim) else value


def substitute(shape: Sequence[Dimension], values: Mapping[Symbol, Dimension]) -> Shape:
    """A shape with symbols replaced."""
    return tuple(d.substitute(values) if isinstance(d, Dim) else d for d in shape)


def maximum(left: Dimension, right: Dimension) -> Dimension:
    """The larger of two dimensions."""
    return _call("maximum", left, right)


def minimum(left: Dimension, right: Dimension) -> Dimension:
    """The smaller of two dimensions."""
    return _call("minimum", left, right)


def ceil_divide(left: Dimension, right: int) -> Dimension:
    """Left / right, rounded up."""
    return (left + (right - 1)) // right


def product(shape: Sequence[Dimension]) -> Dimension:
    """The number of elements of a shape."""
    total: Dimension = 1
    for d in shape:
        total = total * d
    return total


def _evaluate_call(call: Call, values: Mapping[Symbol, int]) -> int:
    return _FUNCTIONS[call.function](evaluate(call.left, values), evaluate(call.right, values))


def _call_bounds(call: Call) -> tuple[int, int]:
    lo, hi = bounds(call.left)
    lo2, hi2 = bounds(call.right)
    if call.function == "floor_divide":
        lo2, hi2 = max(lo2, 1), max(hi2, 1)
        corners = (lo // lo2, lo // hi2, hi // lo2, hi // hi2)
        return min(corners), max(corners)
    function = _FUNCTIONS[call.function]
    return function(lo, lo2), function(hi, hi2)


def _call(function: str, left: Dimension, right: Dimension) -> Dimension:
    if isinstance(left, int) and isinstance(right, int):
        return _FUNCTIONS[function](left, right)
    if function != "floor_divide":
        if left == right:
            return left
        (lo, hi), (lo2, hi2) = bounds(left), bounds(right)
        if lo >= hi2:
            return left if function == "maximum" else right
        if lo2 >= hi:
            return right if function == "maximum" else left
        left, right = sorted((left, right), key=key)
        return _of_atom(Call(function, left, right))
    if right == 1:
        return left
    whole, rest = divide_exactly(left, right)
    if rest == 0:
        return whole
    # floor((q * d + r) / d) = q + floor(r / d), whatever r is, when d is a positive number.
    if isinstance(right, int) and right > 0 and isinstance(rest, int):
        return whole + rest // right
    return whole + _of_atom(Call(function, rest, right))


def divide_exactly(left: Dimension, right: Dimension) -> tuple[Dimension, Dimension]:
    """The (quotient, rest) of a term by term division: left = quotient * right + rest."""
    divisor = _terms(right)
    if len(divisor) != 1:
        return (1, 0) if left == right else (0, left)
    ((factor, coefficient),) = divisor.items()
    quotient: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, c in _terms(left).items():
        remaining = list(monomial)
        try:
            for atom in factor:
                remaining.remove(atom)
        except ValueError:
            rest[monomial] = c
            continue
        if c % coefficient and monomial != ():
            rest[monomial] = c
            continue
        quotient[tuple(remaining)] = c // coefficient
        if c % coefficient:
            rest[monomial] = c % coefficient
    return Dim._make(quotient), Dim._make(rest)


def equal(left: Dimension, right: Dimension) -> bool | None:
    """Whether two dimensions are equal: True, False, or None when it depends on sizes not known yet."""
    difference = left - right
    if isinstance(difference, int):
        return difference == 0
    low, high = difference.bounds()
    return None if low <= 0 <= high else False


def broadcast(left: Dimension, right: Dimension) -> Dimension | None:
    """The dimension that two broadcast to (numpy's rule), or None when they cannot."""
    if right in (left, 1):
        return left
    if left == 1:
        return right
    if isinstance(left, int) and isinstance(right, int):
        return None
    (lo, _), (lo2, _) = bounds(left), bounds(right)
    if equal(left, right) is False and lo > 1 and lo2 > 1:
        return None
    if isinstance(left, int) or lo > 1:
        return left
    if isinstance(right, int) or lo2 > 1:
        return right
    return Dim()


def merge(left: Dimension, right: Dimension) -> Dimension | None:
    """The better known of two dimensions that must be equal, or None when they cannot be."""
    if left == right:
        return left
    if equal(left, right) is False:
        return None
    if isinstance(left, int):
        return left
    if isinstance(right, int):
        return right
    return right if left.anonymous and not right.anonymous else left


def as_dimension(value: object) -> Dimension:
    """Turns None, an integer or a Dim into a dimension.

    Raises:
        TypeError: it is something else.
        ValueError: it is a negative number.
    """
    if value is None:
        return Dim()
    if isinstance(value, Dim):
        return value
    if isinstance(value, str):
        return Dim(value)
    try:
        number = int(value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise TypeError(f"{value!r} is not a dimension: give a number, None, a name or a Dim") from None
    if number != value:
        raise TypeError(f"a dimension cannot be {value!r}: give a whole number")
    if number < 0:
        raise ValueError(f"a dimension cannot be negative: {number}")
    return int(number)


def _atom_text(atom: Atom) -> str:
    if isinstance(atom, Symbol):
        return "?" if atom.anonymous else atom.name
    if atom.function == "floor_divide":
        return f"({_text(atom.left)})//{_text(atom.right)}"
    return f"{atom.function}({_text(atom.left)}, {_text(atom.right)})"


def _text(value: Dimension) -> str:
    if isinstance(value, int):
        return str(value)
    if value.symbol is None and any(s.anonymous for s in value.symbols):
        return "?"
    parts = []
    for monomial, coefficient in sorted(value.terms.items(), key=lambda item: (not item[0], repr(item[0]))):
        factors = [_atom_text(a) for a in monomial]
        if coefficient != 1 or not factors:
            factors.insert(0, str(coefficient))
        parts.append("*".join(factors))
    return "+".join(parts).replace("+-", "-")


def text(shape: Shape | None) -> str:
    """A shape as text: `[?, 28, n//2, 3]`, or `[...]` when not even the rank is known."""
    return "[...]" if shape is None else f"[{', '.join(_text(d) for d in shape)}]"
