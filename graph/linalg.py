"""Linear algebra on stacks of matrices: `tf.linalg`.

Decompositions and systems of equations run in sessions, not on devices; products and masks run on both.
"""

from __future__ import annotations

import builtins
import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import ShapeError
from samara.graph.convert import builder, convert_to_tensor
from samara.graph.dtypes import as_dtype, float32
from samara.graph.graph import Tensor
from samara.graph.ops import _matrices as matrices
from samara.graph.vocabulary.mathematics import matmul


def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The inverses of square matrices; `adjoint` transposes them."""
    b = builder(input)
    found: Tensor = b.matrix_inverse(input, name=name)
    return matrices.transposed(b, found) if adjoint else found


def det(input: Any, name: str | None = None) -> Tensor:
    """The determinants of square matrices."""
    found: Tensor = builder(input).matrix_determinant(input, name=name)
    return found


def slogdet(input: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The signs of the determinants of square matrices, and the logarithms of their magnitudes."""
    sign, log_magnitude = builder(input).log_matrix_determinant(input, name=name)
    return sign, log_magnitude


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """The logarithms of the determinants of symmetric positive definite matrices."""
    b = builder(matrix)
    lines = matrices.diagonal(b, b.cholesky(matrix))
    found: Tensor = b.multiply(b.like(2, lines), b.reduce_sum(b.log(lines), axes=(-1,)), name=name)
    return found


def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """The solutions y of matrix y = rhs; the columns of `rhs` are so many systems."""
    found: Tensor = builder(matrix, rhs).matrix_solve(matrix, rhs, adjoint=adjoint, name=name)
    return found


def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Tensor:
    """The solutions y of matrix y = rhs for triangular matrices, whose other triangle is not read."""
    found: Tensor = builder(matrix, rhs).matrix_triangular_solve(
        matrix, rhs, lower=lower, adjoint=adjoint, name=name
    )
    return found


def cholesky(input: Any, name: str | None = None) -> Tensor:
    """The lower triangular y with y y^T = input, of symmetric positive definite matrices."""
    found: Tensor = builder(input).cholesky(input, name=name)
    return found


def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """The solutions y of A y = rhs, where `chol` is the Cholesky factor of A."""
    b = builder(chol, rhs)
    half = b.matrix_triangular_solve(chol, rhs, lower=True)
    found: Tensor = b.matrix_triangular_solve(chol, half, lower=True, adjoint=True, name=name)
    return found


def lstsq(
    matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: str | None = None
) -> Tensor:
    """The y of least |matrix y - rhs|^2 + l2_regularizer |y|^2, by the normal equations.

    Of a matrix with fewer rows than columns and no regularizer it is the solution of least norm. `fast=False` is
    refused: it asks for a decomposition that copes with matrices of any rank.

    Raises:
        ValueError: `fast` is False.
    """
    if not fast:
        raise ValueError("matrix_solve_ls: only fast=True, by the normal equations, is there")
    x = convert_to_tensor(matrix)
    b = x.graph.b
    rows, columns = _sizes(x)
    wide = rows < columns
    gram = b.matmul(x, x, transpose_y=True) if wide else b.matmul(x, x, transpose_x=True)
    gram = b.add(gram, b.multiply(b.like(l2_regularizer, x), matrices.eye_like(b, gram)))
    factor = b.cholesky(gram)
    if wide:
        found: Tensor = b.matmul(x, cholesky_solve(factor, rhs), transpose_x=True, name=name)
        return found
    return cholesky_solve(factor, b.matmul(x, rhs, transpose_x=True), name=name)


def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Orthonormal columns q and upper triangular r with q r = input."""
    q, r = builder(input).qr(input, full_matrices=full_matrices, name=name)
    return q, r


def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """The singular values s, from the largest on, and vectors u and v with u diag(s) v^T = tensor; or s alone."""
    s, u, v = builder(tensor).svd(tensor, full_matrices=full_matrices and compute_uv, name=name)
    return (s, u, v) if compute_uv else s


def eigh(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The eigenvalues of symmetric matrices, from the smallest on, and their eigenvectors as columns."""
    e, v = builder(tensor).self_adjoint_eig(tensor, name=name)
    return e, v


