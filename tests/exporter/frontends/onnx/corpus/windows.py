"""Windows over images: convolutions, pools, resizing, sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.exporter.frontends.onnx.corpus._case import FLOAT, FLOATS, Case, arrays, case, ints, shapes, some


@dataclass(frozen=True)
class Window:
    """A window over spatial axes that fits."""

    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    pads: list[int]
    auto: str | None
    sizes: list[int]

    def undilated(self) -> Window:
        return replace(self, dilations=[1] * len(self.kernel))

    def attributes(self, draw: Any, dilated: bool = True) -> dict[str, Any]:
        """As attributes of a node; those that are the default may be left out."""
        rank = len(self.kernel)
        found: dict[str, Any] = {"strides": self.strides, "dilations": self.dilations, "pads": self.pads}
        if self.auto not in (None, "NOTSET"):
            found["pads"] = None
        for name in ("strides", "dilations"):
            if found[name] == [1] * rank and draw(st.booleans()):
                found[name] = None
        if found["pads"] == [0] * (2 * rank) and draw(st.booleans()):
            found["pads"] = None
        if not dilated:
            del found["dilations"]
        return {**found, "auto_pad": self.auto}


@st.composite
def windows(draw: Any, rank: int, dilated: bool = True, narrow: bool = False) -> Window:
    """`narrow`: padding is less than the window."""

    def each(low: int, high: int) -> list[int]:
        return [draw(st.integers(low, high)) for _ in range(rank)]

    kernel, strides = each(1, 4), each(1, 3)
    dilations = each(1, 2) if dilated and draw(st.booleans()) else [1] * rank
    auto = draw(st.sampled_from([None, None, None, "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    begins, ends = each(0, 2), each(0, 2)
    if narrow:
        begins, ends = ([min(p, k - 1) for p, k in zip(side, kernel, strict=True)] for side in (begins, ends))
    if auto == "NOTSET" and draw(st.booleans()):
        begins, ends = [0] * rank, [0] * rank
    explicit = auto in (None, "NOTSET")
    if not explicit:
        begins, ends = [0] * rank, [0] * rank
    rows = zip(kernel, dilations, begins, ends, each(0, 6), strict=True)
    sizes = [max(d * (k - 1) + 1 - (b + e), 1) + m for k, d, b, e, m in rows]
    return Window(
        kernel, strides, dilations, begins + ends, None if explicit and auto is None else auto, sizes
    )


@st.composite
def convolutions(draw: Any) -> Case:
    rank = draw(st.sampled_from([1, 2, 2, 2, 3]))
    w = draw(windows(rank))
    if w.auto in ("SAME_UPPER", "SAME_LOWER"):
        # onnxruntime refuses dilations with them.
        w = w.undilated()
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    each_in, each_out = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    types = (draw(st.sampled_from(FLOATS)),)
    x = draw(arrays((draw(st.integers(1, 2)), groups * each_in, *w.sizes), types))
    filters = draw(arrays((groups * each_out, each_in, *w.kernel), types))
    bias = draw(arrays((groups * each_out,), types)) if draw(st.booleans()) else None
    kernel = draw(st.sampled_from([None, w.kernel]))
    options = w.attributes(draw)
    constants = draw(st.sampled_from([[1, 2], [1, 2], [1], []]))
    return case(
        "Conv",
        [x, filters, bias],
        constants,
        kernel_shape=kernel,
        group=groups if groups > 1 else None,
        **options,
    )


@st.composite
def transposed_convolutions(draw: Any) -> Case:
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    w = draw(windows(rank))
    if w.auto in ("SAME_UPPER", "SAME_LOWER"):
        # The specification has output = input * stride; onnxruntime makes less of a kernel below the stride.
        w = replace(w, kernel=[max(k, s) for k, s in zip(w.kernel, w.strides, strict=True)])
    groups = draw(st.sampled_from([1, 1, 2]))
    each_in, each_out = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    types = (draw(st.sampled_from(FLOATS)),)
    sizes = [draw(st.integers(1, 5)) for _ in range(rank)]
    options = w.attributes(draw)
    rows = list(zip(w.kernel, w.dilations, w.strides, sizes, strict=True))
    # The specification allows as much as the larger of stride and dilation; onnxruntime, below the stride.
    extra = [draw(st.integers(0, s - 1)) for _, _, s, _ in rows]
    whole = [(n - 1) * s + d * (k - 1) + 1 + e for (k, d, s, n), e in zip(rows, extra, strict=True)]
    if w.auto in (None, "NOTSET"):
        # At least one element is left.
        begins = [min(p, (n - 1) // 2) for p, n in zip(w.pads[:rank], whole, strict=True)]
        ends = [min(p, (n - 1) // 2) for p, n in zip(w.pads[rank:], whole, strict=True)]
        options["pads"] = begins + ends
    given = draw(st.integers(0, 3)) == 0
    if given:
        options["pads"] = None
        options["output_shape"] = [max(n - draw(st.integers(0, 2)), 1) for n in whole]
    elif w.auto in ("SAME_UPPER", "SAME_LOWER"):
        extra = [0] * rank
    options["output_padding"] = extra if any(extra) or draw(st.booleans()) else None
    x = draw(arrays((draw(st.integers(1, 2)), groups * each_in, *sizes), types))
    filters = draw(arrays((groups * each_in, each_out, *w.kernel), types))
    bias = draw(arrays((groups * each_out,), types)) if draw(st.booleans()) else None
    kernel = draw(st.sampled_from([None, w.kernel]))
    constants = draw(st.sampled_from([[1, 2], [1, 2], [1], []]))
    return case(
        "ConvTranspose",
        [x, filters, bias],
        constants,
        kernel_shape=kernel,
        group=groups if groups > 1 else None,
        **options,
    )


@st.composite
def pools(draw: Any) -> Case:
    rank = draw(st.sampled_from([1, 2, 2, 3]))
    op = draw(st.sampled_from(["MaxPool", "AveragePool", "LpPool", "Global"]))
    if op == "Global":
        op = draw(st.sampled_from(["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"]))
        shape = draw(shapes(2 + rank, 2 + rank))
        p = draw(st.sampled_from([None, 1, 3])) if op == "GlobalLpPool" else None
        return case(op, [draw(arrays(shape, FLOATS))], p=p)
    w = draw(windows(rank, narrow=True))
    if w.auto in ("SAME_UPPER", "SAME_LOWER"):
        # The specification pads for what the dilated window reaches; onnxruntime forgets the dilation. Where a window
        # is less than its stride, onnxruntime cuts off elements in front; padding is never below 0.
        kernel = [max(k, s) for k, s in zip(w.kernel, w.strides, strict=True)]
        w = replace(w.undilated(), kernel=kernel)
    options = {
        "kernel_shape": w.kernel,
        "ceil_mode": draw(st.sampled_from([None, 0, 1])),
        **w.attributes(draw),
    }
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *w.sizes)
    if op == "MaxPool":
        x = draw(arrays(shape, (*FLOATS, "int8", "uint8")))
        indices_too = draw(st.integers(0, 3)) == 0 and x.dtype.kind == "f"
        return case(op, [x], (), [x.dtype.name, "int64"] if indices_too else (), **options)
    x = draw(arrays(shape, FLOATS))
    if op == "LpPool":
        return case(op, [x], p=draw(st.sampled_from([None, 1, 2, 3])), **options)
    return case(op, [x], count_include_pad=draw(st.sampled_from([None, 0, 1])), **options)


@st.composite
def resizes(draw: Any) -> Case:
    mode = draw(st.sampled_from(["nearest", "linear", "cubic"]))
    coordinates = draw(
        st.sampled_from([None, "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel"])
        | st.sampled_from(["align_corners", "asymmetric", "tf_crop_and_resize"])
    )
    spatial = 2 if mode == "cubic" else draw(st.sampled_from([1, 2, 2, 3]))
    sizes = [draw(st.integers(1, 7)) for _ in range(spatial)]
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *sizes)
    # Of integers, what lies between them is cut off: that is drawn where no rounding decides.
    whole = mode != "cubic" and draw(st.integers(0, 2)) == 0
    x = draw(arrays(shape, ("uint8", "int8", "int32") if whole else FLOAT))
    whole = whole and mode == "linear"
    if whole:
        coordinates = draw(st.sampled_from([None, "half_pixel", "asymmetric"]))
    options: dict[str, Any] = {"mode": draw(st.sampled_from([None, mode])) if mode == "nearest" else mode}
    options["coordinate_transformation_mode"] = coordinates
    if mode == "nearest":
        modes = [None, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
        options["nearest_mode"] = draw(st.sampled_from(modes))
    if mode == "cubic":
        options["cubic_coeff_a"] = draw(st.sampled_from([None, -0.5]))
        options["exclude_outside"] = draw(st.sampled_from([None, 1]))
    if (
        mode != "nearest"
        and coordinates != "tf_crop_and_resize"
        and not whole
        and draw(st.integers(0, 2)) == 0
    ):
        options["antialias"] = 1
    if coordinates == "tf_crop_and_resize":
        options["extrapolation_value"] = draw(st.sampled_from([None, 0.5]))
    axes = list(range(2, 2 + spatial)) if draw(st.booleans()) else None
    lead = 0 if axes else 2
    options["axes"] = axes
    roi = None
    if coordinates == "tf_crop_and_resize":
        begins = [draw(st.sampled_from([0.0, 0.13, 0.29, -0.17])) for _ in sizes]
        ends = [draw(st.sampled_from([1.0, 0.83, 0.61, 1.31])) for _ in sizes]
        # Not at the middle between two elements, which is rounding's to decide.
        roi = np.asarray([*[0.0] * lead, *begins, *[1.0] * lead, *ends], np.float32)
    if whole or draw(st.booleans()):
        factors = [0.5, 1.0, 2.0] if whole else [0.5, 0.6, 0.75, 1.0, 1.5, 2.0, 2.3, 3.0]
        scales = [draw(st.sampled_from(factors)) for _ in sizes]
        # At least one element is left.
        scales = [s if int(n * s) >= 1 else 1.0 for n, s in zip(sizes, scales, strict=True)]
        if coordinates in ("align_corners", "tf_crop_and_resize"):
            # The specification (its test resize_downsample_scales_linear_align_corners) has length_resized = length *
            # scale with its fraction, onnxruntime without.
            scales = [s if (n * s).is_integer() else 2.0 for n, s in zip(sizes, scales, strict=True)]
        if coordinates == "tf_crop_and_resize":
            # Of an axis that keeps its size, onnxruntime takes no region; the specification does.
            scales = [2.0 if s == 1.0 else s for s in scales]
        return case("Resize", [x, roi, np.asarray([*[1.0] * lead, *scales], np.float32)], [1, 2], **options)
    wanted = [draw(st.integers(1, 9)) for _ in sizes]
    if coordinates == "tf_crop_and_resize":
        wanted = [m + (m == n) for m, n in zip(wanted, sizes, strict=True)]
    policy = draw(st.sampled_from([None, "stretch", "not_larger", "not_smaller"])) if axes else None
    if policy in ("not_larger", "not_smaller") and coordinates == "tf_crop_and_resize":
        policy = None
    given = ints(*shape[:2][: 2 if lead else 0], *wanted)
    return case("Resize", [x, roi, None, given], [1, 3], keep_aspect_ratio_policy=policy, **options)


@st.composite
def samples(draw: Any) -> Case:
    kind = draw(
        st.sampled_from(["GridSample", "GridSample", "RoiAlign", "MaxRoiPool", "AffineGrid", "Col2Im"])
    )
    n, c, h, w = (draw(st.integers(1, k)) for k in (2, 3, 6, 6))
    if kind == "GridSample":
        spatial = draw(st.sampled_from([2, 2, 3]))
        sizes = [draw(st.integers(1, 5)) for _ in range(spatial)]
        out = [draw(st.integers(1, 4)) for _ in range(spatial)]
        modes = [None, "linear", "nearest"] + (["cubic"] if spatial == 2 else [])
        # Not the same places over and over: a random grid lies within the image and beyond.
        grid = draw(arrays((n, *out, spatial), FLOAT)) * np.float32(draw(st.sampled_from([0.25, 0.4])))
        return case(
            kind,
            [draw(arrays((n, c, *sizes), FLOAT)), grid],
            mode=draw(st.sampled_from(modes)),
            padding_mode=draw(st.sampled_from([None, "zeros", "border", "reflection"])),
            align_corners=draw(st.sampled_from([None, 0, 1])),
        )
    if kind in ("RoiAlign", "MaxRoiPool"):
        count = draw(st.integers(1, 3))
        random = np.random.default_rng(draw(st.integers(0, 99)))
        corner = random.uniform(-1, 8, (count, 2))
        rois = np.concatenate([corner, corner + random.uniform(0.2, 9, (count, 2))], 1).astype(np.float32)
        batch = random.integers(0, n, count)
        x = draw(arrays((n, c, h + 2, w + 2), FLOAT))
        scale = draw(st.sampled_from([None, 0.5, 1.0, 0.3]))
        if kind == "MaxRoiPool":
            rows = np.concatenate([batch[:, None], np.clip(rois, 0, None)], 1).astype(np.float32)
            return case(
                kind,
                [x, rows],
                pooled_shape=[draw(st.integers(1, 3)), draw(st.integers(1, 3))],
                spatial_scale=scale,
            )
        return case(
            kind,
            [x, rois, batch],
            some(draw, [1, 2]),
            output_height=draw(st.sampled_from([None, 2, 3])),
            output_width=draw(st.sampled_from([None, 2, 3])),
            sampling_ratio=draw(st.sampled_from([1, 2, 3])),
            spatial_scale=scale,
            mode=draw(st.sampled_from([None, "avg", "max"])),
            coordinate_transformation_mode=draw(st.sampled_from([None, "half_pixel", "output_half_pixel"])),
        )
    if kind == "AffineGrid":
        spatial = draw(st.sampled_from([2, 3]))
        size = ints(n, c, *(draw(st.integers(1, 5)) for _ in range(spatial)))
        theta = draw(arrays((n, spatial, spatial + 1), FLOAT))
        return case(kind, [theta, size], [1], align_corners=draw(st.sampled_from([None, 0, 1])))
    k = draw(windows(2))
    pads = [min(p, 1) for p in k.pads]
    sizes = [max(s, d * (q - 1) + 1) for s, d, q in zip(k.sizes, k.dilations, k.kernel, strict=True)]
    counts = [
        (s + pads[i] + pads[i + 2] - d * (q - 1) - 1) // t + 1
        for i, (s, d, q, t) in enumerate(zip(sizes, k.dilations, k.kernel, k.strides, strict=True))
    ]
    x = draw(arrays((n, c * math.prod(k.kernel), math.prod(counts)), FLOAT))
    return case(
        kind, [x, ints(*sizes), ints(*k.kernel)], [1, 2], strides=k.strides, pads=pads, dilations=k.dilations
    )
