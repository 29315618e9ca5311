"""The official backend tests of ONNX: none is wrong, none crashes, and docs/onnx-coverage.md tells the truth."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import ROOT
from tests.exporter.frontends.onnx import suite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    return suite.run_all([n for n in suite.cases() if suite.excluded(n) is None])


def test_none_is_wrong_and_none_crashes(results: dict[str, dict[str, Any]]) -> None:
    bad = {n: r["detail"] for n, r in results.items() if r["status"] in ("wrong", "error", "crashed")}
    assert not bad
    assert len(results) > 1500


def test_what_is_refused_is_refused_by_name(results: dict[str, dict[str, Any]]) -> None:
    for name, result in results.items():
        if result["status"] == "refused":
            assert "in the way of the" in result["detail"] or "not supported" in result["detail"], (
                name,
                result,
            )


def test_the_coverage_table_is_fresh(results: dict[str, dict[str, Any]]) -> None:
    written = (ROOT / "docs" / "onnx-coverage.md").read_text()
    assert suite.table(results) in written, "run `make onnx-coverage`"
