"""The wheel and the source archive: real folders, and all that a device needs."""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.repo._builds import run

pytestmark = pytest.mark.slow

ROOMS = ("exporter", "graph", "pyruntime", "quantize")


def wheel_of(distributions: Path) -> Path:
    (wheel,) = distributions.glob("*.whl")
    return wheel


def test_wheel(distributions: Path) -> None:
    wheel = wheel_of(distributions)
    assert "-cp310-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    assert {f"samara/schema/{path.name}" for path in (ROOT / "schema").glob("*.fbs")} <= names
    assert {f"samara/{room}/__init__.py" for room in ROOMS} <= names
    assert {"samara/__init__.py", "samara/py.typed", "samara/pyruntime/_native.abi3.so"} <= names
    assert "samara/pyruntime/_build.py" not in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"samara", metadata.split("/")[0]}, "nothing is installed under another name"
    needs = [
        line.split(": ")[1] for line in lines if line.startswith("Requires-Dist") and "extra" not in line
    ]
    assert {need.split(">")[0] for need in needs} == {"cffi", "flatbuffers", "numpy"}


def test_source_archive_has_real_files_once(distributions: Path) -> None:
    (archive_path,) = distributions.glob("*.tar.gz")
    with tarfile.open(archive_path) as archive:
        members = archive.getmembers()
    assert [m.name for m in members if m.issym() or m.islnk()] == []
    names = {m.name.split("/", 1)[1] for m in members}
    assert {f"src/samara/{room}/__init__.py" for room in ROOMS} <= names
    assert {"runtime_c/CMakeLists.txt", "runtime_c/include/samara.h", "LICENSE"} <= names
    assert not any(name.startswith(tuple(f"{room}/" for room in ROOMS)) for name in names)


@pytest.fixture(scope="module")
def device(distributions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and what it requires."""
    folder = tmp_path_factory.mktemp("device")
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "--disable-pip-version-check", "install", wheel_of(distributions))
    return python


def test_device_has_no_more_than_it_needs(device: Path) -> None:
    listing = run(device, "-m", "pip", "--disable-pip-version-check", "list", "--format=freeze")
    names = {line.split("==")[0] for line in listing.splitlines() if "==" in line}
    assert names <= {"cffi", "flatbuffers", "numpy", "pip", "pycparser", "samara", "setuptools"}


def test_device_loads_a_file(device: Path, tmp_path: Path) -> None:
    files = sorted((ROOT / "tests" / "golden" / "v1").rglob("*.smr"))
    assert files, "tests/golden/v1 has no files"
    script = "import sys, samara; print(samara.load(sys.argv[1]))"
    assert "Model(" in run(device, "-c", script, files[0], cwd=tmp_path)


def test_source_archive_builds(distributions: Path, tmp_path: Path) -> None:
    (archive,) = distributions.glob("*.tar.gz")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    # How fast the result is does not matter here.
    options = ("--no-deps", "--no-build-isolation", "-C", "cmake.define.CMAKE_C_FLAGS_RELEASE=-O0")
    run(*pip, "wheel", *options, "-w", tmp_path, archive, cwd=tmp_path)
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as ours, zipfile.ZipFile(wheel_of(distributions)) as theirs:
        assert set(ours.namelist()) == set(theirs.namelist())
