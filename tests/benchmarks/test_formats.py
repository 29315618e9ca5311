"""Files that the benchmark writes itself mean what the network means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.network import Array, Network
from tests.benchmarks.layers import image_layers, row_layers

pytest.importorskip("torch")

from benchmarks import source
from benchmarks.figures import difference


def drawn(network: Network) -> Network:
    network.draw(2)
    source.settle(network)
    return network


def by_litert(path: Path, given: Array) -> list[Array]:
    """Outputs of the reference kernels, channels first."""
    interpreters = pytest.importorskip("ai_edge_litert.interpreter")
    kind = interpreters.OpResolverType.BUILTIN_REF
    interpreter = interpreters.Interpreter(str(path), experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    turned = given.transpose(0, 2, 3, 1) if given.ndim == 4 else given
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], turned)
    interpreter.invoke()
    found = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    return [y.transpose(0, 3, 1, 2) if y.ndim == 4 else y for y in found]


@pytest.mark.parametrize("build", [image_layers, row_layers])
def test_tflite(build, tmp_path: Path) -> None:
    tflite_file = pytest.importorskip("benchmarks.formats.tflite_file")
    network = drawn(build())
    tflite_file.write(network, tmp_path / "float.tflite")
    given = network.example(9)
    expected = source.run(network, [given])[0]
    assert difference(by_litert(tmp_path / "float.tflite", given), expected)["largest"] < 1e-5


def test_int8_tflite(tmp_path: Path) -> None:
    tflite_file = pytest.importorskip("benchmarks.formats.tflite_file")
    network = drawn(image_layers())
    tflite_file.write_int8(network, tmp_path / "int8.tflite")
    given = network.example(9)
    found = difference(by_litert(tmp_path / "int8.tflite", given), source.run(network, [given])[0])
    assert 1e-4 < found["noise"] < 0.1
    with pytest.raises(NotImplementedError, match="not written in int8"):
        tflite_file.write_int8(row_layers(), tmp_path / "rows.tflite")


@pytest.mark.parametrize("int8", [False, True])
def test_ncnn_reads_each_blob_once(int8: bool, tmp_path: Path) -> None:
    from benchmarks.formats import ncnn_file

    network = drawn(image_layers())
    (ncnn_file.write_int8 if int8 else ncnn_file.write)(network, tmp_path / "net.param")
    magic, counts, *lines = (tmp_path / "net.param").read_text().splitlines()
    read: list[str] = []
    written: list[str] = []
    for line in lines:
        _, _, ins, outs, *rest = line.split()
        blobs = rest[: int(ins) + int(outs)]
        assert all(blob in written for blob in blobs[: int(ins)])
        read += blobs[: int(ins)]
        written += blobs[int(ins) :]
    assert (magic, counts) == ("7767517", f"{len(lines)} {len(written)}")
    assert len(set(read)) == len(read)
    assert len(set(written)) == len(written)
    weights = sum(a.size for a in network.weights.values())
    data = (tmp_path / "net.bin").stat().st_size
    assert data < 3 * weights if int8 else 4 * weights <= data < 5 * weights


def test_scales() -> None:
    from benchmarks.formats.scales import activation_scales, quantized_weight, scale_of, weight_scales

    scale = scale_of(-1.0, 3.0)
    assert scale.scale == pytest.approx(4 / 255)
    assert scale.zero_point == -64
    weight = np.float32([[1.0, -2.0], [0.0, 0.0]])
    scales = weight_scales(weight, 0)
    np.testing.assert_array_equal(quantized_weight(weight, scales, 0), [[64, -127], [0, 0]])
    network = drawn(image_layers())
    found = activation_scales(network)
    for layer in network.layers:
        if layer.kind in ("concat", "max_pool", "upsample", "flatten"):
            assert {found[name] for name in layer.inputs} == {found[layer.name]}
