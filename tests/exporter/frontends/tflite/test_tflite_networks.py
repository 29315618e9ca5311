"""Small networks: the same from two formats, without transposes, at several sizes, trained and quantized further."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flatbuffers import flexbuffers

import samara
from samara.errors import ExportError
from samara.graph.dims import Dim
from tests.exporter.frontends.tflite._reference import agree, export, interpreter, listed, run
from tests.exporter.frontends.tflite._writer import G, Node, T, constant, write, write_model
from tests.exporter.frontends.tflite.test_tflite_float import CASES
from tests.exporter.frontends.tflite.test_tflite_state import lstm

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(77)


def f(*shape: int) -> Array:
    return (0.5 * RANDOM.standard_normal(shape)).astype(np.float32)


class Network:
    """A convolution, one by channel, a pool, a mean and a product; weights laid out as TFLite has them."""

    def __init__(self) -> None:
        self.conv, self.conv_bias = f(8, 3, 3, 3), f(8)
        self.channels, self.channels_bias = f(1, 3, 3, 8), f(8)
        self.point, self.point_bias = f(6, 1, 1, 8), f(6)
        self.dense, self.dense_bias = f(5, 6), f(5)

    def tflite(self, *, dtype: str = "float32", height: int = 16, width: int = 12) -> bytes:
        """As a .tflite file; weights of float16 go through DEQUANTIZE."""
        tensors = [T(shape=(1, height, width, 3), name="image", signature=(-1, -1, -1, 3))]
        nodes: list[Node] = []

        def add(tensor: T) -> int:
            tensors.append(tensor)
            return len(tensors) - 1

        def weight(value: Array) -> int:
            stored = add(constant(value, dtype))
            if dtype == "float32":
                return stored
            real = add(T(shape=value.shape))
            nodes.append(Node(op="DEQUANTIZE", inputs=[stored], outputs=[real]))
            return real

        def node(op: str, inputs: list[int], options: str, **values: Any) -> int:
            made = add(T())
            nodes.append(Node(op=op, inputs=inputs, outputs=[made], options=options, values=values))
            return made

        stride = {"StrideW": 2, "StrideH": 2}
        one = {"StrideW": 1, "StrideH": 1}
        x = node("CONV_2D", [0, weight(self.conv), weight(self.conv_bias)], "Conv2DOptions", **stride,
                 FusedActivationFunction=3)  # fmt: skip
        x = node("DEPTHWISE_CONV_2D", [x, weight(self.channels), weight(self.channels_bias)], "DepthwiseConv2DOptions",
                 **one, DepthMultiplier=1, FusedActivationFunction=1)  # fmt: skip
        x = node("MAX_POOL_2D", [x], "Pool2DOptions", **stride, FilterWidth=2, FilterHeight=2, Padding=1)
        y = node("CONV_2D", [x, weight(self.point), weight(self.point_bias)], "Conv2DOptions", **one)
        y = node("HARD_SWISH", [y], "HardSwishOptions")
        y = node("MEAN", [y, add(constant([1, 2], "int32"))], "ReducerOptions")
        y = node("FULLY_CONNECTED", [y, weight(self.dense), weight(self.dense_bias)], "FullyConnectedOptions")
        y = node("SOFTMAX", [y], "SoftmaxOptions", Beta=1.0)
        return write(tensors, nodes, [0], [y])

    def onnx(self) -> Any:
        """As an ONNX model, channels first."""
        onnx = pytest.importorskip("onnx")
        helper, numpy_helper = onnx.helper, onnx.numpy_helper
        weights = {
            "conv": self.conv.transpose(0, 3, 1, 2),
            "conv_bias": self.conv_bias,
            "channels": self.channels.transpose(3, 0, 1, 2),
            "channels_bias": self.channels_bias,
            "point": self.point.transpose(0, 3, 1, 2),
            "point_bias": self.point_bias,
            "dense": self.dense,
            "dense_bias": self.dense_bias,
            "low": np.float32(0),
            "high": np.float32(6),
            "axes": np.array([2, 3]),
        }
        nodes = [
            helper.make_node(
                "Conv", ["image", "conv", "conv_bias"], ["a"], strides=[2, 2], pads=[0, 0, 1, 1]
            ),
            helper.make_node("Clip", ["a", "low", "high"], ["b"]),
            helper.make_node("Conv", ["b", "channels", "channels_bias"], ["c"], group=8, pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["d"]),
            helper.make_node("MaxPool", ["d"], ["e"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Conv", ["e", "point", "point_bias"], ["f"]),
            helper.make_node("HardSwish", ["f"], ["g"]),
            helper.make_node("ReduceMean", ["g", "axes"], ["h"], keepdims=0),
            helper.make_node("Gemm", ["h", "dense", "dense_bias"], ["i"], transB=1),
            helper.make_node("Softmax", ["i"], ["y"], axis=-1),
        ]
        shape = [1, 3, 16, 12]
        graph = helper.make_graph(
            nodes,
            "network",
            [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 5])],
            [numpy_helper.from_array(np.ascontiguousarray(a), n) for n, a in weights.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def test_the_same_weights_from_two_formats(tmp_path: Path) -> None:
    network = Network()
    x = f(1, 16, 12, 3)
    report, path = export(network.tflite(), tmp_path, inputs=[x])
    one = listed(samara.load(path)(x))[0]
    other_report = samara.export_model(network.onnx(), tmp_path / "onnx.smr", channels_last=True)
    other = listed(samara.load(tmp_path / "onnx.smr")(x))[0]
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    # Both became the same program.
    assert report.programs[0].ops == other_report.programs[0].ops


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_nothing_is_transposed(dtype: str, tmp_path: Path) -> None:
    report = agree(Network().tflite(dtype=dtype), tmp_path, [[f(1, 16, 12, 3)]])
    ops = report.programs[0].ops
    assert "transpose" not in ops
    assert ops["conv2d"] == 2
    # The relus are part of the convolutions, hard swish is one op.
    assert not {"relu", "relu6", "clip"} & set(ops)
    assert ops["hard_swish"] == 1


def test_sizes_that_move(tmp_path: Path) -> None:
    data = Network().tflite()
    shape = [Dim("batch", 1, 3), Dim("height", 4, 32), Dim("width", 4, 32), 3]
    report, path = export(data, tmp_path, shapes={"image": shape})
    assert not report.warnings or not any("open sizes" in w for w in report.warnings)
    context = samara.load(path).context()
    oracle = interpreter(data)
    place = oracle.get_input_details()[0]["index"]
    for sizes in ((1, 16, 12), (3, 4, 4), (2, 31, 32), (1, 5, 9)):
        x = f(*sizes, 3)
        oracle.resize_tensor_input(place, x.shape)
        oracle.allocate_tensors()
        np.testing.assert_allclose(listed(context.run(x))[0], run(oracle, [x])[0], rtol=0, atol=1e-5)


def test_a_sequence_whose_length_moves(tmp_path: Path) -> None:
    data, shape = lstm(steps=6)
    batch, _, features = shape
    _, path = export(data, tmp_path, shapes={"t0": [batch, Dim("steps", 1, 20), features]})
    loaded = samara.load(path)
    for steps in (1, 6, 20):
        oracle = interpreter(data)
        oracle.resize_tensor_input(oracle.get_input_details()[0]["index"], [batch, steps, features])
        oracle.allocate_tensors()
        context = loaded.context()
        for _ in range(2):
            x = f(batch, steps, features)
            np.testing.assert_allclose(listed(context.run(x))[0], run(oracle, [x])[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["space_to_batch", "batch_to_space", "conv_2d_same_2_7", "mean_10", "softmax_beta"]
)
def test_a_batch_that_moves(name: str, tmp_path: Path) -> None:
    data, (x,) = CASES[name].model()
    _, path = export(data, tmp_path, shapes={"t0": [Dim("batch", 0, 36), *x.shape[1:]]})
    loaded = samara.load(path)
    assert listed(loaded(x[:0]))[0].size == 0
    for count in (12, 24):
        more = np.resize(x, (count, *x.shape[1:]))
        oracle = interpreter(data)
        oracle.resize_tensor_input(oracle.get_input_details()[0]["index"], more.shape)
        oracle.allocate_tensors()
        found, expected = listed(loaded(more))[0], run(oracle, [more])[0]
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_a_transposed_convolution_whose_batch_is_computed(tmp_path: Path) -> None:
    """Its output shape is put together from the shape of its input, as Keras writes it."""
    tensors = [
        T(shape=(1, 4, 3, 2), name="x", signature=(-1, 4, 3, 2)),
        T(dtype="int32"),
        *(constant([v], "int32") for v in (0, 1, 1)),
        T(dtype="int32"),
        *(constant(v, "int32") for v in (8, 6, 3)),
        T(dtype="int32"),
        constant(f(3, 3, 3, 2), "float32"),
        T(),
    ]
    window = {"StrideW": 2, "StrideH": 2}
    nodes = [
        Node(op="SHAPE", inputs=[0], outputs=[1], options="ShapeOptions", values={"OutType": 2}),
        Node(op="STRIDED_SLICE", inputs=[1, 2, 3, 4], outputs=[5], options="StridedSliceOptions",
             values={"ShrinkAxisMask": 1}),
        Node(op="PACK", inputs=[5, 6, 7, 8], outputs=[9], options="PackOptions", values={"ValuesCount": 4}),
        Node(op="TRANSPOSE_CONV", inputs=[9, 10, 0], outputs=[11], options="TransposeConvOptions", values=window),
    ]  # fmt: skip
    data = write(tensors, nodes, [0], [11])
    report = agree(data, tmp_path, [[f(1, 4, 3, 2)]])
    assert dict(report.programs[0].ops) == {"conv2d": 1, "reshape": 2, "transpose": 1}
    _, path = export(data, tmp_path, shapes={"x": [Dim("batch", 1, 4), 4, 3, 2]})
    assert listed(samara.load(path)(f(3, 4, 3, 2)))[0].shape == (3, 8, 6, 3)


def test_open_sizes_are_told(tmp_path: Path) -> None:
    report, path = export(Network().tflite(), tmp_path)
    assert any("input 'image' has open sizes (axis 0, 1, 2)" in w for w in report.warnings)
    assert samara.load(path).signatures["main"].inputs[0].shape == (1, 16, 12, 3)
    with pytest.raises(ValueError, match="shapes names picture; the inputs are image"):
        export(Network().tflite(), tmp_path, shapes={"picture": [1]})
    with pytest.raises(ValueError, match=r"has the shape \[1, 16, 12, 3\], which cannot be \[1, 2\]"):
        export(Network().tflite(), tmp_path, shapes={"image": [1, 2]})


def test_an_imported_model_is_trained_and_quantized(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(Network().tflite())
    model = samara.import_model(tmp_path / "m.tflite", trainable=True)
    graph, session = model.graph, model.session
    names = [op.name for op in graph.operations if op.type == "variable"]
    assert len(names) == 8
    x = f(1, 16, 12, 3)
    (image,), (y,) = model.inputs.values(), model.outputs.values()
    with graph.as_default():
        loss = graph.b.negative(
            graph.b.log(graph.b.strided_slice(y, begin=(0, 2), end=(1, 3), strides=(1, 1)))
        )
        weights = [graph.get_operation_by_name(n).outputs[0] for n in names]
        gradients = samara.gradients(graph.b.reduce_sum(loss, axes=(0, 1), keepdims=False), weights)
        steps = [
            graph.b.assign(w, graph.b.subtract(w, graph.b.multiply(g, np.float32(0.05))))
            for w, g in zip(weights, gradients, strict=True)
        ]
    before = float(session.run(loss, {image: x})[0, 0])
    for _ in range(5):
        session.run(steps, {image: x})
    assert float(session.run(loss, {image: x})[0, 0]) < before - 0.05
    samples = [{"image": f(1, 16, 12, 3)} for _ in range(4)]
    report = samara.export_model(model, tmp_path / "q.smr", quantize="int8", samples=samples)
    assert report.quantized
    assert report.programs[0].ops["quantized_conv2d"] == 2


# What runs subgraphs without being a branch ----------------------------------------------------------------------


@pytest.mark.parametrize("composite", [False, True])
def test_a_subgraph_is_run_in_its_place(composite: bool, tmp_path: Path) -> None:
    if composite:
        values = {"Name": "odml.double", "DecompositionSubgraphIndex": 1}
        kind: dict[str, Any] = {
            "op": "STABLEHLO_COMPOSITE",
            "options2": "StableHLOCompositeOptions",
            "values": values,
        }
    else:
        kind = {"op": "CALL", "options": "CallOptions", "values": {"Subgraph": 1}}
    node = Node(inputs=[0], outputs=[1], **kind)
    main = G(tensors=[T(shape=(4,)), T(shape=(4,))], nodes=[node], inputs=[0], outputs=[1])
    body = G(
        tensors=[T(shape=(4,)), T(shape=(4,))],
        nodes=[Node(op="ADD", inputs=[0, 0], outputs=[1], options="AddOptions")],
        inputs=[0],
        outputs=[1],
    )
    _, path = export(write_model([main, body]), tmp_path)
    x = f(4)
    np.testing.assert_array_equal(listed(samara.load(path)(x))[0], 2 * x)


# Detectors -------------------------------------------------------------------------------------------------------


def detector(
    *, regular: bool, each: int = 1, stored: bool = False, classes: int = 3, count: int = 24, most: int = 6
) -> bytes:
    options = flexbuffers.Dumps(
        {
            "max_detections": most,
            "max_classes_per_detection": each,
            "detections_per_class": 5,
            "use_regular_nms": regular,
            "nms_score_threshold": 0.3,
            "nms_iou_threshold": 0.4,
            "num_classes": classes,
            "y_scale": 10.0,
            "x_scale": 10.0,
            "h_scale": 5.0,
            "w_scale": 5.0,
        }
    )
    anchors = np.concatenate([RANDOM.random((count, 2)), 0.2 + 0.3 * RANDOM.random((count, 2))], axis=1)
    tensors = [T(shape=(1, count, 4)), T(shape=(1, count, classes + 1)), constant(anchors, "float32")]
    if stored:
        tensors = [
            T(shape=(1, count, 4), dtype="uint8", scale=0.03, zero_point=130),
            T(shape=(1, count, classes + 1), dtype="uint8", scale=1 / 256),
            constant(np.round(anchors * 200), "uint8", scale=1 / 200),
        ]
    tensors += [T() for _ in range(4)]
    node = Node(
        op="CUSTOM",
        custom="TFLite_Detection_PostProcess",
        inputs=[0, 1, 2],
        outputs=[3, 4, 5, 6],
        custom_options=bytes(options),
    )
    return write(tensors, [node], [0, 1], [3, 4, 5, 6])


@pytest.mark.parametrize(("regular", "each"), [(False, 1), (False, 2), (True, 1)])
def test_boxes_of_a_detector(regular: bool, each: int, tmp_path: Path) -> None:
    data = detector(regular=regular, each=each)
    oracle = interpreter(data)
    (tmp_path / "m.tflite").write_bytes(data)
    # What LiteRT leaves after the last box is what was there before.
    model = dataclasses.replace(samara.import_model(tmp_path / "m.tflite"), oracle=None)
    samara.export_model(model, tmp_path / "m.smr")
    context = samara.load(tmp_path / "m.smr").context()
    for scale in (1.0, 0.6, 0.1):
        given = [f(1, 24, 4), (scale * RANDOM.random((1, 24, 4))).astype(np.float32)]
        expected, found = run(oracle, given), listed(context.run(*given))
        number = int(expected[3][0])
        assert found[3].tolist() == [number]
        for got, want in zip(found[:3], expected[:3], strict=True):
            assert got.shape == want.shape
            rows = number * each
            np.testing.assert_allclose(got[0, :rows], want[0, :rows], rtol=0, atol=1e-5)
            assert not got[0, rows:].any()
    assert number == 0


def test_boxes_of_a_detector_in_integers(tmp_path: Path) -> None:
    data = detector(regular=False, stored=True)
    oracle = interpreter(data)
    (tmp_path / "m.tflite").write_bytes(data)
    model = dataclasses.replace(samara.import_model(tmp_path / "m.tflite"), oracle=None)
    samara.export_model(model, tmp_path / "m.smr")
    given = [RANDOM.integers(0, 256, (1, 24, n)).astype(np.uint8) for n in (4, 4)]
    expected, found = run(oracle, given), listed(samara.load(tmp_path / "m.smr")(*given))
    number = int(expected[3][0])
    assert number > 1
    for got, want in zip(found[:3], expected[:3], strict=True):
        np.testing.assert_allclose(got[0, :number], want[0, :number], rtol=0, atol=1e-5)


def test_options_of_a_detector_that_cannot_be_read(tmp_path: Path) -> None:
    data = detector(regular=False).replace(b"max_detections", b"max_detectionz")
    with pytest.raises(ExportError, match="TFLite_Detection_PostProcess 't3'"):
        export(data, tmp_path)
