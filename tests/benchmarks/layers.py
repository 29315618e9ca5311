"""Two small networks that have every kind of layer and every activation."""

from __future__ import annotations

from benchmarks.network import Builder, Network


def image_layers() -> Network:
    b = Builder("images", (3, 8, 8))
    x = b.conv("input", 8, 3, stride=2, same=True, activation="silu")
    gate = b.conv(b.global_average(x), 8, 1, activation="hard_sigmoid")
    x = b.multiply(b.depthwise(x, 3, activation="hard_swish"), gate)
    x = b.add(x, b.max_pool(b.activate(x, "relu6"), 3, stride=1, pad=1), activation="relu")
    x = b.concat(b.upsample(b.max_pool(x, 2, stride=2)), x)
    pixels = b.flatten(b.global_average(b.conv(x, 4, 1, activation="sigmoid")))
    return b.finish(b.dense(pixels, 3), x)


def row_layers() -> Network:
    b = Builder("rows", (6, 8))
    x = b.layer_norm(b.dense("input", 8, activation="gelu"))
    x = b.add(b.attention(x, x, x, 2), b.lstm(x, 8))
    return b.finish(b.softmax(b.dense(x, 5, activation="tanh")))
