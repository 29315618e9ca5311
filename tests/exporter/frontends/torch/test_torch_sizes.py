"""Sizes that are made of named ones: multiples of a height, two times a length plus one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch.export import Dim as TorchDim

import samara
from samara.exporter.frontends.onnx.sizes import of_name
from samara.graph import dims
from samara.graph.dims import Dim

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


class Image(torch.nn.Module):
    """Halves an image and doubles it again."""

    def __init__(self) -> None:
        super().__init__()
        self.down = torch.nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.up = torch.nn.ConvTranspose2d(4, 2, 2, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.up(torch.relu(self.down(x)))


class Odd(torch.nn.Module):
    """Differences of neighbours, of an odd number of them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, 1::2] - x[:, :-1:2]


class Two(torch.nn.Module):
    """The first input has n columns, the second 2 n + 1."""

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return y[:, 1::2] + x


def equal_at(path: Path, module: torch.nn.Module, sizes: Sequence[Sequence[tuple[int, ...]]]) -> None:
    """The file agrees with the module at all these sizes, one after the other in one context."""
    model = samara.load(path)
    rng = np.random.default_rng(0)
    for shapes in sizes:
        arrays = [rng.standard_normal(s).astype(np.float32) for s in shapes]
        with torch.no_grad():
            wanted = module(*map(torch.from_numpy, arrays)).numpy()
        np.testing.assert_allclose(model.run(*arrays), wanted, rtol=1e-5, atol=1e-5)


def image_sizes(*sizes: tuple[int, int]) -> list[list[tuple[int, ...]]]:
    return [[(1, 3, *s)] for s in sizes]


