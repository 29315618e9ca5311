"""Networks of inverted residual blocks, on 224x224 images, 1000 classes.

Sandler et al., MobileNetV2 (2018), table 2; Howard et al., Searching for MobileNetV3 (2019), table 2;
Tan and Le, EfficientNet (2019), table 1. Batch normalization is folded into the convolutions.
"""

from __future__ import annotations

from benchmarks.network import Builder, Network


def mobilenet_v2() -> Network:
    """MobileNetV2 1.0."""
    b = Builder("mobilenet_v2", (3, 224, 224))
    x = b.conv("input", 32, 3, stride=2, activation="relu6")
    for expansion, channels, count, first in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for number in range(count):
            width = b.shape(x)[0] * expansion
            x = _block(b, x, width, channels, 3, stride=first if number == 0 else 1, activation="relu6")
    x = b.conv(x, 1280, 1, activation="relu6")
    return b.finish(b.dense(b.flatten(b.global_average(x)), 1000))


def mobilenet_v3_small() -> Network:
    """MobileNetV3-small 1.0."""
    b = Builder("mobilenet_v3_small", (3, 224, 224))
    x = b.conv("input", 16, 3, stride=2, activation="hard_swish")
    for kernel, width, channels, squeezed, activation, stride in (
        (3, 16, 16, True, "relu", 2),
        (3, 72, 24, False, "relu", 2),
        (3, 88, 24, False, "relu", 1),
        (5, 96, 40, True, "hard_swish", 2),
        (5, 240, 40, True, "hard_swish", 1),
        (5, 240, 40, True, "hard_swish", 1),
        (5, 120, 48, True, "hard_swish", 1),
        (5, 144, 48, True, "hard_swish", 1),
        (5, 288, 96, True, "hard_swish", 2),
        (5, 576, 96, True, "hard_swish", 1),
        (5, 576, 96, True, "hard_swish", 1),
    ):
        squeeze = _multiple_of_8(width // 4) if squeezed else 0
        x = _block(
            b, x, width, channels, kernel, stride=stride, activation=activation, squeeze=squeeze,
            gates=("relu", "hard_sigmoid"),
        )  # fmt: skip
    x = b.conv(x, 576, 1, activation="hard_swish")
    x = b.dense(b.flatten(b.global_average(x)), 1024, activation="hard_swish")
    return b.finish(b.dense(x, 1000))


def efficientnet_b0() -> Network:
    """EfficientNet-B0."""
    b = Builder("efficientnet_b0", (3, 224, 224))
    x = b.conv("input", 32, 3, stride=2, activation="silu")
    for expansion, channels, count, first, kernel in (
        (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    ):  # fmt: skip
        for number in range(count):
            depth = b.shape(x)[0]
            x = _block(
                b, x, depth * expansion, channels, kernel, stride=first if number == 0 else 1, activation="silu",
                squeeze=max(depth // 4, 1), gates=("silu", "sigmoid"),
            )  # fmt: skip
    x = b.conv(x, 1280, 1, activation="silu")
    return b.finish(b.dense(b.flatten(b.global_average(x)), 1000))


def _block(
    b: Builder,
    x: str,
    width: int,
    channels: int,
    kernel: int,
    *,
    stride: int,
    activation: str,
    squeeze: int = 0,
    gates: tuple[str, str] = ("", ""),
) -> str:
    """Expand to `width` channels, filter each, weigh them by squeeze and excitation, project, add what came in."""
    depth = b.shape(x)[0]
    y = x if width == depth else b.conv(x, width, 1, activation=activation)
    y = b.depthwise(y, kernel, stride=stride, activation=activation)
    if squeeze:
        gate = b.conv(b.global_average(y), squeeze, 1, activation=gates[0])
        y = b.multiply(y, b.conv(gate, width, 1, activation=gates[1]))
    y = b.conv(y, channels, 1)
    return b.add(x, y) if stride == 1 and depth == channels else y


def _multiple_of_8(width: int) -> int:
    """The multiple of 8 nearest to a width, not less than nine tenths of it."""
    found = max(8, (width + 4) // 8 * 8)
    return found if found >= 0.9 * width else found + 8
