"""Architectures of `transformers`, exported from torch: each output within 1e-4 of torch's, at any size they allow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara import Dim, load
from samara.exporter.export import export_model
from tests.exporter.frontends.torch_agreement import close

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tests.exporter.frontends import architectures  # noqa: E402

# These hold to less than a layer each in the fast profile.
SLOW = {"efficientnet", "mobilevit", "detr", "mobilenet_v1", "mobilenet_v2", "segformer", "mobilebert"}
NAMES = [pytest.param(n, marks=pytest.mark.slow if n in SLOW else ()) for n in architectures.NAMES]

BATCH = Dim("batch", 1, 3)
LENGTH = Dim("length", 4, 24)
PAST = Dim("past", 1, 20)
IMAGE = {"pixel_values": (BATCH, 3, 64, 64)}
TEXT = {"input_ids": (BATCH, LENGTH), "attention_mask": (BATCH, LENGTH)}
SHAPES: dict[str, dict[str, tuple[Any, ...]]] = {
    "bert": TEXT,
    "distilbert": TEXT,
    "llama": {"input_ids": (BATCH, LENGTH)},
    "llama_step": {"keys": (2, 1, 2, PAST, 12), "values": (2, 1, 2, PAST, 12)},
    "resnet18": {"pixel_values": (BATCH, 3, 64, 64)},
    "vit": IMAGE,
    "whisper_step": {"keys": (2, 1, 4, PAST, 12), "values": (2, 1, 4, PAST, 12)},
    "yolos": IMAGE,
}


@pytest.mark.parametrize("name", NAMES)
def test_architecture(name: str, tmp_path: Path) -> None:
    module, inputs = architectures.build(name)
    report = export_model(module, tmp_path / "m.smr", inputs=inputs)
    assert {o.name for o in report.outputs} == set(module(**inputs))
    assert all(o.error < 1e-4 for o in report.outputs)


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18", "resnet50", "efficientnet"])
def test_no_transposes_are_left(name: str, tmp_path: Path) -> None:
    module, inputs = architectures.build(name)
    report = export_model(module, tmp_path / "m.smr", inputs=inputs)
    # That of the input, whose layout is the source's.
    assert report.programs[0].ops["transpose"] == 1


def _resized(
    inputs: dict[str, Any], shapes: dict[str, tuple[Any, ...]], sizes: dict[str, int]
) -> dict[str, Any]:
    found = {}
    for name, tensor in inputs.items():
        for axis, size in enumerate(shapes.get(name, ())):
            if isinstance(size, Dim):
                count = sizes[size.symbol.name]
                tensor = tensor.index_select(axis, torch.arange(count) % tensor.shape[axis])
        found[name] = tensor
    return found


@pytest.mark.parametrize("name", SHAPES)
def test_sizes_that_change(name: str, tmp_path: Path) -> None:
    module, inputs = architectures.build(name)
    shapes = SHAPES[name]
    export_model(module, tmp_path / "m.smr", inputs=inputs, shapes=shapes)
    model = load(tmp_path / "m.smr")
    for sizes in (
        {"batch": 1, "length": 4, "past": 1},
        {"batch": 3, "length": 24, "past": 20},
        {"batch": 2, "length": 11, "past": 9},
    ):
        given = _resized(inputs, shapes, sizes)
        with torch.no_grad():
            expected = module(**given)
        found = model.context().run(**{n: t.numpy() for n, t in given.items()})
        found = found if isinstance(found, dict) else {next(iter(expected)): found}
        for output, value in expected.items():
            close(np.asarray(found[output]), value.numpy())


STEPS = {"llama_step": ("logits", 2), "whisper_step": ("hidden", 4)}


@pytest.mark.parametrize("name", STEPS)
def test_one_step_after_another(name: str, tmp_path: Path) -> None:
    """A decoder that is given its cache: what a step of the file gives goes into the next one."""
    module, inputs = architectures.build(name)
    output, heads = STEPS[name]
    cache = (2, 1, heads, PAST, 12)
    export_model(module, tmp_path / "m.smr", inputs=inputs, shapes={"keys": cache, "values": cache})
    context = load(tmp_path / "m.smr").context()
    given = _resized(inputs, {"keys": cache, "values": cache}, {"past": 1})
    found: dict[str, Any] = {n: t.numpy() for n, t in given.items()}
    for token in (5, 9, 100, 5, 71, 3):
        given["input_ids"] = torch.tensor([[token]])
        with torch.no_grad():
            expected = module(**given)
        found = {**found, **context.run(**{**found, "input_ids": np.array([[token]])})}
        for part in (output, "keys", "values"):
            close(np.asarray(found[part]), expected[part].numpy())
        given.update(keys=expected["keys"], values=expected["values"])
        found = {n: np.array(a) for n, a in found.items() if n in given}
