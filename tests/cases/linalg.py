"""Cases of matrix decompositions and systems of equations, which run in sessions only.

The oracles are written by hand: elimination, Gram-Schmidt and Jacobi rotations, matrix by matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def _each(function: Callable[..., Any], *stacks: Any) -> list[Any]:
    """The function on the matrices of stacks, its results stacked."""
    lead = stacks[0].shape[:-2]
    rows = [function(*(s[place] for s in stacks)) for place in np.ndindex(*lead)]
    parts = zip(*[r if isinstance(r, tuple) else (r,) for r in rows], strict=True)
    return [np.asarray(p).reshape((*lead, *np.shape(p[0]))) for p in parts]


def _eliminated(matrix: Any, right: Any) -> tuple[Any, float]:
    """The solution by Gauss's elimination with the largest pivots, and the determinant."""
    a, y = np.array(matrix, np.float64), np.array(right, np.float64)
    size, det = len(a), 1.0
    for i in range(size):
        p = i + int(np.argmax(np.abs(a[i:, i])))
        if p != i:
            a[[i, p]], y[[i, p]], det = a[[p, i]], y[[p, i]], -det
        det *= a[i, i]
        for k in range(i + 1, size):
            factor = a[k, i] / a[i, i]
            a[k] -= factor * a[i]
            y[k] -= factor * y[i]
    for i in reversed(range(size)):
        y[i] = (y[i] - a[i, i + 1 :] @ y[i + 1 :]) / a[i, i]
    return y, det


def _inverse(a: Any, x: Any) -> Any:
    return _each(lambda m: _eliminated(m, np.eye(len(m)))[0], x)


def _determinant(a: Any, x: Any) -> Any:
    return _each(lambda m: _eliminated(m, np.eye(len(m)))[1], x)


def _log_determinant(a: Any, x: Any) -> Any:
    (det,) = _determinant(a, x)
    return [np.sign(det), np.log(np.abs(det))]


def _solve(a: Any, x: Any, right: Any) -> Any:
    return _each(lambda m, y: _eliminated(m.T if a.adjoint else m, y)[0], x, right)


def _triangular(a: Any, x: Any, right: Any) -> Any:
    part = np.tril if a.lower else np.triu
    return _each(lambda m, y: _eliminated(part(m).T if a.adjoint else part(m), y)[0], x, right)


def _cholesky(a: Any, x: Any) -> Any:
    def factor(m: Any) -> Any:
        low = np.zeros_like(m)
        for i in range(len(m)):
            for k in range(i + 1):
                rest = m[i, k] - low[i, :k] @ low[k, :k]
                low[i, k] = np.sqrt(rest) if i == k else rest / low[k, k]
        return low

    return _each(factor, x)


def _qr(a: Any, x: Any) -> Any:
    """By Householder's reflections, with the signs that they give."""

    def factors(m: Any) -> Any:
        rows, columns = m.shape
        q, r = np.eye(rows), m.copy()
        for i in range(min(rows - 1, columns)):
            v = r[i:, i].copy()
            v[0] += np.copysign(np.linalg.norm(v), v[0])
            v /= np.linalg.norm(v)
            r[i:] -= 2 * np.outer(v, v @ r[i:])
            q[:, i:] -= 2 * np.outer(q[:, i:] @ v, v)
        least = rows if a.full_matrices else min(rows, columns)
        return q[:, :least], r[:least]

    return _each(factors, x)


def _signed(vectors: Any) -> Any:
    signs = [np.sign(c[np.argmax(np.abs(c))]) for c in vectors.T]
    return np.asarray(signs)


def _rotated(m: Any) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors of a symmetric matrix by Jacobi's rotations, in order."""
    a, v = m.copy(), np.eye(len(m))
    for _ in range(60):
        for i in range(len(m)):
            for k in range(i):
                angle = 0.5 * np.arctan2(2 * a[i, k], a[i, i] - a[k, k])
                turn = np.eye(len(m))
                turn[i, i] = turn[k, k] = np.cos(angle)
                turn[i, k], turn[k, i] = -np.sin(angle), np.sin(angle)
                a, v = turn.T @ a @ turn, v @ turn
    order = np.argsort(np.diagonal(a))
    v = v[:, order]
    return np.diagonal(a)[order], v * _signed(v)


def _eig(a: Any, x: Any) -> Any:
    return _each(lambda m: _rotated(np.tril(m) + np.tril(m, -1).T), x)


def _svd(a: Any, x: Any) -> Any:
    def parts(m: Any) -> Any:
        if m.shape[0] < m.shape[1]:
            s, v, u = parts(m.T)
            signs = _signed(u)
            return s, u * signs, v * signs
        squares, v = _rotated(m.T @ m)
        s, v = np.sqrt(squares[::-1]), v[:, ::-1]
        u = m @ v / s
        signs = _signed(u)
        return s, u * signs, v * signs

    return _each(parts, x)


ORACLES = {
    "matrix_inverse": _inverse,
    "matrix_determinant": _determinant,
    "log_matrix_determinant": _log_determinant,
    "matrix_solve": _solve,
    "matrix_triangular_solve": _triangular,
    "cholesky": _cholesky,
    "qr": _qr,
    "svd": _svd,
    "self_adjoint_eig": _eig,
}


def _matrices(*shape: int, definite: bool = False) -> Input:
    """Matrices that are far from singular, whose singular values lie apart."""
    generator = np.random.default_rng(shape)
    values = generator.uniform(-1, 1, shape)
    if shape[-1] == shape[-2]:
        values = values + np.diag(np.arange(2.0, 2.0 + shape[-1]))
    if definite:
        values = values @ np.swapaxes(values, -1, -2)
    return Input(shape=shape, values=values)


_SIZES = [(1, 1), (2, 2), (4, 4), (3, 3, 3), (2, 1, 3, 3)]
_LOOSE = {"tolerance": 2e-5}

CASES = [
    *(
        Case(op=op, inputs=(_matrices(*s),), **_LOOSE)
        for op in ("matrix_inverse", "matrix_determinant", "log_matrix_determinant")
        for s in _SIZES
    ),
    *(
        Case(
            op="matrix_solve",
            inputs=(_matrices(*s), Input(shape=(*s[:-1], 2))),
            attributes={"adjoint": adjoint},
            **_LOOSE,
        )
        for s in _SIZES
        for adjoint in (False, True)
    ),
    *(
        Case(
            op="matrix_triangular_solve",
            inputs=(_matrices(*s), Input(shape=(*s[:-1], 3))),
            attributes={"lower": lower, "adjoint": adjoint},
            **_LOOSE,
        )
        for s in _SIZES
        for lower in (False, True)
        for adjoint in (False, True)
    ),
    # Differences would move one triangle only; tests/graph/programs moves both.
    *(Case(op="cholesky", inputs=(_matrices(*s, definite=True),), gradient=False, **_LOOSE) for s in _SIZES),
    *(
        Case(op="self_adjoint_eig", inputs=(_matrices(*s, definite=True),), gradient=False, **_LOOSE)
        for s in _SIZES
    ),
    *(Case(op="qr", inputs=(_matrices(*s),), **_LOOSE) for s in [*_SIZES, (4, 2), (2, 5, 3)]),
    Case(op="qr", inputs=(_matrices(2, 4),), gradient=False, **_LOOSE),
    Case(op="qr", inputs=(_matrices(4, 2),), attributes={"full_matrices": True}, gradient=False, **_LOOSE),
    *(Case(op="svd", inputs=(_matrices(*s),), **_LOOSE) for s in [*_SIZES, (4, 2), (2, 4), (2, 3, 2)]),
]