def eigvalsh(tensor: Any, name: str | None = None) -> Tensor:
    """The eigenvalues of symmetric matrices, from the smallest on."""
    return eigh(tensor, name)[0]


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = float32,
    name: str | None = None,
) -> Tensor:
    """Identity matrices."""
    columns = num_rows if num_columns is None else num_columns
    kind = as_dtype(dtype)
    if isinstance(num_rows, (int, np.integer)) and isinstance(columns, (int, np.integer)):
        made: Tensor = builder().constant(np.eye(int(num_rows), int(columns), dtype=kind.numpy))
    else:
        b = builder(num_rows, columns)
        down = b.expand_dims(b.range(np.int32(0), num_rows, np.int32(1)), axis=1)
        along = b.expand_dims(b.range(np.int32(0), columns, np.int32(1)), axis=0)
        made = b.cast(b.equal(down, along), dtype=kind)
    b = made.graph.b
    if batch_shape is not None:
        lead = np.asarray([int(n) for n in batch_shape], np.int32)
        made = b.broadcast_to(made, b.concat([lead, b.constant(b.sizes(made))], axis=0))
    named: Tensor = b.identity(made, name=name or "eye")
    return named


def band_part(input: Any, num_lower: int, num_upper: int, name: str | None = None) -> Tensor:
    """Matrices with zeros beyond `num_lower` diagonals below and `num_upper` above the main one; -1 keeps all."""
    x = convert_to_tensor(input)
    b = x.graph.b
    mask = b.cast(matrices.band(b, x, int(num_lower), int(num_upper)), dtype="bool")
    found: Tensor = b.where(mask, x, b.like(0, x), name=name)
    return found


def diag(diagonal: Any, name: str | None = None) -> Tensor:
    """Square matrices with these diagonals, and zeros elsewhere."""
    x = convert_to_tensor(diagonal)
    b = x.graph.b
    column = b.expand_dims(x, axis=-1)
    shape = x.get_shape()
    if shape.is_fully_defined():
        sizes: Any = np.asarray([*shape, shape[-1]], np.int32)
    else:
        sizes = b.concat([b.shape(x), b.shape(x)[-1:]], axis=0)
    wide = b.broadcast_to(column, sizes)
    return band_part(wide, 0, 0, name)


def diag_part(input: Any, name: str | None = None) -> Tensor:
    """The diagonals of matrices."""
    x = convert_to_tensor(input)
    b = x.graph.b
    rows, columns = _sizes(x)
    least = min(rows, columns)
    square = x[..., :least, :least]
    kept = b.where(np.eye(least, dtype=bool), square, b.like(0, x))
    if x.dtype.name == "bool":
        found: Tensor = b.reduce_any(kept, axes=(-1,), name=name)
    else:
        found = b.reduce_sum(kept, axes=(-1,), name=name)
    return found


def set_diag(input: Any, diagonal: Any, name: str | None = None) -> Tensor:
    """Matrices with other diagonals."""
    x = convert_to_tensor(input)
    b = x.graph.b
    rows, columns = _sizes(x)
    line = b.constant(diagonal, x.dtype)
    spread = b.expand_dims(line, axis=-1 if rows <= columns else -2)
    found: Tensor = b.where(np.eye(rows, columns, dtype=bool), spread, x, name=name)
    return found


def tensor_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """A tensor of rank 2k with the elements of one of rank k where both halves of the indices are equal."""
    x = convert_to_tensor(diagonal)
    b = x.graph.b
    sizes = _all_sizes(x)
    flat = diag(b.reshape(x, np.asarray([-1], np.int32)))
    found: Tensor = b.reshape(flat, np.asarray([*sizes, *sizes], np.int32), name=name)
    return found


