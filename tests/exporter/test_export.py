"""`export_model` from end to end."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.errors import ExportError, ProofError
from samara.exporter import export as export_module
from samara.exporter.export import Signature, export_model
from samara.exporter.lower import lower
from samara.graph.dims import Dim
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.variables import Variable, global_variables_initializer
from samara.pyruntime.model import Context, load

ROOT = Path(__file__).resolve().parents[2]
RANDOM = np.random.default_rng(11)


def random(*shape: int) -> np.ndarray[Any, Any]:
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


def placeholder(graph: Graph, shape: Any, name: str = "x", dtype: str = "float32") -> Tensor:
    return graph.apply("placeholder", [], {"dtype": dtype, "shape": shape}, name=name).outputs[0]


def network(graph: Graph, batch: Any = 2) -> tuple[Tensor, Tensor]:
    x = placeholder(graph, (batch, 6, 6, 3))
    b = graph.b
    y = b.relu(b.conv2d(x, random(3, 3, 3, 8), random(8), padding="same"))
    skip = b.conv2d(y, random(1, 1, 8, 8))
    y = b.reduce_mean(
        b.add(b.relu(b.depthwise_conv2d(y, random(3, 3, 8, 1), padding="same")), skip), axes=(1, 2)
    )
    return x, b.matmul(y, random(8, 10), name="logits")


def test_file_equals_session(tmp_path: Path) -> None:
    graph = Graph()
    x, y = network(graph)
    samples = [{"x": random(2, 6, 6, 3)} for _ in range(3)]
    report = export_model({"scores": y}, tmp_path / "m.smr", samples=samples)
    model = load(tmp_path / "m.smr")
    session = Session(graph=graph)
    for sample in samples:
        expected = session.run(y, {x: sample["x"]})
        np.testing.assert_allclose(model(sample["x"]), expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert report.samples == 3
    assert not report.seeded
    assert report.programs[0].plan.arena == report.programs[0].plan.bound_order
    assert report.file_bytes == (tmp_path / "m.smr").stat().st_size
    assert all(row.source_error is not None and row.source_error < 1e-5 for row in report.layers)
    assert model.signatures["main"].outputs[0].name == "scores"


@pytest.mark.parametrize(
    "form",
    [lambda a, b: {"x": a, "y": b}, lambda a, b: (a, b), lambda a, b: [a, b]],
    ids=["names", "tuple", "list"],
)
def test_forms_of_a_sample(form: Any, tmp_path: Path) -> None:
    graph = Graph()
    x, y = placeholder(graph, (2, 3)), placeholder(graph, (2, 3), "y")
    given = [(random(2, 3), random(2, 3)) for _ in range(2)]
    report = export_model(graph.b.subtract(x, y), tmp_path / "m.smr", samples=[form(a, b) for a, b in given])
    assert (report.samples, report.seeded) == (2, False)


def test_samples_that_are_arrays_of_one_input(tmp_path: Path) -> None:
    graph = Graph()
    y = graph.b.relu(placeholder(graph, (2, 3)))
    assert export_model(y, tmp_path / "m.smr", samples=[random(2, 3)] * 2).samples == 2
    with pytest.raises(ValueError, match="a sample has 2 arrays, the inputs are x"):
        export_model(y, tmp_path / "m.smr", samples=[(random(2, 3), random(2, 3))])


def test_same_call_gives_the_same_bytes(tmp_path: Path) -> None:
    _, y = network(Graph())
    for name in ("a", "b"):
        export_model(y, tmp_path / f"{name}.smr", metadata={"author": "somebody"})
    assert (tmp_path / "a.smr").read_bytes() == (tmp_path / "b.smr").read_bytes()


def test_names_and_order_are_the_callers(tmp_path: Path) -> None:
    graph = Graph()
    a, c = placeholder(graph, (2,), "a"), placeholder(graph, (3,), "c")
    p, q = graph.b.add(a, a), graph.b.relu(c)
    export_model({"second": q, "first": p, "again": q}, tmp_path / "m.smr", inputs={"right": c, "left": a})
    signature = load(tmp_path / "m.smr").signatures["main"]
    assert [t.name for t in signature.inputs] == ["right", "left"]
    assert [t.name for t in signature.outputs] == ["second", "first", "again"]
    outputs = load(tmp_path / "m.smr")(np.array([-1, 0, 1], np.float32), np.array([1, 2], np.float32))
    np.testing.assert_array_equal(outputs["second"], [0, 0, 1])
    np.testing.assert_array_equal(outputs["first"], [2, 4])


def test_any_tensor_can_be_an_input(tmp_path: Path) -> None:
    graph = Graph()
    x = placeholder(graph, None)
    middle = graph.b.reshape(x, [2, 2])
    export_model(graph.b.relu(middle), tmp_path / "m.smr", inputs={"middle": middle})
    assert load(tmp_path / "m.smr").signatures["main"].inputs[0].shape == (2, 2)


def test_an_input_or_constant_can_be_an_output(tmp_path: Path) -> None:
    graph = Graph()
    x = placeholder(graph, (3,))
    export_model({"same": x, "fixed": graph.b.constant(np.float32([7, 8]))}, tmp_path / "m.smr", inputs=[x])
    outputs = load(tmp_path / "m.smr")(np.float32([1, 2, 3]))
    np.testing.assert_array_equal(outputs["same"], [1, 2, 3])
    np.testing.assert_array_equal(outputs["fixed"], [7, 8])


def test_named_dimensions(tmp_path: Path) -> None:
    graph = Graph()
    x, y = network(graph, batch=None)
    report = export_model(y, tmp_path / "m.smr", shapes={"x": [Dim("batch", 1, 4), 6, 6, 3]})
    model = load(tmp_path / "m.smr")
    assert report.seeded
    session = Session(graph=graph)
    for batch in (1, 3, 4):
        image = random(batch, 6, 6, 3)
        np.testing.assert_allclose(model(image), session.run(y, {x: image}), atol=1e-5)


def test_one_name_is_one_dimension(tmp_path: Path) -> None:
    graph = Graph()
    a, b = placeholder(graph, (None,), "a"), placeholder(graph, (None,), "b")
    shapes = {"a": [Dim("n", 1, 4)], "b": [Dim("n", 1, 8)]}
    with pytest.raises(ExportError, match="'n' of b:0 is bounded by 1 and 8, elsewhere by 1 and 4"):
        export_model({"a": graph.b.relu(a), "b": graph.b.relu(b)}, tmp_path / "m.smr", shapes=shapes)


def test_what_the_runtime_refuses_is_an_export_error(tmp_path: Path) -> None:
    graph = Graph()
    a, b = placeholder(graph, (None,), "a"), placeholder(graph, (None,), "b")
    joined = graph.b.add(graph.b.concat([a, b], axis=0), random(8))
    shapes = {"a": [Dim("n", 1, 4)], "b": [Dim("m", 1, 8)]}
    with pytest.raises(ExportError, match="the C runtime refuses the file"):
        export_model(joined, tmp_path / "m.smr", shapes=shapes)
    assert list(tmp_path.iterdir()) == []


def test_signatures_share_weights_and_state(tmp_path: Path) -> None:
    graph = Graph()
    with graph.as_default(), Session(graph=graph).as_default() as session:
        weights = Variable(random(64, 64), name="weights")
        total = Variable(np.zeros(64, np.float32), name="total")
        session.run(global_variables_initializer())
        x = placeholder(graph, (1, 64))
        product = graph.b.matmul(x, weights)
        summed = total.assign(graph.b.add(total, graph.b.reshape(product, [64])))
        signatures = [Signature({"y": product}, name="look"), Signature({"sum": summed}, name="step")]
        export_model(signatures, tmp_path / "m.smr")
    model = load(tmp_path / "m.smr")
    assert (tmp_path / "m.smr").stat().st_size < 2 * 64 * 64 * 4
    context = model.context()
    image = random(1, 64)
    once = context.run(image, signature="look")
    for count in (1, 2, 3):
        np.testing.assert_allclose(context.run(image, signature="step"), count * once[0], rtol=1e-5)
    context.reset()
    np.testing.assert_allclose(context.run(image, signature="step"), once[0], rtol=1e-5)
    assert set(context.states()) == {"total"}


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    graph = Graph()
    with graph.as_default():
        x = placeholder(graph, (None, 3))
        noise = graph.b.random_normal(graph.b.shape(x))
        unset = Variable(random(3), name="unset")
        with pytest.raises(ExportError) as caught:
            export_model(x + noise + unset, tmp_path / "m.smr", session=Session(graph=graph))
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    for words in (
        "random_normal",
        "[?, 3]",
        "shapes={'x': [1, 3]}",
        "'unset'",
        "initializer",
        "test_export.py:",
    ):
        assert words in text
    assert list(tmp_path.iterdir()) == []


def test_missing_input_is_named(tmp_path: Path) -> None:
    graph = Graph()
    x, z = placeholder(graph, (2,)), placeholder(graph, (2,), "z")
    with pytest.raises(ExportError, match=r"placeholder 'z'.*add it to `inputs`"):
        export_model(graph.b.add(x, z), tmp_path / "m.smr", inputs=[x])


def test_float64_is_narrowed_and_told(tmp_path: Path) -> None:
    graph = Graph()
    x = placeholder(graph, (4,), dtype="float64")
    report = export_model(graph.b.exp(x), tmp_path / "m.smr")
    assert any("float64" in w for w in report.warnings)
    assert load(tmp_path / "m.smr")(np.zeros(4, np.float32)).dtype == np.float32


def test_disagreement_is_an_error_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that damages one weight: the proof finds the layer."""

    def damaged(model: Any, **keywords: Any) -> Any:
        lowered = lower(model, **keywords)
        data = np.frombuffer(lowered.contents["constants"][0]["data"].make(), np.float32).copy()
        data[0] += 0.5
        lowered.contents["constants"][0]["data"] = data.tobytes()
        return lowered

    monkeypatch.setattr(export_module, "lower", damaged)
    _, y = network(Graph())
    (tmp_path / "m.smr").write_text("the old file")
    with pytest.raises(ProofError, match=r"layers of m\.smr disagree") as caught:
        export_model(y, tmp_path / "m.smr")
    assert "relu:0" in str(caught.value)
    assert (tmp_path / "m.smr").read_text() == "the old file"
    assert [p.name for p in tmp_path.iterdir()] == ["m.smr"]


