"""Models from the wild, when their files are there: the outputs that torch had on the machine of their makers."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from samara import load
from samara.exporter.export import export_model

torch = pytest.importorskip("torch")

MODELS = Path(__file__).resolve().parents[5] / "shared" / "material" / "models"


@pytest.mark.parametrize("name", ["pnet_pt", "rnet_pt", "cifar_net_pt"])
def test_model_agrees_with_its_goldens(name: str, tmp_path: Path) -> None:
    folder = MODELS / name
    if not folder.exists():
        pytest.skip(f"{folder} is not there")
    meta = json.loads((folder / "meta.json").read_text())
    spec = importlib.util.spec_from_file_location(name, folder / "net.py")
    assert spec is not None
    assert spec.loader is not None
    source = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(source)
    module = getattr(source, meta["net"])(**meta["args"])
    module.load_state_dict(torch.load(folder / "weights.pt"))
    module.eval()
    inputs = [np.load(folder / f"in_{case}_0.npy") for case in range(meta["cases"])]
    report = export_model(module, tmp_path / "m.smr", inputs=(inputs[0],))
    # One at each end, where the source's layout is kept, and one where rows of pixels become a vector.
    assert report.programs[0].ops["transpose"] <= 3
    model = load(tmp_path / "m.smr")
    for case, x in enumerate(inputs):
        found = model(x)
        outputs = list(found.values()) if isinstance(found, dict) else [found]
        for index, (output, tolerance) in enumerate(zip(outputs, meta["tolerance"], strict=True)):
            golden = np.load(folder / f"out_{case}_{index}.npy")
            assert np.abs(output - golden).max() <= tolerance["max_abs"]
            assert np.sqrt(np.mean(np.square(output - golden))) <= tolerance["rms"]
