"""Matrix decompositions, inverses and systems of equations, on stacks of matrices.

The gradients are those of M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), M. Seeger and others, "Auto-differentiating linear algebra" (2017, QR), and J. Townsend,
"Differentiating the singular value decomposition" (2016). They hold where eigenvalues or singular values differ.
"""

from __future__ import annotations

from typing import Any

from samara.graph import dims, dtypes
from samara.graph.ops._table import OPS, OpDef, attribute

_WHY_NOT = "the C runtime has no kernel for it. Compute it before the export, or make its result an input."
_TYPES = {"T": (dtypes.float32, dtypes.float64)}


def _square(op: Any, index: int = 0) -> Any:
    shape = op.shapes[index]
    name = op.definition.operands[index].name
    if len(shape) < 2:
        op.fail(f"{name} must have rank 2 or more, not {len(shape)}")
    size = op.merge(shape[-2], shape[-1], f"{name} must be square matrices")
    return (*shape[:-2], size, size)


def _matrices(op: Any) -> Any:
    if len(op.shapes[0]) < 2:
        op.fail(f"x must have rank 2 or more, not {len(op.shapes[0])}")
    return op.shapes[0]


def _inverse_gradient(b: Any, op: Any, dy: Any) -> Any:
    y = op.outputs[0]
    return [b.negative(b.matmul(b.matmul(y, dy, transpose_x=True), y, transpose_y=True))]


def _scaled_inverse(b: Any, x: Any, scale: Any) -> Any:
    from samara.graph.ops._matrices import transposed

    weights = b.expand_dims(b.expand_dims(scale, axis=-1), axis=-1)
    return b.multiply(weights, transposed(b, b.matrix_inverse(x)))


def _determinant_gradient(b: Any, op: Any, dy: Any) -> Any:
    return [_scaled_inverse(b, op.inputs[0], b.multiply(dy, op.outputs[0]))]


def _log_determinant(xp: Any, op: Any, x: Any) -> Any:
    found = xp.linalg.slogdet(x)
    return found[0], found[1]


def _log_determinant_gradient(b: Any, op: Any, dsign: Any, dlog: Any) -> Any:
    return [None if dlog is None else _scaled_inverse(b, op.inputs[0], dlog)]


def _solve_shape(op: Any) -> Any:
    matrix = _square(op)
    right = op.shapes[1]
    if len(right) != len(matrix):
        op.fail(f"the right side has rank {len(right)}, the matrices have rank {len(matrix)}")
    for axis, (a, c) in enumerate(zip(matrix[:-1], right[:-1], strict=True)):
        op.merge(a, c, f"axis {axis}")
    return right


def _turned(xp: Any, op: Any, x: Any) -> Any:
    return xp.matrix_transpose(x) if op.a.adjoint else x


def _triangle(xp: Any, op: Any, x: Any) -> Any:
    return xp.tril(x) if op.a.lower else xp.triu(x)


def _solve_gradient(b: Any, op: Any, dy: Any) -> Any:
    x, y = op.inputs[0], op.outputs[0]
    given = {k: v for k, v in op.attributes.items() if k != "adjoint"}
    right = getattr(b, op.type)(x, dy, adjoint=not op.a.adjoint, **given)
    product = b.matmul(y, right, transpose_y=True) if op.a.adjoint else b.matmul(right, y, transpose_y=True)
    left = b.negative(product)
    if op.type == "matrix_triangular_solve":
        from samara.graph.ops._matrices import band

        left = b.multiply(left, band(b, left, -1, 0) if op.a.lower else band(b, left, 0, -1))
    return [left, right]


def _cholesky_gradient(b: Any, op: Any, dy: Any) -> Any:
    from samara.graph.ops._matrices import band, eye_like, transposed

    y = op.outputs[0]
    inner = b.matmul(y, dy, transpose_x=True)
    lower = b.subtract(
        b.multiply(inner, band(b, inner, -1, 0)),
        b.multiply(b.multiply(inner, eye_like(b, inner)), b.like(0.5, inner)),
    )
    left = b.matrix_triangular_solve(y, lower, lower=True, adjoint=True)
    whole = transposed(b, b.matrix_triangular_solve(y, transposed(b, left), lower=True, adjoint=True))
    return [b.multiply(b.add(whole, transposed(b, whole)), b.like(0.5, whole))]


def _qr_shape(op: Any) -> Any:
    *batch, rows, columns = _matrices(op)
    if op.a.full_matrices:
        return [(*batch, rows, rows), (*batch, rows, columns)]
    least = dims.minimum(rows, columns)
    return [(*batch, rows, least), (*batch, least, columns)]


