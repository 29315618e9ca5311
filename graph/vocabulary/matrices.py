"""Matrices of the public vocabulary: functions of `linalg` under TensorFlow 1's long names."""

from __future__ import annotations

from samara.graph import linalg
from samara.graph.linalg import cholesky, cholesky_solve, cross, einsum, eye, norm, qr, svd, tensordot, trace

diag = linalg.tensor_diag
diag_part = linalg.tensor_diag_part
log_matrix_determinant = linalg.slogdet
matrix_band_part = linalg.band_part
matrix_determinant = linalg.det
matrix_diag = linalg.diag
matrix_diag_part = linalg.diag_part
matrix_inverse = linalg.inv
matrix_set_diag = linalg.set_diag
matrix_solve = linalg.solve
matrix_solve_ls = linalg.lstsq
matrix_transpose = linalg.matrix_transpose
matrix_triangular_solve = linalg.triangular_solve
self_adjoint_eig = linalg.eigh
self_adjoint_eigvals = linalg.eigvalsh

# TensorFlow 0.x's.
batch_cholesky = linalg.cholesky
batch_cholesky_solve = linalg.cholesky_solve
batch_matrix_determinant = linalg.det
batch_matrix_diag = linalg.diag
batch_matrix_inverse = linalg.inv
batch_matrix_solve = linalg.solve
batch_self_adjoint_eig = linalg.eigh
batch_svd = linalg.svd

__all__ = [
    "batch_cholesky",
    "batch_cholesky_solve",
    "batch_matrix_determinant",
    "batch_matrix_diag",
    "batch_matrix_inverse",
    "batch_matrix_solve",
    "batch_self_adjoint_eig",
    "batch_svd",
    "cholesky",
    "cholesky_solve",
    "cross",
    "diag",
    "diag_part",
    "einsum",
    "eye",
    "linalg",
    "log_matrix_determinant",
    "matrix_band_part",
    "matrix_determinant",
    "matrix_diag",
    "matrix_diag_part",
    "matrix_inverse",
    "matrix_set_diag",
    "matrix_solve",
    "matrix_solve_ls",
    "matrix_transpose",
    "matrix_triangular_solve",
    "norm",
    "qr",
    "self_adjoint_eig",
    "self_adjoint_eigvals",
    "svd",
    "tensordot",
    "trace",
]
