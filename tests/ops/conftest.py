"""The cases of every family, as parameters of the tests in this folder."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.cases._case import Case

FAMILIES = sorted(
    p.stem for p in (Path(__file__).parent.parent / "cases").glob("*.py") if not p.stem.startswith("_")
)


def family(name: str) -> ModuleType:
    return importlib.import_module(f"tests.cases.{name}")


def cases() -> list[tuple[str, Case]]:
    return [(name, case) for name in FAMILIES for case in family(name).CASES]


def over_cases(wanted: Callable[[Case, str], bool], dtypes: tuple[str, ...] | None = None) -> Any:
    """Runs a test for every case and dtype that `wanted` accepts; `dtypes` replaces those of the case."""

    def mark(function: Any) -> Any:
        function.over_cases = (wanted, dtypes)
        return function

    return mark


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = getattr(metafunc.function, "over_cases", None)
    if chosen is None:
        return
    wanted, dtypes = chosen
    rows = [
        pytest.param(name, case, dtype, id=f"{case.id}-{dtype}")
        for name, case in cases()
        for dtype in dtypes or case.dtype_names()
        if wanted(case, dtype)
    ]
    metafunc.parametrize(("family_name", "case", "dtype"), rows)
