"""Imports go one way, in Python and in C."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

# What each room may import of the package; everything may import samara.errors and itself.
MAY_IMPORT = {
    "graph": set(),
    "quantize": {"graph"},
    "exporter": {"graph", "quantize", "pyruntime"},
    "pyruntime": set(),
}

# Distributions that only the module or the package of the same name may import when it is loaded.
OPTIONAL = {
    "array_api_compat": "torch",
    "flatbuffers": None,
    "matplotlib": None,
    "PIL": "tensorboard",
    "onnx": "onnx",
    "onnxruntime": None,
    "ai_edge_litert": None,
    "keras": None,
    "ml_dtypes": None,
    "safetensors": None,
    "transformers": None,
    "sklearn": None,
    "tensorboard": "tensorboard",
    "tensorflow": None,
    "tflite": "tflite",
    "torch": "torch",
    "tqdm": None,
}

FILES = [path for room in MAY_IMPORT for path in sorted((ROOT / room).rglob("*.py"))]
FACE = sorted((ROOT / "src" / "samara").glob("*.py"))


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            assert node.module is not None
            yield node.module, node
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node


def at_load(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements that run when a module is imported."""
    queue: list[ast.stmt] = list(tree.body)
    while queue:
        node = queue.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            queue += node.orelse
            continue
        yield node
        queue += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


def test_rooms_import_one_way() -> None:
    for path in FILES:
        room = path.relative_to(ROOT).parts[0]
        allowed = MAY_IMPORT[room] | {room, "errors"}
        for module, node in imports(ast.parse(path.read_text())):
            if module.split(".")[0] in MAY_IMPORT:
                pytest.fail(f"{names(path)}:{node.lineno} imports {module}, which is called samara.{module}")
            parts = module.split(".")
            if parts[0] == "samara" and len(parts) > 1 and parts[1] not in allowed:
                pytest.fail(
                    f"{names(path)}:{node.lineno} imports {module}; {room} may import {sorted(allowed)}"
                )


def test_optional_distributions_stay_in_their_module() -> None:
    for path in FILES + FACE:
        for node in at_load(ast.parse(path.read_text())):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            for module, _ in imports(ast.Module(body=[node], type_ignores=[])):
                distribution = module.split(".")[0]
                if distribution == "flatbuffers" and path.relative_to(ROOT).parts[0] == "exporter":
                    continue
                if distribution in OPTIONAL and OPTIONAL[distribution] not in (path.stem, path.parent.name):
                    pytest.fail(f"{names(path)}:{node.lineno} imports {distribution} when it is loaded")


C_FILES = sorted(p for p in (ROOT / "runtime_c" / "src").rglob("*") if p.suffix in {".c", ".h", ".inc"})
SYSTEM_MACRO = re.compile(
    r"^\s*#\s*(?:if|ifdef|ifndef|elif)\b.*\b(_WIN32|__linux__|__APPLE__|__unix__|__ANDROID__|__wasi__|__arm__"
    r"|__aarch64__|__x86_64__|__i386__)\b",
    re.MULTILINE,
)


def test_c_layers() -> None:
    for path in C_FILES:
        folder = path.relative_to(ROOT / "runtime_c" / "src").parts[0]
        for include in re.findall(r'^\s*#\s*include "([^"]+)"', path.read_text(), re.MULTILINE):
            if include == "samara.h":
                continue
            target = (path.parent / include).resolve()
            assert target.is_file(), f"{names(path)} includes {include}, which is not beside it"
            parts = target.relative_to(ROOT / "runtime_c" / "src").parts
            if folder == "core":
                assert parts[0] != "kernels" or parts[1] == "registry.h", f"{names(path)} includes {include}"
            if folder in ("gen", "platform"):
                assert parts[0] in (folder, "core"), f"{names(path)} includes {include}"
            if folder == "kernels" and parts[0] == "core":
                assert parts[1] not in ("model.h", "context.h", "program.h"), (
                    f"{names(path)} includes {include}"
                )


def test_only_the_platform_knows_the_system() -> None:
    for path in C_FILES:
        folder = path.relative_to(ROOT / "runtime_c" / "src").parts[0]
        if folder == "platform" or path.name in ("cpu.c", "registry.c"):
            continue
        found = SYSTEM_MACRO.search(path.read_text())
        assert found is None, f"{names(path)}: {found[0].strip()} belongs in src/platform" if found else ""
