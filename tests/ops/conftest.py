"""The cases of every family, as parameters of the tests in this folder."""

from __future__ import annotations

import functools
import importlib
import inspect
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
    """Runs a test for every case, with each dtype that `wanted` accepts; `dtypes` replaces those of the case."""

    def chosen(case: Case) -> list[str]:
        return [dtype for dtype in dtypes or case.dtype_names() if wanted(case, dtype)]

    def mark(function: Any) -> Any:
        # One test for all types of a case: what pytest does around a test costs as much as the smaller ones.
        @functools.wraps(function)
        def each(*, case: Case, **fixtures: Any) -> None:
            for dtype in chosen(case):
                try:
                    function(case=case, dtype=dtype, **fixtures)
                except Exception as error:
                    raise AssertionError(f"{case.id} of {dtype}: {error}") from error

        signature = inspect.signature(function)
        others = [p for name, p in signature.parameters.items() if name != "dtype"]
        each.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
        each.over_cases = chosen  # type: ignore[attr-defined]
        return each

    return mark


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = getattr(metafunc.function, "over_cases", None)
    if chosen is None:
        return
    rows = [pytest.param(name, case, id=case.id) for name, case in cases() if chosen(case)]
    metafunc.parametrize(("family_name", "case"), rows)
