"""Images of another size, and images read at places that a grid says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from samara.exporter.frontends.compose.image import resize
from samara.exporter.frontends.compose.sampling import col2im, grid_sample
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph import dtypes
from samara.graph.dims import Dimension
from samara.graph.graph import Tensor

# For each kind of torch's: the mode, and whether it is asked for aligned corners.
_KINDS = {
    "upsample_nearest": ("nearest", False),
    "_upsample_nearest_exact": ("nearest", False),
    "upsample_linear": ("linear", True),
    "upsample_bilinear": ("linear", True),
    "upsample_trilinear": ("linear", True),
    "upsample_bicubic": ("cubic", True),
    "_upsample_bilinear_aa": ("linear", True),
    "_upsample_bicubic_aa": ("cubic", True),
}
_NAMES = {
    "upsample_nearest": ("1d", "2d", "3d"),
    "_upsample_nearest_exact": ("1d", "2d", "3d"),
    "upsample_linear": ("1d",),
    "upsample_bilinear": ("2d",),
    "upsample_trilinear": ("3d",),
    "upsample_bicubic": ("2d",),
}


def _upsample(kind: str, spatial: int, *, listed: bool) -> Callable[..., Any]:
    """A handler; `listed` for the overload that takes scale factors in a list."""
    mode, aligned = _KINDS[kind]

    def build(r: Reader, x: Tensor, sizes: Any, *rest: Any) -> Any:
        align_corners = bool(rest[0]) if aligned else False
        given = rest[1 if aligned else 0 :]
        factors = list(given[0] or []) if listed else [f for f in given if f is not None]
        assert x.shape is not None
        wanted = r.shape[-spatial:]
        found = x.shape[-spatial:]
        if listed and sizes is not None:
            factors = []
        axes = range(2, 2 + spatial)
        if not all(isinstance(n, int) for n in (*wanted, *found)):
            if mode == "cubic" or kind.endswith("aa"):
                raise r.unsupported(f"it resizes a size that moves in mode {kind}", "use a fixed size")
            for i, axis in enumerate(axes):
                factor = float(factors[i]) if len(factors) == spatial else None
                x = _moving(r, kind, x, axis, wanted[i], factor, align_corners)
            return x
        old, new = ([int(n) for n in s] for s in (found, wanted))  # type: ignore[arg-type]
        scales = [
            float(factors[i]) if len(factors) == spatial else new[i] / max(old[i], 1) for i in range(spatial)
        ]
        return resize(
            r.b,
            x,
            axes=list(axes),
            sizes=new,
            scales=scales,
            mode=mode,
            coordinates="asymmetric"
            if kind == "upsample_nearest"
            else "align_corners"
            if align_corners
            else "half_pixel",
            nearest_mode="floor" if kind == "upsample_nearest" else "round_prefer_ceil",
            cubic_a=-0.5 if kind.endswith("aa") else -0.75,
            exclude_outside=kind.endswith("aa"),
            antialias=kind.endswith("aa"),
        )

    return build


def _moving(
    r: Reader,
    kind: str,
    x: Tensor,
    axis: int,
    count: Dimension,
    factor: float | None,
    align_corners: bool,
) -> Tensor:
    """One axis resized, by places that are computed when the program runs."""
    b = r.b
    assert x.shape is not None
    size = x.shape[axis]
    if size == count:
        return x

    def real(value: Dimension) -> Tensor:
        return r.tensor(value, dtypes.float32)

    numbers = b.range(r.symbols.scalar(0), r.symbols.scalar(count), r.symbols.scalar(1))
    at = b.cast(numbers, dtype=dtypes.float32)
    last = real(size - 1)
    half = b.constant(np.float32(0.5))
    if align_corners:
        steps = b.maximum(real(count - 1), b.constant(np.float32(1)))
        at = b.multiply(at, b.divide(last, steps))
    else:
        scale = b.divide(real(size), real(count)) if factor is None else b.constant(np.float32(1 / factor))
        at = b.multiply(at if kind == "upsample_nearest" else b.add(at, half), scale)
        if kind.startswith("upsample_") and kind != "upsample_nearest":
            at = b.relu(b.subtract(at, half))
    low = b.minimum(b.floor(at), last)
    first = b.gather(x, b.cast(low, dtype=dtypes.int32), axis=axis)
    if "nearest" in kind:
        made: Tensor = first
        return made
    high = b.minimum(b.add(low, b.constant(np.float32(1))), last)
    second = b.gather(x, b.cast(high, dtype=dtypes.int32), axis=axis)
    share = r.cast(b.subtract(at, low), x.dtype)
    share = r.reshape(share, [count if a == axis else 1 for a in range(r.rank(x))])
    made = b.add(first, b.multiply(share, b.subtract(second, first)))
    return made


for _kind, _suffixes in _NAMES.items():
    for _suffix in _suffixes:
        _spatial = int(_suffix[0])
        handles(f"aten.{_kind}{_suffix}.default")(_upsample(_kind, _spatial, listed=False))
        handles(f"aten.{_kind}{_suffix}.vec")(_upsample(_kind, _spatial, listed=True))
for _kind in ("bilinear", "bicubic"):
    for _listed in (False, True):
        handles(f"aten._upsample_{_kind}2d_aa.{'vec' if _listed else 'default'}")(
            _upsample(f"_upsample_{_kind}_aa", 2, listed=_listed)
        )


@handles("aten.grid_sampler", "aten.grid_sampler_2d", "aten.grid_sampler_3d")
def sample(r: Reader, x: Tensor, grid: Tensor, mode: int, padding: int, align_corners: bool) -> Tensor:
    return grid_sample(
        r.b,
        x,
        grid,
        mode=("linear", "nearest", "cubic")[mode],
        padding_mode=("zeros", "border", "reflection")[padding],
        align_corners=align_corners,
    )


@handles("aten.col2im")
def fold(
    r: Reader,
    x: Tensor,
    image: Sequence[Any],
    block: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
) -> Tensor:
    single = r.rank(x) == 2
    y = col2im(
        r.b,
        r.b.expand_dims(x, axis=0) if single else x,
        image=[r.number(n, "the size of an image") for n in image],
        block=list(block),
        strides=list(strides),
        pads=[*pads, *pads],
        dilations=list(dilations),
    )
    return r.b.squeeze(y, axes=(0,)) if single else y
