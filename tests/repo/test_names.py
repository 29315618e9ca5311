"""Public names are listed, and files can be found by their names."""

from __future__ import annotations

import ast
import importlib
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOMS = ("exporter", "graph", "pyruntime", "quantize")
FOLDERS = (*ROOMS, "src/samara", "runtime_c", "tests", "benchmarks", "examples")
MOST_LINES = 800


def module_name(path: Path) -> str:
    relative = path.relative_to(ROOT).with_suffix("")
    parts = relative.parts[2:] if relative.parts[0] == "src" else relative.parts
    return ".".join(("samara", *parts)).removesuffix(".__init__")


def sources(*suffixes: str) -> list[Path]:
    found = []
    for folder in FOLDERS:
        for place, folders, files in os.walk(ROOT / folder):
            folders[:] = [f for f in folders if f not in ("__pycache__", "gen", "build", "corpus")]
            found += [Path(place) / f for f in files if Path(f).suffix in suffixes]
    return sorted(found)


def listed(path: Path) -> list[str] | None:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


def order(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Constants, then classes, then the rest, with numbers in words in their own order, as ruff sorts."""
    kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
    words = re.split(r"(\d+)", name)
    return kind, [(int(w), "") if w.isdigit() else (-1, w) for w in words]


LISTING = [
    path
    for path in sources(".py")
    if path.relative_to(ROOT).parts[0] in (*ROOMS, "src") and listed(path) is not None
]


@pytest.mark.parametrize("room", [*ROOMS, "src"])
def test_all_is_sorted_and_whole(room: str) -> None:
    for path in (p for p in LISTING if p.relative_to(ROOT).parts[0] == room):
        name, names = module_name(path), listed(path)
        assert names is not None
        assert names == sorted(names, key=order), name
        assert len(names) == len(set(names)), name
        module = importlib.import_module(name)
        assert [n for n in names if not hasattr(module, n)] == [], name
        defined = {
            node.name
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        missing = {n for n in defined if not n.startswith("_")} - set(names)
        assert not missing, f"public in {name} but not in its __all__: {sorted(missing)}"


def test_the_face_lists_what_it_imports() -> None:
    path = ROOT / "src" / "samara" / "__init__.py"
    tree = ast.parse(path.read_text())
    names = {"__version__"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("samara."):
            names |= {alias.asname or alias.name for alias in node.names}
    assert names - {"*"} == set(listed(path) or ())


def test_the_vocabulary_joins_every_module_of_names() -> None:
    folder = ROOT / "graph" / "vocabulary"
    modules = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
    text = (ROOT / "graph" / "names.py").read_text()
    assert re.findall(r"from samara\.graph\.vocabulary\.(\w+) import \*", text) == modules
    assert re.findall(r"__all__ \+= (\w+)\.__all__", text) == modules
    counts = Counter(name for module in modules for name in listed(folder / f"{module}.py") or ())
    assert [name for name, count in counts.items() if count > 1] == []


def test_links_are_relative() -> None:
    face = ROOT / "src" / "samara"
    assert {p.name for p in face.iterdir() if p.is_symlink()} == {*ROOMS, "schema"}
    for link in (p for p in face.iterdir() if p.is_symlink()):
        assert os.readlink(link) == f"../../{link.name}"


def test_files_are_short() -> None:
    """A file is one idea."""
    lines = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in sources(".py", ".c", ".h")}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_runtime_file_names_are_unique() -> None:
    """But for the rooms of kernels beside the generic one: the same name is the same subject there."""
    folder = ROOT / "runtime_c"
    rooms = {folder / "src" / "kernels" / room for room in ("tiled", "vector", "x86", "arm", "wasm")}
    files = [p for p in folder.rglob("*") if p.suffix in {".c", ".h"} and p.parent not in rooms]
    counts = Counter(p.name for p in files)
    assert [name for name, count in counts.items() if count > 1] == []
