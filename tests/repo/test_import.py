"""`import samara` is light, and its names come when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import samara

HEAVY = {"cffi", "flatbuffers", "numpy", "torch", "onnx", "tensorboard", "tqdm", "importlib.metadata"}


def loaded_by(statement: str) -> set[str]:
    script = f"import sys; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_the_errors_only() -> None:
    found = loaded_by("import samara")
    assert {name for name in found if name.startswith("samara")} == {"samara", "samara.errors"}
    assert found & HEAVY == set()
    assert len(found) < 45, f"{len(found)} modules: {sorted(found)}"


def test_loading_a_file_needs_no_trainer_and_no_exporter() -> None:
    found = loaded_by("import samara; samara.load")
    rooms = {name.split(".")[1] for name in found if name.startswith("samara.")}
    assert rooms == {"errors", "pyruntime"}
    assert found & {"flatbuffers", "torch", "onnx", "tensorboard", "tqdm"} == set()


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="no attribute 'plaecholder'"):
        samara.plaecholder  # noqa: B018
    assert not hasattr(samara, "__wrapped__")


def test_dir_has_the_vocabulary() -> None:
    assert {"load", "export_model", "placeholder", "Session"} <= set(dir(samara))


def test_version_is_the_librarys() -> None:
    from samara.pyruntime._native import ffi, lib

    assert ffi.string(lib.smr_version_string()).decode() == samara.__version__
    major, minor, patch = (int(part) for part in samara.__version__.split("."))
    assert lib.smr_version() == major * 1_000_000 + minor * 1_000 + patch
