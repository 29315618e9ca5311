"""Committed generated files are what the op table and the schema say."""

from __future__ import annotations

import sys

from tests.repo._builds import run


def test_generated_files_are_fresh() -> None:
    run(sys.executable, "-m", "samara.exporter.codegen", "--check")