@pytest.mark.parametrize("how", ["program", "samara names", "torch names"])
def test_multiples(how: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module, path = Image().eval(), tmp_path / "m.smr"
    x = torch.randn(1, 3, 16, 24)
    height, width = TorchDim("height", min=2, max=32), TorchDim("width", min=2, max=32)
    # It is proven at these sizes, and compared with torch at them.
    samples = [
        (np.random.default_rng(1).standard_normal((1, 3, *s)).astype(np.float32),)
        for s in ((8, 128), (32, 24))
    ]
    if how == "program":
        program = torch.export.export(module, (x,), dynamic_shapes={"x": {2: 4 * height, 3: 4 * width}})
        report = samara.export_model(program, path, samples=samples)
    elif how == "samara names":
        shapes = {"x": (1, 3, 4 * Dim("height", 2, 32), 4 * Dim("width", 2, 32))}
        report = samara.export_model(module, path, inputs=(x,), shapes=shapes, samples=samples)
    else:
        shapes = {"x": (1, 3, 4 * height, 4 * width)}
        report = samara.export_model(module, path, inputs=(x,), shapes=shapes)
    assert report.oracle
    equal_at(path, module, image_sizes((64, 64), (32, 24), (128, 8), (8, 128), (128, 128)))
    model = samara.load(path)
    for size, message in ((34, "axis 2 can be 32 or 36, not 34"), (4, "axis 2 is from 8 to 128, not 4")):
        with pytest.raises(ValueError, match=message):
            model.run(np.zeros((1, 3, size, 8), np.float32))
    with pytest.raises(ValueError, match=r"given shape \[1, 1, 8, 8\]: axis 1 is 3, not 1"):
        model.run(np.zeros((1, 1, 8, 8), np.float32))
    # A size that is refused has changed nothing.
    equal_at(path, module, image_sizes((32, 24)))


def test_one_more_than_a_multiple(tmp_path: Path) -> None:
    path = tmp_path / "m.smr"
    length = TorchDim("length", min=2, max=20)
    program = torch.export.export(Odd(), (torch.rand(3, 9),), dynamic_shapes=[{1: 2 * length + 1}])
    samara.export_model(program, path)
    equal_at(path, Odd(), [[(3, n)] for n in (9, 5, 41, 7)])
    with pytest.raises(ValueError, match="axis 1 can be 9 or 11, not 10"):
        samara.load(path).run(np.zeros((3, 10), np.float32))


def test_a_size_that_two_inputs_tell(tmp_path: Path) -> None:
    path = tmp_path / "m.smr"
    n = TorchDim("n", min=2, max=20)
    examples = (torch.rand(3, 4), torch.rand(3, 9))
    samara.export_model(torch.export.export(Two(), examples, dynamic_shapes=[{1: n}, {1: 2 * n + 1}]), path)
    equal_at(path, Two(), [[(3, n), (3, 2 * n + 1)] for n in (4, 2, 20)])
    with pytest.raises(ValueError, match="axis 1 is 9 where the other axes are as given, not 11"):
        samara.load(path).run(np.zeros((3, 4), np.float32), np.zeros((3, 11), np.float32))


@pytest.mark.parametrize("kind", ["auto", "dynamic"])
def test_sizes_that_torch_finds(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "m.smr"
    free = TorchDim.AUTO if kind == "auto" else TorchDim.DYNAMIC
    free_program = torch.export.export(Odd(), (torch.rand(3, 9),), dynamic_shapes=[{0: free, 1: free}])
    with pytest.raises(samara.ExportError, match="axis 1 may have any size"):
        samara.export_model(free_program, path)
    samara.export_model(free_program, path, shapes={"x": [Dim("b", 1, 4), 2 * Dim("n", 1, 8) + 1]})
    equal_at(path, Odd(), [[(3, 9)], [(1, 3)], [(4, 17)]])
    bounded = torch.export.export(
        Odd(), (torch.rand(3, 9),), dynamic_shapes=[{0: free(max=4), 1: free(min=3, max=17)}]
    )
    samara.export_model(bounded, path)
    equal_at(path, Odd(), [[(3, 9)], [(4, 17)], [(2, 3)]])


def onnx_of_two() -> onnx.ModelProto:
    """The sum of x [n] and every second of y [2 * n + 1], with the sizes that torch.onnx.export writes."""
    values = {"x": ["n"], "y": ["2*n + 1"], "z": ["n"]}
    infos = {k: helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in values.items()}
    bounds = {"starts": [1], "ends": [2**31 - 1], "axes": [0], "steps": [2]}
    initializers = [helper.make_tensor(k, TensorProto.INT64, [1], v) for k, v in bounds.items()]
    nodes = [
        helper.make_node("Slice", ["y", *bounds], ["odd"]),
        helper.make_node("Add", ["x", "odd"], ["z"]),
    ]
    graph = helper.make_graph(nodes, "g", [infos["x"], infos["y"]], [infos["z"]], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


@pytest.mark.parametrize(
    "shapes", [{"x": [Dim("n", 1, 20)]}, {"y": [2 * Dim("n", 1, 20) + 1]}, {"x": [Dim("m", 1, 20)]}]
)
def test_onnx_sizes_are_arithmetic_on_names(shapes: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "m.smr"
    with pytest.raises(samara.ExportError, match=r"dimension 'n' .* has no upper bound"):
        samara.export_model(onnx_of_two(), path)
    samara.export_model(onnx_of_two(), path, shapes=shapes)
    model = samara.load(path)
    assert list(model.dimensions.values()) == [(1, 20)]
    rng = np.random.default_rng(0)
    for n in (4, 1, 20):
        x, y = (rng.standard_normal(size).astype(np.float32) for size in (n, 2 * n + 1))
        np.testing.assert_array_equal(model.run(x, y), x + y[1::2])


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("batch", Dim("batch", 1)),
        ("2*d + 1", 2 * Dim("d", 1) + 1),
        ("d//2", Dim("d", 1) // 2),
        ("known*3", 3 * Dim("known", 2, 8)),
        # What is no arithmetic, or could be negative, is a name.
        *(
            (name, Dim(name, 1))
            for name in ("d - 5", "a//0", "x y", "1.5*n", "8", "-n", "a**b", "f(x)", "[0]")
        ),
    ],
)
def test_names_of_onnx_sizes(name: str, wanted: dims.Dimension) -> None:
    assert of_name(name, {"known": Dim("known", 2, 8)}) == wanted
