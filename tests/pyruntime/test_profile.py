"""How many multiplications an op takes, by its shapes, and how a profile prints."""

from __future__ import annotations

import pytest

from samara.pyruntime.profile import Profile, ProfileRow, multiplications


@pytest.mark.parametrize(
    ("op", "inputs", "outputs", "expected"),
    [
        ("conv2d", [(1, 9, 9, 4), (3, 3, 4, 8), (8,)], [(1, 7, 7, 8)], 49 * 9 * 4 * 8),
        ("conv2d", [(1, 9, 9, 4), (3, 3, 2, 8)], [(1, 7, 7, 8)], 49 * 9 * 2 * 8),
        ("quantized_depthwise_conv2d", [(2, 9, 9, 4), (3, 3, 4, 1), (4,), (4,)], [(2, 5, 5, 4)], 50 * 36),
        ("conv2d_backprop_input", [None, (2, 2, 3, 5), (1, 4, 4, 5)], [(1, 8, 8, 3)], 16 * 2 * 2 * 3 * 5),
        ("matmul", [(2, 7), (7, 5)], [(2, 5)], 70),
        ("matmul", [(7, 2), (7, 5)], [(2, 5)], 70),
        ("matmul", [(3, 2, 7), (4, 1, 5, 7)], [(4, 3, 2, 5)], 12 * 70),
        ("matmul", [(0, 7), (7, 5)], [(0, 5)], 0),
        ("lstm", [(10, 1, 32), (8, 32), None], [(10, 1, 8), (1, 8), (1, 8)], 10 * 8 * 32),
        ("quantized_lstm", [(10, 2, 5), (5, 64), (8, 64)], [(10, 2, 8), (2, 8), (2, 8)], 20 * (5 + 8) * 32),
        ("quantized_gru", [(10, 2, 5), (5, 48), (8, 48)], [(10, 2, 8), (2, 8), (2, 8)], 20 * (5 + 8) * 24),
        ("attention", [(2, 6, 4), (2, 9, 4), (2, 9, 3)], [(2, 6, 3)], 2 * 6 * 9 * (4 + 3)),
        ("add", [(4,), (4,)], [(4,)], None),
        ("relu", [(4,)], [(4,)], None),
    ],
)
def test_multiplications(op, inputs, outputs, expected) -> None:
    assert multiplications(op, inputs, outputs) == expected


def test_table() -> None:
    rows = (
        ProfileRow(name="a", op="conv2d", kernel="generic", microseconds=30.0, macs=1_500_000),
        ProfileRow(
            name="b", op="quantized_matmul", kernel="vnni", microseconds=10.0, macs=500_000, integer=True
        ),
        ProfileRow(name="long", op="relu", kernel="generic", microseconds=0.0),
    )
    profile = Profile(rows=rows, microseconds=41.0)
    lines = [line.split() for line in profile.table({"float32": 100.0, "int8": 200.0}).splitlines()]
    assert lines[0] == ["name", "op", "kernel", "us", "share", "MMAC", "GMAC/s", "of", "limit"]
    assert lines[1] == ["a", "conv2d", "generic", "30.00", "75.0%", "1.500", "50.00", "50.0%"]
    assert lines[2][4:] == ["25.0%", "0.500", "50.00", "25.0%"]
    assert lines[3] == ["long", "relu", "generic", "0.00", "0.0%"]
    assert str(profile).splitlines()[0].split()[-1] == "GMAC/s"
    assert str(Profile(rows=rows[2:], microseconds=1.0)).splitlines()[0].split()[-1] == "share"