def tensor_diag_part(input: Any, name: str | None = None) -> Tensor:
    """Where both halves of the indices of a tensor of rank 2k are equal: its elements, of rank k."""
    x = convert_to_tensor(input)
    b = x.graph.b
    sizes = _all_sizes(x)
    half = sizes[: len(sizes) // 2]
    if len(sizes) % 2 or half != sizes[len(half) :]:
        raise ShapeError(f"{x.name}: shape {sizes} is not two equal halves")
    count = math.prod(half)
    found: Tensor = b.reshape(
        diag_part(b.reshape(x, np.asarray([count, count], np.int32))), np.asarray(half, np.int32), name=name
    )
    return found


def trace(x: Any, name: str | None = None) -> Tensor:
    """The sums of the diagonals of matrices."""
    b = builder(x)
    found: Tensor = b.reduce_sum(diag_part(x), axes=(-1,), name=name)
    return found


def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """The last two axes swapped."""
    x = convert_to_tensor(a)
    return matrices.transposed(x.graph.b, x)


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The cross products of vectors of three, along the last axis."""
    left, right = convert_to_tensor(a), convert_to_tensor(b)
    made = left.graph.b
    turn = [
        made.gather(t, np.asarray(order, np.int32), axis=-1)
        for t, order in ((left, [1, 2, 0]), (right, [2, 0, 1]), (left, [2, 0, 1]), (right, [1, 2, 0]))
    ]
    found: Tensor = made.subtract(made.multiply(turn[0], turn[1]), made.multiply(turn[2], turn[3]), name=name)
    return found


def norm(
    tensor: Any,
    ord: Any = "euclidean",
    axis: Any = None,
    keepdims: Any = None,
    name: str | None = None,
    keep_dims: Any = None,
) -> Tensor:
    """The norm of vectors or matrices.

    Args:
        tensor: of a floating-point dtype.
        ord: "euclidean"; of vectors any number above 0 or inf; of matrices "fro", 1, 2 or inf.
        axis: None for all elements as one vector; one axis for vectors, two for matrices.
        keepdims: whether the axes stay, with size 1.
        name: the operation's.
        keep_dims: an older spelling of keepdims.

    Raises:
        ValueError: `ord` is not one that the axes allow.
    """
    x = convert_to_tensor(tensor)
    b = x.graph.b
    keep = builtins.bool(keepdims if keepdims is not None else keep_dims)
    axes = () if axis is None else tuple(int(a) for a in np.atleast_1d(axis))
    if len(axes) > 2:
        raise ValueError(f"norm: axis names {len(axes)} axes, at most 2 are possible")
    if ord in ("euclidean", "fro") or (ord == 2 and len(axes) < 2):
        if ord == "fro" and len(axes) != 2:
            raise ValueError("norm: ord 'fro' is of matrices: give two axes")
        found: Tensor = b.sqrt(b.reduce_sum(b.square(x), axes=axes, keepdims=keep), name=name)
        return found
    if len(axes) == 2:
        rank = len(x.shape or ())
        down, along = (a % rank for a in axes)
        if ord == 2:
            rest = [i for i in range(rank) if i not in (down, along)]
            s, _, _ = b.svd(b.transpose(x, permutation=(*rest, down, along)))
            largest: Tensor = b.reduce_max(s, axes=(-1,), name=name)
            for a in sorted((down, along)) if keep else ():
                largest = b.expand_dims(largest, axis=a)
            return largest
        if ord not in (1, math.inf):
            raise ValueError(f"norm: ord {ord!r} of matrices: expected 'euclidean', 'fro', 1, 2 or inf")
        first, second = (down, along) if ord == 1 else (along, down)
        sums = b.reduce_sum(b.abs(x), axes=(first,), keepdims=True)
        largest = b.reduce_max(sums, axes=(second,), keepdims=True, name=name)
        return largest if keep else b.squeeze(largest, axes=(down, along))
    if isinstance(ord, str) or ord <= 0:
        raise ValueError(f"norm: ord {ord!r} of vectors: expected 'euclidean', a number above 0, or inf")
    size = b.abs(x)
    if ord == math.inf:
        found = b.reduce_max(size, axes=axes, keepdims=keep, name=name)
    elif ord == 1:
        found = b.reduce_sum(size, axes=axes, keepdims=keep, name=name)
    else:
        total = b.reduce_sum(b.power(size, b.like(ord, x)), axes=axes, keepdims=keep)
        found = b.power(total, b.like(1 / ord, x), name=name)
    return found


def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """Products of elements summed over axes of both tensors.

    Args:
        a: a tensor.
        b: another, whose summed sizes are equal.
        axes: a number n for the last n axes of a and the first n of b; or two numbers or lists of axes, of a and of b.
        name: the operation's.
    """
    left, right = convert_to_tensor(a), convert_to_tensor(b)
    if left.shape is None or right.shape is None:
        raise ShapeError("tensordot: the ranks of both tensors must be known")
    if np.ndim(axes) == 0:
        count = int(axes)
        over = [list(range(len(left.shape) - count, len(left.shape))), list(range(count))]
    else:
        over = [[int(i) for i in np.atleast_1d(part)] for part in axes]
    over = [[i % len(t.get_shape()) for i in part] for t, part in zip((left, right), over, strict=True)]
    letters = iter(string.ascii_letters)
    names = [next(letters) for _ in left.shape]
    others = [next(letters) for _ in right.shape]
    for i, k in zip(*over, strict=True):
        others[k] = names[i]
    rest = [n for i, n in enumerate(names) if i not in over[0]] + [
        n for i, n in enumerate(others) if i not in over[1]
    ]
    return einsum(f"{''.join(names)},{''.join(others)}->{''.join(rest)}", left, right, name=name)


def einsum(equation: str, *inputs: Any, name: str | None = None) -> Tensor:
    """Sums of products of elements, by Einstein's convention: "ij,jk->ik" is the matrix product.

    Args:
        equation: for each input the letters of its axes, with commas between; after "->" those of the output. Without
            "->" the output has the letters that come once, in the order of the alphabet. "..." stands for leading axes
            that broadcast.
        *inputs: tensors, one or more. More than two are joined from the left.
        name: the operation's.

    Raises:
        ValueError: the equation does not fit the inputs.
    """
    listed = list(inputs[0]) if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)) else list(inputs)
    tensors = [convert_to_tensor(t) for t in listed]
    terms, output = _parsed(equation, tensors)
    while len(tensors) > 2:
        later = set(output).union(*terms[2:])
        kept = "".join(c for c in dict.fromkeys(terms[0] + terms[1]) if c in later)
        joined = _pair(tensors[0], terms[0], tensors[1], terms[1], kept)
        tensors, terms = [joined, *tensors[2:]], [kept, *terms[2:]]
    if len(tensors) == 1:
        found = _single(tensors[0], terms[0], output)
    else:
        found = _pair(tensors[0], terms[0], tensors[1], terms[1], output)
    named: Tensor = found.graph.b.identity(found, name=name or "einsum")
    return named


def _parsed(equation: str, tensors: Sequence[Tensor]) -> tuple[list[str], str]:
    text = equation.replace(" ", "")
    left, arrow, output = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(tensors):
        raise ValueError(f"einsum: {equation!r} has {len(terms)} terms for {len(tensors)} inputs")
    free = [c for c in string.ascii_uppercase + string.ascii_lowercase if c not in text]
    longest, counts = 0, []
    for term, tensor in zip(terms, tensors, strict=True):
        if tensor.shape is None:
            raise ShapeError(f"einsum: the rank of {tensor.name} is not known")
        count = len(tensor.shape) - len(term.replace("...", "")) if "..." in term else 0
        if count < 0 or ("..." not in term and len(term) != len(tensor.shape)):
            raise ValueError(f"einsum: {term!r} does not fit {tensor.name} of rank {len(tensor.shape)}")
        counts.append(count)
        longest = max(longest, count)
    lead = "".join(free[:longest])
    terms = [t.replace("...", lead[longest - n :]) for t, n in zip(terms, counts, strict=True)]
    if not arrow:
        joined = "".join(terms)
        once = sorted(c for c in set(joined) - set(lead) if joined.count(c) == 1)
        output = lead + "".join(once)
    output = output.replace("...", lead)
    unknown = set(output) - set("".join(terms))
    if unknown or len(set(output)) != len(output):
        raise ValueError(f"einsum: the output of {equation!r} must name letters of the inputs, each once")
    return terms, output


def _undoubled(tensor: Tensor, term: str) -> tuple[Tensor, str]:
    """A letter that comes twice stands for the diagonal."""
    b = tensor.graph.b
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first = term.index(letter)
            second = term.index(letter, first + 1)
            rest = [i for i in range(len(term)) if i not in (first, second)]
            turned = b.transpose(tensor, permutation=(*rest, first, second))
            tensor = matrices.diagonal(b, turned)
            term = "".join(term[i] for i in rest) + letter
    return tensor, term


def _single(tensor: Tensor, term: str, output: str) -> Tensor:
    tensor, term = _undoubled(tensor, term)
    b = tensor.graph.b
    gone = tuple(i for i, c in enumerate(term) if c not in output)
    if gone:
        tensor = b.reduce_sum(tensor, axes=gone)
        term = "".join(c for c in term if c in output)
    order = tuple(term.index(c) for c in output)
    return tensor if order == tuple(range(len(order))) else b.transpose(tensor, permutation=order)


def _pair(left: Tensor, one: str, right: Tensor, other: str, output: str) -> Tensor:
    """Two tensors as one matrix product with leading axes: [batch, kept, summed] x [batch, summed, kept]."""
    left = _single(left, one, "".join(c for c in dict.fromkeys(one) if c in other or c in output))
    right = _single(right, other, "".join(c for c in dict.fromkeys(other) if c in one or c in output))
    one = "".join(c for c in dict.fromkeys(one) if c in other or c in output)
    other = "".join(c for c in dict.fromkeys(other) if c in one or c in output)
    b = left.graph.b
    batch = [c for c in one if c in other and c in output]
    summed = [c for c in one if c in other and c not in output]
    mine, its = [c for c in one if c not in other], [c for c in other if c not in one]
    x = _single(left, one, "".join([*batch, *mine, *summed]))
    y = _single(right, other, "".join([*batch, *summed, *its]))
    x = _grouped(b, x, len(batch), len(mine), len(summed))
    y = _grouped(b, y, len(batch), len(summed), len(its))
    product = matmul(x, y)
    sizes = [_size(b, left, one, right, other, c) for c in [*batch, *mine, *its]]
    shaped: Tensor = b.reshape(product, _joined(b, sizes))
    return _single(shaped, "".join([*batch, *mine, *its]), output)


def _size(b: Any, left: Tensor, one: str, right: Tensor, other: str, letter: str) -> Any:
    found = [(t, term.index(letter)) for t, term in ((left, one), (right, other)) if letter in term]
    held = [t.get_shape()[i] for t, i in found]
    known = [int(n) for n in held if isinstance(n, int)]
    wide = [n for n in known if n != 1]
    if wide or len(known) == len(found):
        return (wide or known)[0]
    sizes = [b.shape(t)[i] for t, i in found]
    return sizes[0] if len(sizes) == 1 else b.maximum(*sizes)


def _joined(b: Any, sizes: Sequence[Any]) -> Any:
    if all(isinstance(n, int) for n in sizes):
        return np.asarray(sizes, np.int32)
    return b.stack([b.constant(n) if isinstance(n, Tensor) else np.int32(n) for n in sizes], axis=0)


def _grouped(b: Any, x: Tensor, batch: int, first: int, second: int) -> Tensor:
    """The axes after the batch's as two: the products of `first` and of `second` sizes."""
    shape = x.get_shape()
    if shape.is_fully_defined():
        sizes = [int(n) for n in shape]
        whole: Any = np.asarray(
            [*sizes[:batch], math.prod(sizes[batch : batch + first]), math.prod(sizes[batch + first :])],
            np.int32,
        )
    else:
        parts = b.shape(x)
        one = np.asarray([1], np.int32)
        grouped = [
            b.reduce_prod(parts[i:k], axes=(0,), keepdims=True) if k > i else one
            for i, k in ((batch, batch + first), (batch + first, batch + first + second))
        ]
        whole = b.concat([*([parts[:batch]] if batch else []), *(b.constant(g) for g in grouped)], axis=0)
    made: Tensor = b.reshape(x, whole)
    return made


def _sizes(x: Tensor) -> tuple[int, int]:
    if x.shape is None or len(x.shape) < 2 or not all(isinstance(n, int) for n in x.shape[-2:]):
        raise ShapeError(f"{x.name}: the sizes of the matrices must be known")
    rows, columns = x.get_shape()[-2:]
    return int(rows), int(columns)


def _all_sizes(x: Tensor) -> list[int]:
    if not x.get_shape().is_fully_defined():
        raise ShapeError(f"{x.name}: the shape must be known in full")
    return [int(n) for n in x.get_shape()]


transpose = adjoint = matrix_transpose

__all__ = [
    "adjoint",
    "band_part",
    "cholesky",
    "cholesky_solve",
    "cross",
    "det",
    "diag",
    "diag_part",
    "eigh",
    "eigvalsh",
    "einsum",
    "eye",
    "inv",
    "logdet",
    "lstsq",
    "matrix_transpose",
    "norm",
    "qr",
    "set_diag",
    "slogdet",
    "solve",
    "svd",
    "tensor_diag",
    "tensor_diag_part",
    "tensordot",
    "trace",
    "transpose",
    "triangular_solve",
]
