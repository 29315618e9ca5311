"""The runtime compiles without a warning, with every compiler that is there."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import ROOT
from tests.repo.conftest import build

TOOLCHAINS = ROOT / "runtime_c" / "cmake" / "toolchains"
COMPILERS = {
    "clang": ("clang-19", "-DCMAKE_C_COMPILER=clang-19"),
    "aarch64": (
        "aarch64-linux-gnu-gcc",
        f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAINS / 'aarch64-linux.cmake'}",
    ),
    "armv7": ("arm-linux-gnueabihf-gcc", f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAINS / 'armv7-linux.cmake'}"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILERS)
def test_compiles_without_warnings(name: str) -> None:
    command, option = COMPILERS[name]
    if shutil.which(command) is None:
        pytest.skip(f"no {command}")
    build(ROOT / "runtime_c", ROOT / "build" / f"repo-{name}", option, "-DSMR_WERROR=ON")
