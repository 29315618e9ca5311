"""Matrices: values by numpy, gradients by differences, gradients of gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import GraphError, ShapeError
from tests.graph.programs._run import check_gradient, run

GENERATOR = np.random.default_rng(11)
A = GENERATOR.uniform(-1, 1, (2, 3, 3)) + 2 * np.eye(3)
TALL = GENERATOR.uniform(-1, 1, (2, 4, 3))
B = GENERATOR.uniform(-1, 1, (2, 3, 2))
WEIGHTS = {
    shape: GENERATOR.uniform(0.5, 1.5, shape) for shape in [(2, 3, 3), (2, 4, 3), (2, 3), (2,), (2, 3, 4)]
}


def placeholder(shape: Any) -> Any:
    return tf.placeholder(tf.float64, shape)


def weighted(y: Any) -> Any:
    """A sum to which every element counts differently."""
    return tf.reduce_sum(y * WEIGHTS[tuple(int(n) for n in y.shape)])


def symmetric(x: Any) -> Any:
    """A symmetric positive definite matrix that depends smoothly on x."""
    return tf.matmul(x, x, transpose_b=True) + tf.eye(3, dtype=tf.float64) * np.arange(1.0, 4.0)


S = A @ np.swapaxes(A, 1, 2) + np.diag(np.arange(1.0, 4.0))


def test_inverse_and_determinants() -> None:
    x = placeholder([2, 3, 3])
    inverse, adjoint = tf.matrix_inverse(x), tf.linalg.inv(x, adjoint=True)
    det = tf.matrix_determinant(x)
    sign, log = tf.log_matrix_determinant(x)
    found = run([inverse, adjoint, det, sign, log, tf.linalg.logdet(symmetric(x))], {x: A})
    np.testing.assert_allclose(found[0], np.linalg.inv(A))
    np.testing.assert_allclose(found[1], np.swapaxes(np.linalg.inv(A), 1, 2))
    np.testing.assert_allclose(found[2], np.linalg.det(A))
    np.testing.assert_allclose(found[3] * np.exp(found[4]), np.linalg.det(A))
    np.testing.assert_allclose(found[5], np.log(np.linalg.det(S)))
    for y in (inverse, det, log, tf.linalg.logdet(symmetric(x))):
        check_gradient(weighted(y), x, {x: A}, second=True)
    assert tf.linalg.slogdet is tf.log_matrix_determinant
    assert tf.batch_matrix_inverse is tf.matrix_inverse is tf.linalg.inv
    assert tf.batch_matrix_determinant is tf.linalg.det
    with pytest.raises(ShapeError, match="square"):
        tf.matrix_inverse(tf.zeros([2, 3]))
    with tf.Session() as session, pytest.raises(GraphError, match="matrix_inverse"):
        session.run(tf.matrix_inverse(tf.zeros([2, 2])))


@pytest.mark.parametrize("adjoint", [False, True])
def test_solve(adjoint: bool) -> None:
    x, right = placeholder([2, 3, 3]), placeholder([2, 3, 2])
    feeds = {x: A, right: B}
    turned = np.swapaxes(A, 1, 2) if adjoint else A
    y = tf.matrix_solve(x, right, adjoint=adjoint)
    np.testing.assert_allclose(turned @ run(y, feeds), B)
    for lower in (True, False):
        z = tf.matrix_triangular_solve(x, right, lower=lower, adjoint=adjoint)
        part = np.tril(A) if lower else np.triu(A)
        np.testing.assert_allclose(
            (np.swapaxes(part, 1, 2) if adjoint else part) @ run(z, feeds), B, atol=1e-12
        )
        for source in (x, right):
            check_gradient(tf.sin(z), source, feeds, second=True)
    for source in (x, right):
        check_gradient(tf.sin(y), source, feeds, second=True)
    assert tf.batch_matrix_solve is tf.matrix_solve is tf.linalg.solve
    assert tf.linalg.triangular_solve is tf.matrix_triangular_solve


def test_cholesky() -> None:
    x, right = placeholder([2, 3, 3]), placeholder([2, 3, 2])
    factor = tf.cholesky(symmetric(x))
    np.testing.assert_allclose(run(factor, {x: A}), np.linalg.cholesky(S))
    check_gradient(weighted(factor), x, {x: A}, second=True)
    y = tf.cholesky_solve(factor, right)
    np.testing.assert_allclose(S @ run(y, {x: A, right: B}), B)
    check_gradient(tf.sin(y), x, {x: A, right: B})
    assert tf.batch_cholesky is tf.cholesky
    assert tf.batch_cholesky_solve is tf.cholesky_solve


def test_least_squares() -> None:
    x, right = placeholder([2, 4, 3]), placeholder([2, 4, 2])
    data = GENERATOR.uniform(-1, 1, (2, 4, 2))
    y = tf.matrix_solve_ls(x, right)
    wide = tf.matrix_solve_ls(tf.matrix_transpose(x), right[:, :3])
    damped = tf.matrix_solve_ls(x, right, l2_regularizer=0.1)
    found = run([y, wide, damped], {x: TALL, right: data})
    for i in range(2):
        np.testing.assert_allclose(found[0][i], np.linalg.lstsq(TALL[i], data[i], rcond=None)[0])
        np.testing.assert_allclose(found[1][i], np.linalg.lstsq(TALL[i].T, data[i, :3], rcond=None)[0])
        gram = TALL[i].T @ TALL[i] + 0.1 * np.eye(3)
        np.testing.assert_allclose(found[2][i], np.linalg.solve(gram, TALL[i].T @ data[i]))
    with pytest.raises(ValueError, match="fast"):
        tf.linalg.lstsq(x, right, fast=False)


def test_qr() -> None:
    x = placeholder([2, 4, 3])
    q, r = tf.qr(x)
    found = run([q, r, *tf.linalg.qr(x, full_matrices=True)], {x: TALL})
    np.testing.assert_allclose(found[0] @ found[1], TALL)
    np.testing.assert_allclose(np.swapaxes(found[0], 1, 2) @ found[0], [np.eye(3)] * 2, atol=1e-12)
    np.testing.assert_allclose(np.tril(found[1], -1), 0)
    assert [f.shape for f in found] == [(2, 4, 3), (2, 3, 3), (2, 4, 4), (2, 4, 3)]
    np.testing.assert_allclose(found[2] @ found[3], TALL, atol=1e-12)
    check_gradient(weighted(q) + 2 * weighted(r), x, {x: TALL}, second=True)


@pytest.mark.parametrize("wide", [False, True])
def test_svd(wide: bool) -> None:
    x = placeholder([2, 3, 4] if wide else [2, 4, 3])
    data = np.swapaxes(TALL, 1, 2) if wide else TALL
    s, u, v = tf.svd(x)
    found = run([s, u, v, *tf.svd(x, full_matrices=True)], {x: data})
    np.testing.assert_allclose(found[0], np.linalg.svd(data)[1])
    np.testing.assert_allclose(found[1] * found[0][:, None] @ np.swapaxes(found[2], 1, 2), data)
    assert [f.shape[-2:] for f in found[4:]] == ([(3, 3), (4, 4)] if wide else [(4, 4), (3, 3)])
    for full in found[4:]:
        np.testing.assert_allclose(np.swapaxes(full, 1, 2) @ full, [np.eye(full.shape[-1])] * 2, atol=1e-12)
    alone = tf.svd(x, compute_uv=False)
    check_gradient(weighted(alone), x, {x: data}, second=True)
    check_gradient(
        weighted(u) + 2 * tf.reduce_sum(tf.sin(v)) + tf.reduce_sum(s),
        x,
        {x: data},
        second=True,
        tolerance=1e-5,
    )
    assert tf.batch_svd is tf.linalg.svd


def test_eigenvalues() -> None:
    x = placeholder([2, 3, 3])
    e, v = tf.self_adjoint_eig(symmetric(x))
    values, vectors = run([e, v], {x: A})
    np.testing.assert_allclose(values, np.linalg.eigvalsh(S))
    np.testing.assert_allclose(S @ vectors, vectors * values[:, None])
    np.testing.assert_allclose(run(tf.self_adjoint_eigvals(symmetric(x)), {x: A}), values)
    check_gradient(weighted(e), x, {x: A}, second=True)
    check_gradient(weighted(v), x, {x: A}, second=True, tolerance=1e-5)
    assert tf.batch_self_adjoint_eig is tf.linalg.eigh is tf.self_adjoint_eig
    assert tf.linalg.eigvalsh is tf.self_adjoint_eigvals


def test_diagonals() -> None:
    x = placeholder([2, 3, 4])
    data = GENERATOR.uniform(-1, 1, (2, 3, 4))
    line = placeholder([2, 3])
    spread = np.zeros((2, 3, 3))
    spread[:, np.arange(3), np.arange(3)] = data[:, :, 0]
    replaced = data.copy()
    replaced[:, np.arange(3), np.arange(3)] = data[:, :, 0]
    feeds = {x: data, line: data[:, :, 0]}
    for made, expected in (
        (tf.matrix_diag(line), spread),
        (tf.matrix_diag_part(x), np.diagonal(data, axis1=1, axis2=2)),
        (tf.matrix_set_diag(x, line), replaced),
        (tf.matrix_set_diag(tf.matrix_transpose(x), line), np.swapaxes(replaced, 1, 2)),
        (tf.trace(x), np.trace(data, axis1=1, axis2=2)),
        (tf.matrix_band_part(x, 1, 0), np.tril(data) - np.tril(data, -2)),
        (tf.matrix_band_part(x, -1, 1), np.triu(np.tril(data, 1), -10)),
        (tf.linalg.band_part(x, 0, -1), np.triu(data)),
        (tf.matrix_transpose(x), np.swapaxes(data, 1, 2)),
    ):
        np.testing.assert_allclose(run(made, feeds), expected)
        check_gradient(tf.square(made), x if x in _sources(made) else line, feeds)
    assert tf.linalg.transpose is tf.linalg.adjoint is tf.linalg.matrix_transpose
    assert tf.batch_matrix_diag is tf.linalg.diag is tf.matrix_diag
    assert (tf.linalg.diag_part, tf.linalg.set_diag) == (tf.matrix_diag_part, tf.matrix_set_diag)
    flat = tf.diag([[1.0, 2.0], [3.0, 4.0]])
    whole = np.zeros((2, 2, 2, 2))
    for i, k in np.ndindex(2, 2):
        whole[i, k, i, k] = 1 + 2 * i + k
    np.testing.assert_array_equal(run(flat), whole)
    np.testing.assert_array_equal(run(tf.diag_part(flat)), [[1, 2], [3, 4]])
    assert (tf.linalg.tensor_diag, tf.linalg.tensor_diag_part) == (tf.diag, tf.diag_part)
    some = tf.placeholder(tf.float32, [None])
    np.testing.assert_array_equal(run(tf.matrix_diag(some), {some: [1, 2]}), [[1, 0], [0, 2]])


def _sources(tensor: Any) -> set[Any]:
    found, pending = set(), [tensor]
    while pending:
        t = pending.pop()
        if t not in found:
            found.add(t)
            pending += t.op.given_inputs
    return found


def test_eye() -> None:
    n = tf.placeholder(tf.int32, [])
    np.testing.assert_array_equal(run(tf.eye(3, 4)), np.eye(3, 4))
    np.testing.assert_array_equal(run(tf.eye(n, dtype=tf.int32), {n: 3}), np.eye(3, dtype=int))
    np.testing.assert_array_equal(
        run(tf.eye(2, batch_shape=[3, 1])), np.broadcast_to(np.eye(2), (3, 1, 2, 2))
    )


def test_cross_products() -> None:
    a, b = GENERATOR.uniform(-1, 1, (2, 4, 3))
    x = placeholder([4, 3])
    y = tf.cross(x, b)
    np.testing.assert_allclose(run(y, {x: a}), np.cross(a, b))
    check_gradient(tf.square(y), x, {x: a}, second=True)


@pytest.mark.parametrize(
    ("order", "axis"),
    [
        ("euclidean", None),
        (1, 0),
        (2, 1),
        (3.5, -1),
        (np.inf, 0),
        ("fro", (0, 1)),
        (1, (0, 1)),
        (np.inf, (1, 0)),
        (2, (0, 1)),
    ],
)
def test_norms(order: Any, axis: Any) -> None:
    data = TALL[0]
    x = placeholder([4, 3])
    plain = None if order == "euclidean" else order
    for keep in (False, True):
        y = tf.norm(x, order, axis, keepdims=keep)
        expected = np.linalg.norm(
            data if axis is not None else data.ravel(), plain, axis, keepdims=keep and axis is not None
        )
        np.testing.assert_allclose(np.squeeze(run(y, {x: data})), np.squeeze(expected))
        assert keep is False or y.get_shape().ndims == 2
    check_gradient(y, x, {x: data})


def test_norms_that_are_not() -> None:
    for arguments in (
        {"ord": "nuclear"},
        {"ord": -1},
        {"ord": "fro"},
        {"ord": 3, "axis": (0, 1)},
        {"axis": (0, 1, 2)},
    ):
        with pytest.raises(ValueError, match="norm"):
            tf.norm(tf.zeros([2, 2, 2]), **arguments)


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(3, 4), (4, 2)]),
        ("ij,jk", [(3, 4), (4, 2)]),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 2)]),
        ("bi,bi->b", [(3, 4), (3, 4)]),
        ("i,j->ji", [(3,), (4,)]),
        ("ij->", [(3, 4)]),
        ("ij->ji", [(3, 4)]),
        ("ii->i", [(3, 3)]),
        ("ii", [(3, 3)]),
        ("abc,cd,de->ae", [(2, 3, 4), (4, 2), (2, 5)]),
        ("...ij,...jk->...ik", [(2, 3, 4), (4, 2)]),
        ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]),
        ("ijk,k->j", [(2, 3, 4), (4,)]),
        ("ab,ab,a->b", [(3, 4), (3, 4), (3,)]),
    ],
)
def test_einsum(equation: str, shapes: Any) -> None:
    arrays = [GENERATOR.uniform(-1, 1, s) for s in shapes]
    tensors = [placeholder(s) for s in shapes]
    feeds = dict(zip(tensors, arrays, strict=True))
    y = tf.einsum(equation, *tensors)
    expected = np.einsum(equation, *arrays)
    assert tuple(y.shape) == expected.shape
    np.testing.assert_allclose(run(y, feeds), expected)
    check_gradient(tf.square(y), tensors[0], feeds, second=True)
    open_tensors = [placeholder([None] * len(s)) for s in shapes]
    if "..." not in equation:
        np.testing.assert_allclose(
            run(tf.einsum(equation, *open_tensors), dict(zip(open_tensors, arrays, strict=True))), expected
        )


def test_einsum_refuses() -> None:
    x = tf.zeros([2, 3])
    for equation in ("ij,jk->ik", "ijk->i", "ij->k", "ij->ii"):
        with pytest.raises(ValueError, match="einsum"):
            tf.einsum(equation, x)


@pytest.mark.parametrize("axes", [1, 0, 2, [[1], [0]], [[0, 1], [1, 0]], (1, 0)])
def test_tensordot(axes: Any) -> None:
    a, b = GENERATOR.uniform(-1, 1, (3, 3)), GENERATOR.uniform(-1, 1, (3, 3))
    x, y = placeholder([3, 3]), placeholder([None, 3])
    made = tf.tensordot(x, y, axes)
    np.testing.assert_allclose(run(made, {x: a, y: b}), np.tensordot(a, b, axes))
    check_gradient(tf.square(made), x, {x: a, y: b}, second=True)


def test_products_of_stacks() -> None:
    a, b = GENERATOR.uniform(-1, 1, (2, 3, 4)), GENERATOR.uniform(-1, 1, (2, 3, 5))
    np.testing.assert_allclose(run(tf.batch_matmul(a, b, adj_x=True)), np.swapaxes(a, 1, 2) @ b)
    np.testing.assert_allclose(run(tf.matmul(a, b, adjoint_a=True)), np.swapaxes(a, 1, 2) @ b)
    with pytest.raises(ValueError, match="exclude"):
        tf.matmul(a, b, transpose_a=True, adjoint_a=True)