def _qr(xp: Any, op: Any, x: Any) -> Any:
    found = xp.linalg.qr(x, mode="complete" if op.a.full_matrices else "reduced")
    return found[0], found[1]


def _qr_gradient(b: Any, op: Any, dq: Any, dr: Any) -> Any:
    from samara.errors import GraphError
    from samara.graph.ops._matrices import band, transposed

    q, r = op.outputs
    rows, columns = op.inputs[0].shape[-2:]
    if (
        not (isinstance(rows, int) and isinstance(columns, int))
        or rows < columns
        or (op.a.full_matrices and rows != columns)
    ):
        raise GraphError(
            f"qr {op.name!r}: the gradient needs matrices with at least as many rows as columns, of known sizes, and "
            "full_matrices=False"
        )
    dq = b.zeros_like(q) if dq is None else dq
    dr = b.zeros_like(r) if dr is None else dr
    inner = b.subtract(b.matmul(r, dr, transpose_y=True), b.matmul(dq, q, transpose_x=True))
    lower = b.multiply(inner, band(b, inner, -1, 0))
    strict = b.subtract(lower, b.multiply(inner, band(b, inner, 0, 0)))
    whole = b.add(dq, b.matmul(q, b.add(lower, transposed(b, strict))))
    # whole R^-T, which is (R^-1 whole^T)^T.
    return [transposed(b, b.matrix_triangular_solve(r, transposed(b, whole), lower=False, adjoint=False))]


def _signs(xp: Any, vectors: Any) -> Any:
    """For each column the sign of its element of largest magnitude."""
    place = xp.argmax(xp.abs(vectors), axis=-2, keepdims=True)
    found = xp.sign(xp.take_along_axis(vectors, place, axis=-2))
    return xp.where(found == 0, xp.ones_like(found), found)


def _svd_shape(op: Any) -> Any:
    *batch, rows, columns = _matrices(op)
    least = dims.minimum(rows, columns)
    values = (*batch, least)
    if op.a.full_matrices:
        return [values, (*batch, rows, rows), (*batch, columns, columns)]
    return [values, (*batch, rows, least), (*batch, columns, least)]


def _svd(xp: Any, op: Any, x: Any) -> Any:
    u, s, vh = xp.linalg.svd(x, full_matrices=op.a.full_matrices)
    v, least = xp.matrix_transpose(vh), s.shape[-1]
    if least:
        signs = _signs(xp, u[..., :least])
        u = xp.concat([u[..., :least] * signs, u[..., least:]], axis=-1)
        v = xp.concat([v[..., :least] * signs, v[..., least:]], axis=-1)
    return s, u, v


def _inverse_differences(b: Any, values: Any) -> Any:
    """F[i, j] = 1 / (values[j] - values[i]), 0 on the diagonal."""
    from samara.graph.ops._matrices import eye_like

    apart = b.subtract(b.expand_dims(values, axis=-2), b.expand_dims(values, axis=-1))
    eye = eye_like(b, apart)
    return b.multiply(b.reciprocal(b.add(apart, eye)), b.subtract(b.like(1, apart), eye))


def _svd_gradient(b: Any, op: Any, ds: Any, du: Any, dv: Any) -> Any:
    from samara.errors import GraphError
    from samara.graph.ops._matrices import transposed, with_diagonal

    s, u, v = op.outputs
    if op.a.full_matrices and (du is not None or dv is not None):
        raise GraphError(f"svd {op.name!r}: the gradient of u and v needs full_matrices=False")
    if op.a.full_matrices:
        _, u, v = b.svd(op.inputs[0])
    middle = None if ds is None else with_diagonal(b, ds)
    line = b.expand_dims(s, axis=-2)
    column = b.expand_dims(s, axis=-1)
    weights = None if du is None and dv is None else _inverse_differences(b, b.square(s))
    outer = None
    for vectors, grads, first in ((u, du, True), (v, dv, False)):
        if grads is None:
            continue
        product = b.matmul(vectors, grads, transpose_x=True)
        turn = b.multiply(weights, b.subtract(product, transposed(b, product)))
        part = b.multiply(turn, line) if first else b.multiply(column, turn)
        middle = part if middle is None else b.add(middle, part)
        # What of the gradient lies outside the space of the vectors.
        beyond = b.divide(b.subtract(grads, b.matmul(vectors, product)), line)
        rest = b.matmul(beyond, v, transpose_y=True) if first else b.matmul(u, beyond, transpose_y=True)
        outer = rest if outer is None else b.add(outer, rest)
    found = b.matmul(b.matmul(u, middle), v, transpose_y=True)
    return [found if outer is None else b.add(found, outer)]


