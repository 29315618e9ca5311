"""How many multiplications and bytes an op takes, what part of the limit that is, and how a profile prints."""

from __future__ import annotations

import pytest

from samara.pyruntime.profile import Limits, Profile, ProfileRow, least_bytes, multiplications


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
        ("quantized_rnn", [(10, 2, 5), (5, 16), (8, 16)], [(10, 2, 8), (2, 8)], 20 * (5 + 8) * 8),
        ("attention", [(2, 6, 4), (2, 9, 4), (2, 9, 3)], [(2, 6, 3)], 2 * 6 * 9 * (4 + 3)),
        ("add", [(4,), (4,)], [(4,)], None),
        ("relu", [(4,)], [(4,)], None),
    ],
)
def test_multiplications(op, inputs, outputs, expected) -> None:
    assert multiplications(op, inputs, outputs) == expected


@pytest.mark.parametrize(
    ("op", "inputs", "outputs", "expected"),
    [
        ("relu", [((4, 5), 4)], [((4, 5), 4)], 160),
        ("add", [((4, 5), 4), ((5,), 4)], [((4, 5), 4)], 180),
        # x + x, whose second operand is not read again, and an operand that is not given.
        ("add", [((4, 5), 4), None], [((4, 5), 4)], 160),
        ("transpose", [((4, 5), 1)], [((5, 4), 1)], 40),
        ("lookup_table", [((7,), 1), ((256,), 1)], [((7,), 1)], 270),
        ("max_pool2d", [((1, 8, 8, 3), 4)], [((1, 4, 4, 3), 4)], 4 * (192 + 48)),
        ("softmax", [((2, 10), 2)], [((2, 10), 2)], 80),
        ("split", [((2, 10), 4)], [((2, 5), 4), ((2, 5), 4)], 160),
        ("slice", [((100,), 4), ((1,), 8), ((1,), 8)], [((10,), 4)], 40 + 16 + 40),
        ("gather", [((1000, 16), 4), ((3,), 4)], [((3, 16), 4)], 192 + 12 + 192),
        ("dynamic_update_slice", [((1000, 16), 4), ((1, 16), 4), ((2,), 4)], [((1000, 16), 4)], 128),
        ("random_uniform", [], [((8,), 4)], 32),
        ("shape", [((1000, 16), 4)], [((2,), 8)], 16),
        ("while_loop", [((4,), 4)], [((4,), 4)], None),
        (
            "quantized_conv2d",
            [((1, 9, 9, 4), 1), ((3, 3, 4, 8), 1), ((8,), 4)],
            [((1, 7, 7, 8), 1)],
            324 + 288 + 32 + 392,
        ),
        # One tap and stride 2: three quarters of the input are not needed.
        ("conv2d", [((1, 8, 8, 4), 4), ((1, 1, 4, 8), 4)], [((1, 4, 4, 8), 4)], 4 * (64 + 32 + 128)),
    ],
)
def test_least_bytes(op, inputs, outputs, expected) -> None:
    assert least_bytes(op, inputs, outputs) == expected


LIMITS = Limits(float32=100.0, int8=200.0, levels=((1000, 50.0), (10_000, 20.0)), memory=10.0)


@pytest.mark.parametrize(
    ("count", "microseconds"), [(0, 0.0), (1000, 0.02), (1001, 0.05005), (10_000, 0.5), (20_000, 2.0)]
)
def test_bytes_come_from_the_smallest_level_that_has_room(count, microseconds) -> None:
    assert LIMITS.moving(count) == pytest.approx(microseconds)


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ({"microseconds": 4.0, "least_bytes": 20_000}, 0.5),
        ({"microseconds": 4.0, "least_bytes": 20_000, "macs": 100_000}, 0.5),
        ({"microseconds": 4.0, "least_bytes": 20_000, "macs": 300_000}, 0.75),
        ({"microseconds": 4.0, "least_bytes": 1000, "macs": 400_000, "integer": True}, 0.5),
        ({"microseconds": 4.0, "macs": 100_000}, 0.25),
        ({"microseconds": 4.0}, None),
        ({"microseconds": 4.0, "least_bytes": 0}, None),
        # A view.
        ({"microseconds": 0.0, "least_bytes": 20_000}, None),
    ],
)
def test_part_of_the_limit(row, part) -> None:
    found = ProfileRow(name="a", op="op", kernel="generic", **row).part(LIMITS)
    assert found == (None if part is None else pytest.approx(part))


def test_table() -> None:
    rows = (
        ProfileRow(name="a", op="conv2d", kernel="generic", microseconds=30.0, macs=1_500_000),
        ProfileRow(
            name="b", op="quantized_matmul", kernel="vnni", microseconds=10.0, macs=500_000, integer=True
        ),
        ProfileRow(name="long", op="reshape", kernel="generic", microseconds=0.0, least_bytes=80),
        ProfileRow(name="c", op="relu", kernel="avx2", microseconds=1.0, least_bytes=5000),
    )
    profile = Profile(rows=rows, microseconds=42.0)
    lines = [line.split() for line in profile.table(LIMITS).splitlines()]
    assert lines[0] == ["name", "op", "kernel", "us", "share", "MMAC", "GMAC/s", "of", "limit"]
    assert lines[1] == ["a", "conv2d", "generic", "30.00", "73.2%", "1.500", "50.00", "50.0%"]
    assert lines[2][4:] == ["24.4%", "0.500", "50.00", "25.0%"]
    assert lines[3] == ["long", "reshape", "generic", "0.00", "0.0%"]
    assert lines[4] == ["c", "relu", "avx2", "1.00", "2.4%", "25.0%"]
    assert str(profile).splitlines()[0].split()[-1] == "GMAC/s"
    few = Profile(rows=rows[2:], microseconds=1.0)
    assert str(few).splitlines()[0].split()[-1] == "share"
    assert few.table(LIMITS).splitlines()[0].split()[-3:] == ["share", "of", "limit"]
