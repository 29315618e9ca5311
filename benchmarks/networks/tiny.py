"""The four shapes of MLPerf Tiny, and a network that is next to nothing."""

from __future__ import annotations

from benchmarks.network import Builder, Network


def nothing() -> Network:
    """One number is kept from being negative."""
    b = Builder("nothing", (1,))
    return b.finish(b.activate("input", "relu"))


def autoencoder() -> Network:
    """Anomaly detection: ten fully connected layers, 640 numbers to 640."""
    b = Builder("autoencoder", (640,))
    x = "input"
    for width in (128, 128, 128, 128, 8, 128, 128, 128, 128):
        x = b.dense(x, width, activation="relu")
    return b.finish(b.dense(x, 640))


def ds_cnn() -> Network:
    """Keyword spotting: a convolution and four depthwise separable ones on 49x10 features, 12 classes."""
    b = Builder("ds_cnn", (1, 49, 10))
    x = b.conv("input", 64, (10, 4), stride=2, same=True, activation="relu")
    for _ in range(4):
        x = b.depthwise(x, 3, same=True, activation="relu")
        x = b.conv(x, 64, 1, activation="relu")
    x = b.flatten(b.global_average(x))
    return b.finish(b.softmax(b.dense(x, 12)))


def resnet8() -> Network:
    """Image classification: three residual blocks on 32x32, 10 classes."""
    b = Builder("resnet8", (3, 32, 32))
    x = b.conv("input", 16, 3, same=True, activation="relu")
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        y = b.conv(x, channels, 3, stride=stride, same=True, activation="relu")
        y = b.conv(y, channels, 3, same=True)
        if stride > 1:
            x = b.conv(x, channels, 1, stride=stride, same=True)
        x = b.add(x, y, activation="relu")
    x = b.flatten(b.global_average(x))
    return b.finish(b.softmax(b.dense(x, 10)))


def mobilenet_v1_025() -> Network:
    """Visual wake words: MobileNetV1 with a quarter of the channels on 96x96, 2 classes."""
    b = Builder("mobilenet_v1_025", (3, 96, 96))
    x = b.conv("input", 8, 3, stride=2, same=True, activation="relu")
    widths = (16, 32, 32, 64, 64, 128, 128, 128, 128, 128, 128, 256, 256)
    for number, width in enumerate(widths):
        x = b.depthwise(x, 3, stride=2 if number in (1, 3, 5, 11) else 1, same=True, activation="relu")
        x = b.conv(x, width, 1, activation="relu")
    x = b.flatten(b.global_average(x))
    return b.finish(b.softmax(b.dense(x, 2)))
