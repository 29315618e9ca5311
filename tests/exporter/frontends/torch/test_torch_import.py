"""What surrounds the ops: names, nesting, sizes that change, state, element types, and what is told."""

from __future__ import annotations

import json
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara import Dim, ExportError, load
from samara.exporter.export import export_model
from samara.exporter.frontends import import_model
from tests.exporter.frontends.torch_agreement import Function, agrees, close, exported

torch = pytest.importorskip("torch")

nn = torch.nn
Pair = namedtuple("Pair", ["left", "right"])


@dataclass
class Result:
    scores: Any
    boxes: Any


torch.export.register_dataclass(Result, serialized_type_name="Result")


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.last = nn.Linear(8, 5)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.norm(self.first(x)))
        return self.last(x.mean((2, 3)))


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


# Names and nesting --------------------------------------------------------------------------------------------------


class Nested(nn.Module):
    def forward(self, image: Any, sizes: Any, *, extra: Any = None) -> Any:
        total = image + sizes["width"] * sizes["height"]
        return {"sum": total, "parts": (total * 2, [total * 3]), "pair": Pair(total, extra), "none": None}


def test_names_and_nesting_are_kept() -> None:
    x = torch.randn(2, 3)
    inputs = {"image": x, "sizes": {"width": x + 1, "height": x + 2}, "extra": x + 3}
    imported = agrees(Nested(), inputs)
    assert list(imported.inputs) == ["image", "sizes_width", "sizes_height", "extra"]
    assert list(imported.outputs) == ["sum", "parts_0", "parts_1_0", "pair_left", "pair_right"]
    assert json.loads(imported.metadata["torch.outputs"]) == {
        "sum": "sum",
        "parts": ["parts_0", ["parts_1_0"]],
        "pair": ["pair_left", "pair_right"],
        "none": None,
    }
    nested_inputs = json.loads(imported.metadata["torch.inputs"])
    assert nested_inputs[1]["sizes"] == {"width": "sizes_width", "height": "sizes_height"}


def test_positional_arguments_have_the_names_of_forward() -> None:
    x = torch.randn(2, 3)
    imported = agrees(Nested(), (x, {"width": x, "height": x}))
    assert list(imported.inputs) == ["image", "sizes_width", "sizes_height"]


def test_words_of_python_are_names_too() -> None:
    class Module(nn.Module):
        def forward(self, input: Any, filter: Any) -> Any:
            return input - filter

    imported = agrees(Module(), (torch.randn(2), torch.randn(2)))
    assert list(imported.inputs) == ["input", "filter"]
    assert list(imported.outputs) == ["output"]


def test_fields_of_a_dataclass_are_output_names() -> None:
    imported = agrees(lambda x: Result(x * 2, x + 1), (torch.randn(2),))
    assert list(imported.outputs) == ["scores", "boxes"]
    assert list(imported.inputs) == ["x_0"]


def test_an_input_that_is_an_output_and_one_that_is_not_used() -> None:
    imported = agrees(lambda x, y: (x, x + 1), (torch.randn(2), torch.randn(3)))
    assert list(imported.inputs) == ["x_0", "x_1"]
    assert list(imported.outputs) == ["output_0", "output_1"]