def _eig(xp: Any, op: Any, x: Any) -> Any:
    values, vectors = xp.linalg.eigh(x)
    return values, vectors * _signs(xp, vectors) if x.shape[-1] else vectors


def _eig_gradient(b: Any, op: Any, de: Any, dv: Any) -> Any:
    from samara.graph.ops._matrices import transposed, with_diagonal

    e, v = op.outputs
    middle = None if de is None else with_diagonal(b, de)
    if dv is not None:
        turn = b.multiply(_inverse_differences(b, e), b.matmul(v, dv, transpose_x=True))
        middle = turn if middle is None else b.add(middle, turn)
    whole = b.matmul(b.matmul(v, middle), v, transpose_y=True)
    return [b.multiply(b.add(whole, transposed(b, whole)), b.like(0.5, whole))]


_ADJOINT = attribute("adjoint", "bool", False, "Whether the matrices are transposed first.")
_FULL = attribute("full_matrices", "bool", False, "Whether the bases are completed to square matrices.")


def _linalg(name: str, opcode: int, **fields: Any) -> OpDef:
    return OpDef(
        name=name,
        opcode=opcode,
        **{
            "inputs": ("x: T",),
            "outputs": ("y: T",),
            "types": _TYPES,
            "device": "none",
            "why_not": _WHY_NOT,
            **fields,
        },
    )


OPS.register(
    _linalg(
        "matrix_inverse",
        510,
        doc="The inverses of square matrices.",
        shape=_square,
        reference=lambda xp, op, x: xp.linalg.inv(x),
        gradient=_inverse_gradient,
    ),
    _linalg(
        "matrix_determinant",
        511,
        doc="The determinants of square matrices.",
        shape=lambda op: _square(op)[:-2],
        reference=lambda xp, op, x: xp.linalg.det(x),
        gradient=_determinant_gradient,
    ),
    _linalg(
        "log_matrix_determinant",
        512,
        outputs=("sign: T", "log_magnitude: T"),
        doc="The signs of determinants and the logarithms of their magnitudes.",
        shape=lambda op: [_square(op)[:-2]] * 2,
        reference=_log_determinant,
        gradient=_log_determinant_gradient,
    ),
    _linalg(
        "matrix_solve",
        513,
        inputs=("x: T", "right: T"),
        attributes=(_ADJOINT,),
        doc="The solutions y of x y = right; the columns of `right` are so many systems.",
        shape=_solve_shape,
        reference=lambda xp, op, x, right: xp.linalg.solve(_turned(xp, op, x), right),
        gradient=_solve_gradient,
    ),
    _linalg(
        "matrix_triangular_solve",
        514,
        inputs=("x: T", "right: T"),
        attributes=(
            attribute("lower", "bool", True, "Which triangle is taken; the other is not read."),
            _ADJOINT,
        ),
        doc="The solutions y of x y = right for triangular matrices.",
        shape=_solve_shape,
        reference=lambda xp, op, x, right: xp.linalg.solve(_turned(xp, op, _triangle(xp, op, x)), right),
        gradient=_solve_gradient,
    ),
    _linalg(
        "cholesky",
        515,
        doc="The lower triangular matrices y with y y^T = x for symmetric positive definite x, of which the lower "
        "triangle is read.",
        shape=_square,
        reference=lambda xp, op, x: xp.linalg.cholesky(x),
        gradient=_cholesky_gradient,
    ),
    _linalg(
        "qr",
        516,
        outputs=("q: T", "r: T"),
        attributes=(_FULL,),
        doc="Orthonormal columns q and upper triangular r with q r = x.",
        shape=_qr_shape,
        reference=_qr,
        gradient=_qr_gradient,
    ),
    _linalg(
        "svd",
        517,
        outputs=("s: T", "u: T", "v: T"),
        attributes=(_FULL,),
        doc="The singular values s, from the largest on, and vectors u and v with u diag(s) v^T = x. Of the two "
        "signs that a pair of vectors can have it takes the one with which the largest element of u's is above 0.",
        shape=_svd_shape,
        reference=_svd,
        gradient=_svd_gradient,
    ),
    _linalg(
        "self_adjoint_eig",
        518,
        outputs=("e: T", "v: T"),
        doc="The eigenvalues e of symmetric matrices, from the smallest on, and their eigenvectors, the columns of v. "
        "The lower triangle is read. Of the two signs that a vector can have it takes the one with which its largest "
        "element is above 0.",
        shape=lambda op: [_square(op)[:-1], _square(op)],
        reference=_eig,
        gradient=_eig_gradient,
    ),
)
