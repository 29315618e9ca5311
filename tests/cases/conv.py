"""Cases of convolutions and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.cases._case import Case, Input


def _geometry(a: Any, size: Any, taps: Any) -> tuple[list[int], list[int]]:
    """Padding before, and positions, along height and width, from the definition of each padding."""
    before, positions = [], []
    for axis in (0, 1):
        reach = (taps[axis] - 1) * a.dilations[axis] + 1
        if a.padding == "same":
            count = int(np.ceil(size[axis] / a.strides[axis]))
            lead = max((count - 1) * a.strides[axis] + reach - size[axis], 0) // 2
        else:
            lead, after = a.paddings[2 * axis : 2 * axis + 2] if a.padding == "explicit" else (0, 0)
            count = (size[axis] + lead + after - reach) // a.strides[axis] + 1
        before.append(lead)
        positions.append(count)
    return before, positions


def _terms(a: Any, x_shape: Any, w_shape: Any, depthwise: bool) -> Any:
    """Every (input index, filter index, output index) whose product counts."""
    n, h, w, _ = x_shape
    kh, kw, wc, wo = w_shape
    before, positions = _geometry(a, (h, w), (kh, kw))
    groups = 1 if depthwise else a.groups
    for b, oy, ox, ky, kx in np.ndindex(n, *positions, kh, kw):
        y = oy * a.strides[0] + ky * a.dilations[0] - before[0]
        x = ox * a.strides[1] + kx * a.dilations[1] - before[1]
        if not (0 <= y < h and 0 <= x < w):
            continue
        for c, o in np.ndindex(wc, wo):
            if depthwise:
                yield (b, y, x, c), (ky, kx, c, o), (b, oy, ox, c * wo + o)
            else:
                group = o // (wo // groups)
                yield (b, y, x, group * wc + c), (ky, kx, c, o), (b, oy, ox, o)


def _forward(depthwise: bool) -> Any:
    def oracle(a: Any, x: Any, w: Any, bias: Any) -> Any:
        _, positions = _geometry(a, x.shape[1:3], w.shape[:2])
        outputs = w.shape[2] * w.shape[3] if depthwise else w.shape[3]
        y = np.zeros((x.shape[0], *positions, outputs))
        for i, f, o in _terms(a, x.shape, w.shape, depthwise):
            y[o] += x[i] * w[f]
        y += 0 if bias is None else bias
        return y if a.activation == "none" else np.clip(y, 0, 6 if a.activation == "relu6" else None)

    return oracle


def _input(depthwise: bool) -> Any:
    def oracle(a: Any, sizes: Any, w: Any, dy: Any) -> Any:
        dx = np.zeros(tuple(sizes))
        for i, f, o in _terms(a, sizes, w.shape, depthwise):
            dx[i] += dy[o] * w[f]
        return dx

    return oracle


def _filter(depthwise: bool) -> Any:
    def oracle(a: Any, x: Any, sizes: Any, dy: Any) -> Any:
        dw = np.zeros(tuple(sizes))
        for i, f, o in _terms(a, x.shape, sizes, depthwise):
            dw[f] += dy[o] * x[i]
        return dw

    return oracle


ORACLES = {
    "conv2d": _forward(False),
    "depthwise_conv2d": _forward(True),
    "conv2d_backprop_input": _input(False),
    "conv2d_backprop_filter": _filter(False),
    "depthwise_conv2d_backprop_input": _input(True),
    "depthwise_conv2d_backprop_filter": _filter(True),
}

_WINDOWS: list[tuple[tuple[int, int], tuple[int, int], dict[str, Any]]] = [
    ((3, 3), (5, 6), {}),
    ((1, 1), (3, 4), {}),
    ((3, 3), (5, 5), {"padding": "same"}),
    ((3, 2), (6, 7), {"padding": "same", "strides": (2, 3)}),
    ((2, 2), (4, 5), {"padding": "same"}),
    ((3, 3), (7, 8), {"dilations": (2, 2)}),
    ((2, 3), (6, 7), {"padding": "same", "dilations": (2, 1)}),
    ((3, 3), (4, 4), {"padding": "explicit", "paddings": (1, 2, 0, 3), "strides": (2, 2)}),
    ((5, 1), (5, 3), {"strides": (1, 2)}),
]
_CHANNELS = [(1, 1), (3, 5), (2, 16), (4, 17), (5, 33)]


def _conv(
    taps: Any, size: Any, c: int, o: int, attributes: Any, *, bias: bool, constant: bool, groups: int = 1
) -> Case:
    attributes = dict(attributes, groups=groups) if groups > 1 else attributes
    return Case(
        op="conv2d",
        inputs=(
            Input(shape=(2, *size, c)),
            Input(shape=(*taps, c // groups, o), constant=constant),
            Input(shape=(o,), constant=constant) if bias else None,
        ),
        attributes=attributes,
        label="constant" if constant else "",
    )


def _depthwise(taps: Any, size: Any, c: int, m: int, attributes: Any, *, bias: bool, constant: bool) -> Case:
    return Case(
        op="depthwise_conv2d",
        inputs=(
            Input(shape=(2, *size, c)),
            Input(shape=(*taps, c, m), constant=constant),
            Input(shape=(c * m,), constant=constant) if bias else None,
        ),
        attributes=attributes,
        label="constant" if constant else "",
    )


def _positions(taps: Any, size: Any, attributes: Any) -> tuple[int, int]:
    from types import SimpleNamespace

    defaults = {"padding": "valid", "strides": (1, 1), "dilations": (1, 1), "paddings": (0, 0, 0, 0)}
    return tuple(_geometry(SimpleNamespace(**{**defaults, **attributes}), size, taps)[1])


def _gradients(taps: Any, size: Any, attributes: Any, c: int, o: int, groups: int = 1) -> list[Case]:
    x, w = (2, *size, c), (*taps, c // groups, o)
    dy = (2, *_positions(taps, size, attributes), o)
    with_groups = dict(attributes, groups=groups) if groups > 1 else attributes
    plain = [
        Case(
            op="conv2d_backprop_input",
            inputs=(_sizes(x), Input(shape=w), Input(shape=dy)),
            attributes=with_groups,
        ),
        Case(
            op="conv2d_backprop_filter",
            inputs=(Input(shape=x), _sizes(w), Input(shape=dy)),
            attributes=with_groups,
        ),
    ]
    if groups > 1:
        return plain
    w, dy = (*taps, c, 2), (*dy[:3], 2 * c)
    return [
        *plain,
        Case(
            op="depthwise_conv2d_backprop_input",
            inputs=(_sizes(x), Input(shape=w), Input(shape=dy)),
            attributes=attributes,
        ),
        Case(
            op="depthwise_conv2d_backprop_filter",
            inputs=(Input(shape=x), _sizes(w), Input(shape=dy)),
            attributes=attributes,
        ),
    ]


def _sizes(shape: tuple[int, ...]) -> Input:
    return Input(shape=(4,), dtype="int32", values=shape, constant=True)


CASES = [
    *(_conv(t, s, 3, 5, a, bias=i % 2 == 0, constant=i % 3 == 0) for i, (t, s, a) in enumerate(_WINDOWS)),
    *(
        _conv((3, 3), (4, 4), c, o, {"padding": "same"}, bias=True, constant=k)
        for c, o in _CHANNELS
        for k in (False, True)
    ),
    _conv((3, 3), (4, 4), 4, 6, {"padding": "same"}, bias=True, constant=True, groups=2),
    _conv((2, 2), (4, 4), 4, 40, {}, bias=True, constant=False, groups=2),
    _conv((3, 3), (4, 5), 3, 17, {"activation": "relu"}, bias=True, constant=True),
    _conv((3, 3), (4, 5), 3, 4, {"activation": "relu6"}, bias=True, constant=False),
    _conv((3, 3), (1, 1), 2, 3, {"padding": "same", "strides": (2, 2)}, bias=False, constant=True),
    *(
        _depthwise(t, s, 3, 1, a, bias=i % 2 == 0, constant=i % 3 == 0)
        for i, (t, s, a) in enumerate(_WINDOWS)
    ),
    *(
        _depthwise((3, 3), (4, 4), c, m, {"padding": "same"}, bias=True, constant=True)
        for c, m in [(1, 1), (16, 1), (17, 1), (5, 3), (33, 1)]
    ),
    _depthwise((3, 3), (4, 4), 4, 2, {"activation": "relu6"}, bias=True, constant=False),
    *(case for t, s, a in _WINDOWS for case in _gradients(t, s, a, 3, 4)),
    *_gradients((3, 3), (5, 5), {"padding": "same"}, 4, 6, groups=2),
    Case(
        op="conv2d",
        inputs=(Input(shape=(2, 4, 4, 3)), Input(shape=(3, 3, 3, 5), constant=True), None),
        attributes={"padding": "same", "strides": (2, 2)},
        dynamic=True,
        label="dynamic",
    ),
]
