"""Fourier transforms, windows and the mel scale against numpy, with sizes that move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.frontends.compose import signal
from samara.graph import dtypes
from tests.exporter.frontends.compose_agreement import agrees

GENERATOR = np.random.default_rng(0)


def values(*shape: int) -> Any:
    return GENERATOR.uniform(-2, 2, shape).astype(np.float32)


def joined(x: Any) -> Any:
    return x[..., 0] + (1j * x[..., 1] if x.shape[-1] == 2 else 0)


def parted(z: Any) -> Any:
    return np.stack([z.real, z.imag], axis=-1).astype(np.float32)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("length", [None, 5, 8, 9, 12])
@pytest.mark.parametrize("axis", [0, 1, -2])
@pytest.mark.parametrize("options", [{}, {"inverse": True}, {"onesided": True}])
def test_dft(parts: int, length: int | None, axis: int, options: Any, tmp_path: Path) -> None:
    x = values(8, 9, 3, parts)
    transform = np.fft.ifft if "inverse" in options else np.fft.fft
    y = transform(joined(x).astype(complex), n=length, axis=axis if axis >= 0 else axis + 1)
    if "onesided" in options:
        place = axis % 4
        y = y.take(range(y.shape[place] // 2 + 1), axis=place)
    agrees(lambda b, x: signal.dft(b, x, axis=axis, length=length, **options), [x], parted(y), path=tmp_path)


@pytest.mark.parametrize("length", [None, 1, 2, 5, 8, 9, 12])
@pytest.mark.parametrize("parts", [1, 2])
def test_dft_back_to_real_numbers(length: int | None, parts: int, tmp_path: Path) -> None:
    x = values(2, 5, 3, parts)
    y = np.fft.irfft(joined(x), n=length, axis=1)[..., None].astype(np.float32)
    agrees(
        lambda b, x: signal.dft(b, x, axis=1, length=length, inverse=True, onesided=True),
        [x],
        y,
        path=tmp_path,
    )


@pytest.mark.parametrize("length", [None, 6])
@pytest.mark.parametrize("options", [{}, {"inverse": True}, {"onesided": True}])
def test_dft_of_a_size_that_moves(length: int | None, options: Any, tmp_path: Path) -> None:
    x = values(2, 7, 1)
    transform = np.fft.ifft if "inverse" in options else np.fft.fft
    y = transform(x[..., 0], n=length, axis=1)
    y = y[:, : y.shape[1] // 2 + 1] if "onesided" in options else y
    agrees(
        lambda b, x: signal.dft(b, x, axis=1, length=length, **options),
        [x],
        parted(y),
        path=tmp_path,
        moving={0: ["n", "t", None]},
    )


def test_dft_back_from_a_size_that_moves(tmp_path: Path) -> None:
    x = values(2, 6, 2)
    agrees(
        lambda b, x: signal.dft(b, x, axis=1, inverse=True, onesided=True),
        [x],
        np.fft.irfft(joined(x), axis=1)[..., None].astype(np.float32),
        path=tmp_path,
        moving={0: [None, "t", None]},
    )


@pytest.mark.parametrize(("axis", "size", "said"), [(2, 2, "parts"), (0, 3, "last axis")])
def test_dft_refuses(axis: int, size: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        agrees(lambda b, x: signal.dft(b, x, axis=axis), [values(2, 3, size)], [])


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("onesided", [True, False])
@pytest.mark.parametrize("windowed", [True, False])
def test_stft(parts: int, onesided: bool, windowed: bool, tmp_path: Path) -> None:
    x, shape = values(2, 50, parts), values(16)
    frames = np.stack([joined(x)[:, s : s + 16] for s in range(0, 50 - 15, 7)], axis=1)
    y = np.fft.fft(frames * shape if windowed else frames, axis=2)
    y = y[:, :, :9] if onesided else y

    def build(b: Any, x: Any, window: Any = None) -> Any:
        return signal.stft(b, x, step=7, length=16, window=window, onesided=onesided)

    agrees(
        build,
        [x, shape] if windowed else [x],
        parted(y),
        path=tmp_path,
        moving={0: ["n", "t", None]},
    )


@pytest.mark.parametrize("size", [1, 2, 9, 16])
@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("terms", [signal.HANN, signal.HAMMING, signal.BLACKMAN])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_window(size: int, periodic: bool, terms: Any, dtype: str) -> None:
    place = np.arange(size) / max(size if periodic else size - 1, 1)
    y = terms[0] - terms[1] * np.cos(2 * np.pi * place)
    y = y + (terms[2] * np.cos(4 * np.pi * place) if len(terms) > 2 else 0)
    kind = dtypes.BY_NAME[dtype]
    options = {"periodic": periodic, "dtype": kind}
    tolerance = 2e-3 if dtype == "float16" else 1e-6

    def build(b: Any, n: Any) -> Any:
        # The difference is measured in parts of the largest window, not of this one.
        return [b.add(w, b.like(1, w)) for w in (signal.window(b, t, terms, **options) for t in (size, n))]

    agrees(
        build,
        [np.asarray(size, np.int64)],
        [(y + 1).astype(dtype)] * 2,
        tolerance=tolerance,
    )


def test_mel_weights() -> None:
    found = signal.mel_weights(8, 16, 8192, 0.0, 4096.0)
    assert found.shape == (9, 8)
    assert np.all(found.max(axis=0) == 1)
    assert np.all((found >= 0) & (found <= 1))
    # Corners by hand: mel steps of a tenth of what 4096 Hz is.
    top = 2595 * np.log10(1 + 4096 / 700)
    corners = [int(17 * 700 * (10 ** (top / 10 * i / 2595) - 1) // 8192) for i in range(10)]
    assert [int(np.argmax(found[:, i])) for i in range(8)] == corners[1:9]
    for column in range(8):
        left, _, right = corners[column : column + 3]
        outside = [r for r in range(9) if not left <= r <= right]
        assert not found[outside, column].any()


def test_mel_weights_refuse_what_lies_above() -> None:
    with pytest.raises(ValueError, match="lies above"):
        signal.mel_weights(8, 16, 8192, 0.0, 9000.0)
