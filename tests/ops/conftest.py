"""The cases of every family, as parameters of the tests in this folder."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from tests.cases._case import Case

FAMILIES = sorted(
    p.stem for p in (Path(__file__).parent.parent / "cases").glob("*.py") if not p.stem.startswith("_")
)


def family(name: str) -> ModuleType:
    return importlib.import_module(f"tests.cases.{name}")


def cases() -> list[tuple[str, Case]]:
    return [(name, case) for name in FAMILIES for case in family(name).CASES]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" not in metafunc.fixturenames:
        return
    rows = []
    for name, case in cases():
        needed = getattr(metafunc.module, "applies", None)
        if needed is not None and not needed(case):
            continue
        by_dtype = ["float64"] if metafunc.module.__name__.endswith("gradient") else case.dtype_names()
        wanted = getattr(metafunc.module, "runs_dtype", lambda dtype: True)
        rows += [
            pytest.param(name, case, dtype, id=f"{case.id}-{dtype}") for dtype in by_dtype if wanted(dtype)
        ]
    metafunc.parametrize(("family_name", "case", "dtype"), rows)
