"""The runtime compiles without a warning, with every compiler that is there; test_machines.py has those for others."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import ROOT
from tests.repo._builds import build

COMPILERS = {
    "clang": ("clang-19", "-DCMAKE_C_COMPILER=clang-19"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILERS)
def test_compiles_without_warnings(name: str) -> None:
    command, option = COMPILERS[name]
    if shutil.which(command) is None:
        pytest.skip(f"no {command}")
    build(ROOT / "runtime_c", ROOT / "build" / f"repo-{name}", option, "-DSMR_WERROR=ON")
