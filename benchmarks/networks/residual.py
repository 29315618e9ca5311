"""ResNet-18 and -50 and SqueezeNet 1.1, on 224x224 images, 1000 classes.

He et al., Deep Residual Learning (2015), table 1, strides on the 3x3 convolutions; Iandola et al., SqueezeNet (2016),
with the smaller first layer and earlier pooling of version 1.1. Batch normalization is folded into the convolutions.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.network import Builder, Network


def resnet18() -> Network:
    """Two convolutions in a block, eight blocks."""
    return _resnet("resnet18", _basic, (2, 2, 2, 2), 1)


def resnet50() -> Network:
    """Three convolutions in a block, sixteen blocks."""
    return _resnet("resnet50", _bottleneck, (3, 4, 6, 3), 4)


def _resnet(
    name: str, block: Callable[[Builder, str, int, int], str], counts: tuple[int, ...], widening: int
) -> Network:
    b = Builder(name, (3, 224, 224))
    x = b.conv("input", 64, 7, stride=2, activation="relu")
    x = b.max_pool(x, 3, stride=2, pad=1)
    for stage, count in enumerate(counts):
        width = 64 << stage
        for number in range(count):
            stride = 2 if stage > 0 and number == 0 else 1
            y = block(b, x, width, stride)
            if number == 0 and (stride > 1 or b.shape(x)[0] != width * widening):
                x = b.conv(x, width * widening, 1, stride=stride)
            x = b.add(x, y, activation="relu")
    return b.finish(b.dense(b.flatten(b.global_average(x)), 1000))


def _basic(b: Builder, x: str, width: int, stride: int) -> str:
    return b.conv(b.conv(x, width, 3, stride=stride, activation="relu"), width, 3)


def _bottleneck(b: Builder, x: str, width: int, stride: int) -> str:
    y = b.conv(x, width, 1, activation="relu")
    y = b.conv(y, width, 3, stride=stride, activation="relu")
    return b.conv(y, 4 * width, 1)


def squeezenet() -> Network:
    """Fire modules: squeeze, then two convolutions side by side."""
    b = Builder("squeezenet", (3, 224, 224))
    x = b.conv("input", 64, 3, stride=2, activation="relu")
    for squeeze, expand, pooled in (
        (16, 64, True), (16, 64, False), (32, 128, True), (32, 128, False), (48, 192, True), (48, 192, False),
        (64, 256, False), (64, 256, False),
    ):  # fmt: skip
        if pooled:
            x = b.max_pool(x, 3, stride=2)
        x = b.conv(x, squeeze, 1, activation="relu")
        x = b.concat(b.conv(x, expand, 1, activation="relu"), b.conv(x, expand, 3, activation="relu"))
    x = b.conv(x, 1000, 1, activation="relu")
    return b.finish(b.flatten(b.global_average(x)))
