"""Python's operators on tensors and variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samara.graph.graph import Tensor


class Operators:
    """Arithmetic, comparison, logic and slicing for what `as_graph_tensor` gives."""

    __slots__ = ()
    # numpy's arrays and numbers leave `array + tensor` to the tensor.
    __array_priority__ = 100
    __array_ufunc__ = None

    def as_graph_tensor(self) -> Tensor:
        """The tensor that the operators work on."""
        raise TypeError(f"{type(self).__name__} has no tensor")

    def _binary(self, op: str, other: Any, swapped: bool = False) -> Any:
        tensor = self.as_graph_tensor()
        left, right = (other, tensor) if swapped else (tensor, other)
        return getattr(tensor.graph.b, op)(left, right)

    def __add__(self, other: Any) -> Any:
        return self._binary("add", other)

    def __radd__(self, other: Any) -> Any:
        return self._binary("add", other, True)

    def __sub__(self, other: Any) -> Any:
        return self._binary("subtract", other)

    def __rsub__(self, other: Any) -> Any:
        return self._binary("subtract", other, True)

    def __mul__(self, other: Any) -> Any:
        return self._binary("multiply", other)

    def __rmul__(self, other: Any) -> Any:
        return self._binary("multiply", other, True)

    def __truediv__(self, other: Any) -> Any:
        return self._true_divide(other, False)

    def __rtruediv__(self, other: Any) -> Any:
        return self._true_divide(other, True)

    def _true_divide(self, other: Any, swapped: bool) -> Any:
        from samara.graph import dtypes

        tensor = self.as_graph_tensor()
        if tensor.dtype.is_integer:
            b = tensor.graph.b
            tensor = b.cast(tensor, dtype=dtypes.float32)
            other = b.cast(b.constant(other), dtype=dtypes.float32)
        return tensor._binary("divide", other, swapped)

    def __floordiv__(self, other: Any) -> Any:
        return self._binary("floor_divide", other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._binary("floor_divide", other, True)

    def __mod__(self, other: Any) -> Any:
        return self._binary("floor_mod", other)

    def __rmod__(self, other: Any) -> Any:
        return self._binary("floor_mod", other, True)

    def __pow__(self, other: Any) -> Any:
        return self._binary("power", other)

    def __rpow__(self, other: Any) -> Any:
        return self._binary("power", other, True)

    def __matmul__(self, other: Any) -> Any:
        return self._binary("matmul", other)

    def __rmatmul__(self, other: Any) -> Any:
        return self._binary("matmul", other, True)

    def __lt__(self, other: Any) -> Any:
        return self._binary("less", other)

    def __le__(self, other: Any) -> Any:
        return self._binary("less_equal", other)

    def __gt__(self, other: Any) -> Any:
        return self._binary("greater", other)

    def __ge__(self, other: Any) -> Any:
        return self._binary("greater_equal", other)

    def __and__(self, other: Any) -> Any:
        return self._binary("logical_and", other)

    def __or__(self, other: Any) -> Any:
        return self._binary("logical_or", other)

    def __xor__(self, other: Any) -> Any:
        return self._binary("logical_xor", other)

    def __rand__(self, other: Any) -> Any:
        return self._binary("logical_and", other, True)

    def __ror__(self, other: Any) -> Any:
        return self._binary("logical_or", other, True)

    def __rxor__(self, other: Any) -> Any:
        return self._binary("logical_xor", other, True)

    def __invert__(self) -> Any:
        return self.as_graph_tensor().graph.b.logical_not(self)

    def __neg__(self) -> Any:
        return self.as_graph_tensor().graph.b.negative(self)

    def __abs__(self) -> Any:
        return self.as_graph_tensor().graph.b.abs(self)

    def __getitem__(self, key: Any) -> Any:
        from samara.graph.slicing import slice_of

        return slice_of(self.as_graph_tensor(), key)
