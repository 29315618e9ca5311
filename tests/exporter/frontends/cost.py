"""What exports of well-known convolutional networks cost: seconds and peak memory, one process each, as a table.

`python -m tests.exporter.frontends.cost [NAME ...]`
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

_SIDE = 224
# MobileNetV2 (Sandler and others, 2018), table 2: expansion, channels, blocks, stride of the first.
_BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_WAYS = ("torch", "onnx", "tflite", "trained")
_NETWORKS = ("mobilenet_v2", "resnet18")
NAMES = tuple(
    f"{network} {way} {kind}"
    for network in _NETWORKS
    for way in _WAYS
    for kind in ("float", "int8")
    if network == "mobilenet_v2" or way in ("torch", "onnx")
)


def _torch_network(network: str, *, small: bool) -> Any:
    import torch
    import transformers

    if network == "resnet18":
        sizes = [8, 16] if small else [64, 128, 256, 512]
        config = transformers.ResNetConfig(
            embedding_size=sizes[0],
            hidden_sizes=sizes,
            depths=[1 if small else 2] * len(sizes),
            layer_type="basic",
            num_labels=1000,
        )
        model = transformers.ResNetForImageClassification(config)
    else:
        config = transformers.MobileNetV2Config(depth_multiplier=0.1 if small else 1.0, num_labels=1000)
        model = transformers.MobileNetV2ForImageClassification(config)

    class Plain(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, image: Any) -> Any:
            return self.model(pixel_values=image).logits

    return Plain().eval()


def _tflite_network(*, small: bool) -> bytes:
    from tests.exporter.frontends.tflite._writer import Node, T, constant, write

    random = np.random.default_rng(1)
    tensors = [T(shape=(1, _side(small=small), _side(small=small), 3), name="image")]
    nodes: list[Node] = []

    def add(tensor: T) -> int:
        tensors.append(tensor)
        return len(tensors) - 1

    def weight(*shape: int, inputs: int) -> int:
        return add(constant(random.standard_normal(shape) * inputs**-0.5, "float32"))

    def node(op: str, inputs: list[int], options: str, **values: Any) -> int:
        made = add(T())
        nodes.append(Node(op=op, inputs=inputs, outputs=[made], options=options, values=values))
        return made

    def conv(x: int, inputs: int, outputs: int, taps: int = 1, stride: int = 1, activation: int = 3) -> int:
        filters = weight(outputs, taps, taps, inputs, inputs=inputs * taps * taps)
        steps = {"StrideW": stride, "StrideH": stride}
        given = [x, filters, weight(outputs, inputs=1)]
        return node("CONV_2D", given, "Conv2DOptions", **steps, FusedActivationFunction=activation)

    def by_channel(x: int, channels: int, stride: int) -> int:
        given = [x, weight(1, 3, 3, channels, inputs=9), weight(channels, inputs=1)]
        values = {"StrideW": stride, "StrideH": stride, "DepthMultiplier": 1, "FusedActivationFunction": 3}
        return node("DEPTHWISE_CONV_2D", given, "DepthwiseConv2DOptions", **values)

    x = conv(0, 3, 32, 3, 2)
    channels = 32
    for expansion, outputs, blocks, stride in _BLOCKS[:2] if small else _BLOCKS:
        for block in range(blocks):
            wide = channels * expansion
            y = x if expansion == 1 else conv(x, channels, wide)
            y = by_channel(y, wide, stride if block == 0 else 1)
            y = conv(y, wide, outputs, activation=0)
            x = node("ADD", [x, y], "AddOptions") if block else y
            channels = outputs
    x = conv(x, channels, 1280)
    x = node("MEAN", [x, add(constant([1, 2], "int32"))], "ReducerOptions")
    given = [x, weight(1000, 1280, inputs=1280), weight(1000, inputs=1)]
    x = node("FULLY_CONNECTED", given, "FullyConnectedOptions")
    return write(tensors, nodes, [0], [x])


def _trained_network(*, small: bool) -> tuple[Any, dict[str, Any]]:
    """MobileNetV2 as a program trains it: Adam has its averages, a flag turns batch normalization and dropout on."""
    import samara as tf

    tf.reset_default_graph()
    side = _side(small=small)
    image = tf.placeholder(tf.float32, [None, side, side, 3], "image")
    label = tf.placeholder(tf.int64, [None], "label")
    flag = tf.placeholder(tf.bool, [], "is_training")

    def conv(x: Any, channels: int, taps: int = 1, stride: int = 1, *, clamped: bool = True) -> Any:
        y = tf.layers.conv2d(x, channels, taps, stride, "same", use_bias=False)
        y = tf.layers.batch_normalization(y, training=flag)
        return tf.nn.relu6(y) if clamped else y

    def by_channel(x: Any, stride: int) -> Any:
        weights = tf.get_variable(tf.get_default_graph().unique_name("depthwise"), [3, 3, x.shape[3], 1])
        y = tf.nn.depthwise_conv2d(x, weights, [1, stride, stride, 1], "SAME")
        return tf.nn.relu6(tf.layers.batch_normalization(y, training=flag))

    x = conv(image, 32, 3, 2)
    channels = 32
    for expansion, outputs, blocks, stride in _BLOCKS[:2] if small else _BLOCKS:
        for block in range(blocks):
            y = x if expansion == 1 else conv(x, channels * expansion)
            y = conv(by_channel(y, stride if block == 0 else 1), outputs, clamped=False)
            x = x + y if block else y
            channels = outputs
    x = tf.reduce_mean(conv(x, 1280), [1, 2])
    logits = tf.layers.dense(tf.layers.dropout(x, 0.2, training=flag), 1000)
    loss = tf.losses.sparse_softmax_cross_entropy(label, logits)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        tf.train.AdamOptimizer().minimize(loss)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    given = {
        "inputs": {"image": image},
        "shapes": {"image": [1, side, side, 3]},
        "constants": {flag: False},
        "session": session,
    }
    return {"logits": logits}, given


def _side(*, small: bool) -> int:
    return 32 if small else _SIDE


def _image(*, small: bool) -> Any:
    import torch

    return torch.randn(1, 3, _side(small=small), _side(small=small))


def prepare(name: str, folder: Path) -> None:
    """Writes the files that an export starts from: the network, and a small one that loads all code."""
    network, way, _ = name.split()
    for small in (True, False):
        path = folder / f"{'small' if small else 'large'}.{way}"
        if way == "trained":
            continue
        if way == "tflite":
            path.write_bytes(_tflite_network(small=small))
            continue
        if way == "onnx":
            import torch

            module = _torch_network(network, small=small)
            torch.onnx.export(
                module, (_image(small=small),), path, dynamo=True, verbose=False, external_data=False
            )


def measure(name: str, folder: Path) -> dict[str, float]:
    """Exports a network in this process.

    Returns:
        Bytes of the weights, the growth of memory at its peak, and seconds.
    """
    from samara.exporter.export import export_model

    network, way, kind = name.split()
    sources = {}
    for small in (True, False):
        if way == "trained":
            # One graph after the other: they are that of the process.
            continue
        if way == "torch":
            sources[small] = _torch_network(network, small=small), {"inputs": (_image(small=small),)}
        else:
            sources[small] = (
                (folder / f"{'small' if small else 'large'}.{way}").rename(
                    folder / f"{'small' if small else 'large'}_{network}.{way}"
                ),
                {},
            )
    options: dict[str, Any] = {"quantize": "int8", "tolerance": 1.0} if kind == "int8" else {}
    source, given = sources.pop(True) if way != "trained" else _trained_network(small=True)
    export_model(source, folder / "small.smr", **given, **options)
    source, given = sources.pop(False) if way != "trained" else _trained_network(small=False)
    gc.collect()
    before = memory("VmRSS")
    # The peak is counted anew from here.
    Path("/proc/self/clear_refs").write_text("5")
    start = time.perf_counter()
    report = export_model(source, folder / "large.smr", **given, **options)
    seconds = time.perf_counter() - start
    if way == "torch":
        weights = sum(p.numel() * p.element_size() for p in source.parameters())
    elif way == "trained":
        weights = report.constant_bytes
    else:
        weights = source.stat().st_size
    return {
        "weights": weights,
        "peak": memory("VmHWM") - before,
        "seconds": seconds,
        "arena": report.arena_bytes,
    }


def memory(name: str) -> int:
    """A count of the process's memory in bytes, as the system names it: VmRSS now, VmHWM at its peak."""
    found = re.search(name + r":\s*(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def _apart(name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.exporter.frontends.cost", "--worker"]
    with tempfile.TemporaryDirectory() as folder:
        for step in ("prepare", "measure"):
            done = subprocess.run([*command, step, folder, name], capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{name}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Prints a row for each export whose name begins with one of the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--worker", nargs=2, metavar=("STEP", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        warnings.filterwarnings("ignore")
        step, folder = arguments.worker
        (name,) = arguments.names
        print(json.dumps({"prepare": prepare, "measure": measure}[step](name, Path(folder))))
        return
    print("| network | weights | arena | peak of the export | times the weights | seconds |")
    print("|---|---|---|---|---|---|")
    for name in NAMES:
        if arguments.names and not name.startswith(tuple(arguments.names)):
            continue
        row = _apart(name)
        print(
            f"| {name} | {row['weights'] / 1e6:.1f} MB | {row['arena'] / 1e6:.1f} MB | {row['peak'] / 1e6:.1f} MB "
            f"| {row['peak'] / row['weights']:.1f} | {row['seconds']:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