def test_state_that_is_not_written_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime whose state stays what it was."""
    graph = Graph()
    with graph.as_default(), Session(graph=graph).as_default() as session:
        total = Variable(np.zeros(3, np.float32), name="total")
        session.run(global_variables_initializer())
        step = total.assign(graph.b.add(total, placeholder(graph, (3,))))
        monkeypatch.setattr(Context, "observed_states", lambda self: {"total": np.zeros(3, np.float32)})
        with pytest.raises(ProofError, match=r"total:0 +state after the run"):
            export_model(step, tmp_path / "m.smr")
    assert list(tmp_path.iterdir()) == []


def test_golden_cases_verify_and_damage_is_found(tmp_path: Path) -> None:
    _, y = network(Graph())
    path = tmp_path / "m.smr"
    export_model(y, path, golden=2, samples=[{"x": random(2, 6, 6, 3)} for _ in range(4)])
    model = load(path)
    model.verify()
    assert len(model.golden()) == 2
    data = bytearray(path.read_bytes())
    place = data.find(model.golden()[0][1][0].tobytes())
    data[place + 3] ^= 0x40
    path.write_bytes(bytes(data))
    with pytest.raises(Exception, match="hash"):
        load(path).verify()


def test_report_prints(tmp_path: Path) -> None:
    _, y = network(Graph())
    report = export_model(y, tmp_path / "m.smr")
    text, page = str(report), report._repr_html_()
    for words in ("conv2d", "arena", "bound", "proof", "seeded random samples"):
        assert words in text
        assert words in page
    assert str(report.file_bytes)[:1] in text


def test_shared_constants_are_stored_once(tmp_path: Path) -> None:
    graph = Graph()
    x = placeholder(graph, (1, 32))
    weight = random(32, 32)
    y = graph.b.matmul(graph.b.matmul(x, weight), weight.copy())
    assert export_model(y, tmp_path / "m.smr").constant_bytes == weight.nbytes


@pytest.mark.skipif(
    shutil.which("flatc") is None, reason="flatc (package flatbuffers-compiler) is not installed"
)
def test_stock_flatc_reads_the_file(tmp_path: Path) -> None:
    graph = Graph()
    _, y = network(graph, batch=None)
    export_model(y, tmp_path / "m.smr", shapes={"x": [Dim("batch", 1, 4), 6, 6, 3]})
    command = ["flatc", "--json", "--raw-binary", "--strict-json", "-o", str(tmp_path)]
    subprocess.run([*command, str(ROOT / "schema" / "samara.fbs"), "--", str(tmp_path / "m.smr")], check=True)
    decoded = json.loads((tmp_path / "m.json").read_text())
    assert decoded["dimensions"] == [{"name": "batch", "minimum": 1, "maximum": 4}]
    attributes = [op.get("attributes") for op in decoded["programs"][0]["ops"] if op.get("attributes_type")]
    assert any(a.get("strides") == [1, 1] and a["activation"] == "relu" for a in attributes)


def test_constants_lie_on_64_bytes(tmp_path: Path) -> None:
    _, y = network(Graph())
    export_model(y, tmp_path / "m.smr")
    placed = [t for t in load(tmp_path / "m.smr").tensors() if t.storage == "constant"]
    assert placed
    assert all(t.offset % 64 == 0 for t in placed)