def test_inputs_as_numpy_arrays(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((1, 3, 8, 8)).astype(np.float32)
    model = exported(Small(), x, tmp_path / "m.smr")
    assert model(x).shape == (1, 5)


# Sources ------------------------------------------------------------------------------------------------------------


def test_an_exported_program_and_its_file(tmp_path: Path) -> None:
    x = torch.randn(1, 3, 8, 8)
    module = Small().eval()
    program = torch.export.export(module, (x,))
    torch.export.save(program, tmp_path / "m.pt2")
    expected = module(x).detach().numpy()
    for source in (program, tmp_path / "m.pt2"):
        imported = import_model(source)
        assert list(imported.inputs) == ["x"]
        assert imported.oracle is not None
        close(imported.run({"x": x.numpy()})["output"], expected)
        export_model(source, tmp_path / "m.smr")
        close(load(tmp_path / "m.smr")(x.numpy()), expected)


def test_a_file_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from samara.cli import main

    def saved(module: Any, name: str, x: Any) -> str:
        program = torch.export.export(
            module.eval(), (x,), dynamic_shapes={"x": {0: torch.export.Dim("n", max=4)}}
        )
        torch.export.save(program, tmp_path / name)
        return str(tmp_path / name)

    class Odd(nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.special.bessel_j0(x)

    good, bad = saved(Small(), "m.pt2", torch.randn(2, 3, 8, 8)), saved(Odd(), "bad.pt2", torch.randn(2, 3))
    assert main(["check", good]) == 0
    told = capsys.readouterr().out
    assert "input  x: float32[x_0, 3, 8, 8]" in told
    assert "can be exported" in told
    target = tmp_path / "m.smr"
    assert main(["export", good, str(target)]) == 0
    assert load(target)(np.ones((3, 3, 8, 8), np.float32)).shape == (3, 5)
    assert main(["check", bad]) == 1
    told = capsys.readouterr().out
    assert "special_bessel_j0" in told
    assert "test_torch_import.py:" in told
    assert main(["export", bad, str(tmp_path / "bad.smr")]) == 1
    assert "special_bessel_j0" in capsys.readouterr().err
    assert not (tmp_path / "bad.smr").exists()


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.pt2").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(ExportError, match="cannot load the file"):
        import_model(tmp_path / "m.pt2")
    with pytest.raises(FileNotFoundError):
        import_model(tmp_path / "missing.pt2")


def test_a_module_needs_example_inputs() -> None:
    with pytest.raises(TypeError, match="example inputs"):
        import_model(Small())


def test_training_mode_is_told_and_restored() -> None:
    module = Small().train()
    imported = import_model(module, inputs=torch.randn(1, 3, 8, 8))
    assert any("training mode" in w for w in imported.warnings)
    assert module.training
    assert module.norm.training


# Sizes that change --------------------------------------------------------------------------------------------------


def test_a_batch_of_one_may_still_change(tmp_path: Path) -> None:
    x = torch.randn(1, 3, 8, 8)
    module = Small().eval()
    model = exported(module, (x,), tmp_path / "m.smr", shapes={"x": (Dim("batch", 1, 4), 3, 8, 8)})
    for batch in (1, 2, 4):
        x = torch.randn(batch, 3, 8, 8)
        close(model(x.numpy()), module(x).detach().numpy())


def test_torch_dims_name_dimensions() -> None:
    batch = torch.export.Dim("batch", min=1, max=6)
    imported = import_model(Small(), inputs=torch.randn(2, 3, 8, 8), shapes={"x": (batch, 3, 8, 8)})
    assert repr(imported.inputs["x"].shape) == "(batch, 3, 8, 8)"
    assert repr(imported.outputs["output"].shape) == "(batch, 5)"


class Halves(nn.Module):
    def forward(self, x: Any, y: Any) -> Any:
        return x + y[::2], y.reshape(-1, 2, 3).sum(1)


@pytest.mark.parametrize("whose", ["torch", "samara", "program"])
def test_a_dimension_that_is_derived_from_another(whose: str, tmp_path: Path) -> None:
    n = torch.export.Dim("n", min=2, max=6) if whose != "samara" else Dim("n", 2, 6)
    inputs = (torch.randn(3, 3), torch.randn(6, 3))
    shapes: Any = {"x": (n, 3), "y": (2 * n, 3)}
    source: Any = Halves().eval()
    if whose == "program":
        source = torch.export.export(source, inputs, dynamic_shapes={"x": {0: n}, "y": {0: 2 * n}})
        shapes = None
    report = export_model(source, tmp_path / "m.smr", inputs=inputs, shapes=shapes)
    assert report.outputs
    model = load(tmp_path / "m.smr")
    for count in (2, 5, 6):
        x, y = torch.randn(count, 3), torch.randn(2 * count, 3)
        found = model.context().run(x=x.numpy(), y=y.numpy())
        for name, expected in zip(found, Halves()(x, y), strict=True):
            close(found[name], expected.numpy())
    size = import_model(source, inputs=inputs, shapes=shapes).inputs["y"].shape[0]
    assert size.bounds() == (4, 12)
    assert repr(size) == ("2*x_0" if whose == "program" else "2*n")


def test_two_sizes_in_one_model(tmp_path: Path) -> None:
    class Scores(nn.Module):
        def forward(self, query: Any, keys: Any) -> Any:
            batch, length, size = keys.shape
            rows = keys.reshape(batch * length, size)
            scores = query @ keys.transpose(1, 2) / (length + 1)
            return scores.softmax(-1), rows.view(batch, length, 2, -1), torch.arange(length) * 2

    n, m = Dim("n", 1, 5), Dim("m", 2, 7)
    shapes = {"query": (n, 3, 4), "keys": (n, m, 4)}
    module = Scores()
    model = exported(module, (torch.randn(2, 3, 4), torch.randn(2, 5, 4)), tmp_path / "m.smr", shapes=shapes)
    for batch, length in ((1, 2), (5, 7), (3, 4)):
        query, keys = torch.randn(batch, 3, 4), torch.randn(batch, length, 4)
        found = model.context().run(query=query.numpy(), keys=keys.numpy())
        for name, expected in zip(found, module(query, keys), strict=True):
            close(found[name], expected.numpy())


def test_a_program_with_dims_gives_them_names_and_bounds() -> None:
    batch = torch.export.Dim("batch", min=1, max=6)
    program = torch.export.export(
        Small().eval(), (torch.randn(2, 3, 8, 8),), dynamic_shapes={"x": {0: batch}}
    )
    size = import_model(program).inputs["x"].shape[0]
    assert size.bounds() == (1, 6)
    named = import_model(program, shapes={"x": (Dim("images", 1, 6), 3, 8, 8)})
    assert repr(named.inputs["x"].shape) == "(images, 3, 8, 8)"


def test_a_size_without_bound_is_refused() -> None:
    program = torch.export.export(
        Small().eval(), (torch.randn(2, 3, 8, 8),), dynamic_shapes={"x": {0: torch.export.Dim("batch")}}
    )
    with pytest.raises(ExportError, match=r"axis 0 may have any size.*Dim\('n', 1, 8\)"):
        import_model(program)


def test_shapes_that_do_not_fit_are_refused() -> None:
    x = torch.randn(2, 3, 8, 8)
    with pytest.raises(ValueError, match="'y', which is not an input; the inputs are x"):
        import_model(Small(), inputs=x, shapes={"y": (1,)})
    with pytest.raises(TypeError, match="a number or a Dim for each axis"):
        import_model(Small(), inputs=x, shapes={"x": {0: Dim("n", 1, 4)}})
    with pytest.raises(ValueError, match="AUTO"):
        import_model(Small(), inputs=x, shapes={"x": (torch.export.Dim.AUTO, 3, 8, 8)})
    with pytest.raises(ValueError, match="give an example"):
        import_model(Small(), inputs=x, shapes={"x": (4, 3, 8, 8)})


def test_what_torch_cannot_export_is_an_export_error() -> None:
    def branches(x: Any) -> Any:
        return x * 2 if x.sum() > 0 else x

    with pytest.raises(ExportError, match=r"torch\.export cannot export it"):
        import_model(Function(branches), inputs=torch.randn(3))


# State --------------------------------------------------------------------------------------------------------------


class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(3))
        self.register_buffer("last", torch.ones(2, 3))
        self.register_buffer("fixed", torch.full((3,), 5.0))

    def forward(self, x: Any) -> Any:
        before = self.count.clone()
        self.count += x
        self.last[1] = x
        return before, self.count * 2, self.last + self.fixed


def test_buffers_that_are_written_are_state(tmp_path: Path) -> None:
    module = Counter().eval()
    x = torch.tensor([1.0, 2.0, 3.0])
    model = exported(module, (x,), tmp_path / "m.smr")
    context = model.context()
    assert set(context.states()) == {"count", "last"}
    assert module.count.sum() == 0
    for _ in range(3):
        found = context.run(x.numpy())
        for name, expected in zip(found, module(x), strict=True):
            close(found[name], expected.numpy())
    context.reset()
    close(context.run(x.numpy())["output_0"], np.zeros(3, np.float32))


def test_state_that_trades_places(tmp_path: Path) -> None:
    class Swap(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("a", torch.zeros(2))
            self.register_buffer("b", torch.ones(2))

        def forward(self, x: Any) -> Any:
            old = self.a.clone()
            self.a.copy_(self.b)
            self.b.copy_(old)
            return x + self.a

    module = Swap().eval()
    context = exported(module, (torch.zeros(2),), tmp_path / "m.smr").context()
    for _ in range(3):
        close(context.run(np.zeros(2, np.float32)), module(torch.zeros(2)).numpy())


def test_a_session_keeps_state_too() -> None:
    imported = import_model(Counter().eval(), inputs=torch.ones(3))
    x = np.ones(3, np.float32)
    counts = [imported.run({"x": x})["output_1"][0] for _ in range(3)]
    assert counts == [2.0, 4.0, 6.0]


def test_writing_into_an_input_is_refused() -> None:
    class Writes(nn.Module):
        def forward(self, x: Any) -> Any:
            x.add_(1)
            return x * 2

    with pytest.raises(ExportError, match="writes into this input"):
        import_model(Writes(), inputs=torch.ones(3))


# Weights ------------------------------------------------------------------------------------------------------------


def test_weights_become_variables_that_train() -> None:
    module = Small().eval()
    imported = import_model(module, inputs=torch.randn(1, 3, 8, 8), trainable=True)
    variables = imported.graph.get_collection("trainable_variables")
    assert {v.op.name for v in variables} == {n.replace(".", "/") for n, _ in module.named_parameters()}
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)
    imported = import_model(module, inputs=torch.from_numpy(x), trainable=True)
    with imported.graph.as_default():
        from samara.graph.gradients import gradients

        graph = imported.graph
        loss = graph.b.reduce_sum(graph.b.square(imported.outputs["output"]), axes=(0, 1))
        weights = [v for v in graph.get_collection("trainable_variables") if v.op.name == "first/weight"]
        (found,) = imported.session.run(gradients(loss, weights), {imported.inputs["x"]: x})
    module(torch.from_numpy(x)).square().sum().backward()
    close(found, module.first.weight.grad.numpy(), 1e-3)


def test_tied_weights_are_one_constant() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(50, 8)
            self.head = nn.Linear(8, 50, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, ids: Any) -> Any:
            return self.head(self.embedding(ids))

    imported = agrees(Tied(), (torch.tensor([[1, 2, 3]]),))
    big = [op for op in imported.graph.operations if op.type == "constant" and op.a.value.size == 400]
    assert len(big) == 1


class Halved(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.last = nn.Linear(8, 2000)

    def forward(self, x: Any) -> Any:
        x = nn.functional.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)
        x = nn.functional.layer_norm(x.flatten(2).transpose(1, 2), (8,))
        x, weights = self.attention(x, x, x)
        return self.last(nn.functional.gelu(x)).float().softmax(-1), weights, x.argmax(-1)


def test_float16_weights_stay_float16(tmp_path: Path) -> None:
    module = Halved().eval().half()
    x = torch.randn(1, 3, 8, 8).half()
    report = export_model(module, tmp_path / "m.smr", inputs=x)
    assert report.constant_bytes < 2.2 * sum(p.numel() for p in module.parameters())
    found = load(tmp_path / "m.smr").context().run(x.numpy())
    with torch.no_grad():
        for output, expected in zip(found.values(), module(x), strict=True):
            assert output.dtype == expected.numpy().dtype
            # A step of float16 is 0.001 of a number.
            close(output, expected.numpy(), 4e-3)


def test_bfloat16_weights_are_float32(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4)).bfloat16()
    x = torch.randn(2, 8, dtype=torch.bfloat16)
    model = exported(module, (x,), tmp_path / "m.smr")
    found = model(x.float().numpy())
    assert found.dtype == np.float32
    close(found, module(x).float().detach().numpy(), 3e-2)
    assert module[0].weight.dtype is torch.bfloat16
    program = torch.export.export(module, (x,))
    imported = import_model(program)
    assert imported.oracle is None
    assert any("bfloat16" in w for w in imported.warnings)


# What is told -------------------------------------------------------------------------------------------------------


def test_everything_unsupported_is_told_at_once() -> None:
    class Odd(nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.special.bessel_j0(x) + torch.special.i1e(x) + torch.special.bessel_j0(x + 1)

    with pytest.raises(ExportError) as caught:
        import_model(Odd(), inputs=torch.randn(3))
    assert len(caught.value.problems) == 3
    text = str(caught.value)
    for words in ("3 things stand", "special_bessel_j0", "special_i1e", "test_torch_import.py:"):
        assert words in text
    assert caught.value.nodes["aten.special_bessel_j0"] == 2


def test_ops_are_named_after_the_modules() -> None:
    imported = import_model(Small().eval(), inputs=torch.randn(1, 3, 8, 8))
    names = {op.name for op in imported.graph.operations}
    assert {"first/conv2d", "norm/batch_normalization", "last/matmul"} <= names
    assert imported.nodes["aten.conv2d"] == 1
