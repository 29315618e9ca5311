"""Images of another size, and images read at places that a grid says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from samara.exporter.frontends.compose.image import resize
from samara.exporter.frontends.compose.sampling import col2im, grid_sample
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
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
        wanted = r.shape[-spatial:]
        if listed and sizes is not None:
            factors = []
        # Aligned corners are where they are, whatever the factors.
        given_scales = len(factors) == spatial and not align_corners
        scales = [float(f) for f in factors] if given_scales else [0.0] * spatial
        return resize(
            r.b,
            x,
            axes=range(2, 2 + spatial),
            sizes=[n if isinstance(n, int) else r.symbols.scalar(n) for n in wanted],
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
