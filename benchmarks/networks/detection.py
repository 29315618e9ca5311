"""A small detector in the manner of YOLO: three scales of a 320x320 image, features going down and up again."""

from __future__ import annotations

from benchmarks.network import Builder, Network

# Four edges, objectness and 80 classes for each of three boxes.
_BOX = 3 * 85


def detector() -> Network:
    """Widths and depths are a quarter and a third of the full size; results are the raw maps of the heads."""
    b = Builder("detector", (3, 320, 320))
    x = _conv(b, "input", 16, 6, 2)
    x = _stage(b, _conv(b, x, 32, 3, 2), 32, 1)
    fine = _stage(b, _conv(b, x, 64, 3, 2), 64, 2)
    middle = _stage(b, _conv(b, fine, 128, 3, 2), 128, 3)
    coarse = _pyramid(b, _stage(b, _conv(b, middle, 256, 3, 2), 256, 1), 256)
    up_coarse = _conv(b, coarse, 128, 1, 1)
    x = _stage(b, b.concat(b.upsample(up_coarse), middle), 128, 1, residual=False)
    up_middle = _conv(b, x, 64, 1, 1)
    small = _stage(b, b.concat(b.upsample(up_middle), fine), 64, 1, residual=False)
    x = b.concat(_conv(b, small, 64, 3, 2), up_middle)
    medium = _stage(b, x, 128, 1, residual=False)
    x = b.concat(_conv(b, medium, 128, 3, 2), up_coarse)
    large = _stage(b, x, 256, 1, residual=False)
    return b.finish(*(b.conv(scale, _BOX, 1) for scale in (small, medium, large)))


def _conv(b: Builder, x: str, channels: int, kernel: int, stride: int) -> str:
    return b.conv(x, channels, kernel, stride=stride, same=kernel % 2 == 0, activation="silu")


def _stage(b: Builder, x: str, channels: int, count: int, *, residual: bool = True) -> str:
    """Half of the channels go through `count` bottlenecks, half pass by."""
    y = _conv(b, x, channels // 2, 1, 1)
    for _ in range(count):
        z = _conv(b, _conv(b, y, channels // 2, 1, 1), channels // 2, 3, 1)
        y = b.add(y, z) if residual else z
    return _conv(b, b.concat(y, _conv(b, x, channels // 2, 1, 1)), channels, 1, 1)


def _pyramid(b: Builder, x: str, channels: int) -> str:
    """Windows of 5, 9 and 13 pixels, pooled one after the other."""
    pools = [_conv(b, x, channels // 2, 1, 1)]
    for _ in range(3):
        pools.append(b.max_pool(pools[-1], 5, stride=1, pad=2))
    return _conv(b, b.concat(*pools), channels, 1, 1)
