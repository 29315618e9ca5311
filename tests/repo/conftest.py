"""The C library as it is built and installed, once for all repository tests."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.repo._builds import NATIVE, run


@pytest.fixture(scope="session")
def compiler() -> str:
    """The C compiler."""
    found = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    assert found is not None, "no C compiler"
    return found


@pytest.fixture(scope="session")
def library() -> Path:
    """The folder with libsamara.a and libsamara.so, built as they ship."""
    return NATIVE.library("samara", "samara_shared") / "runtime_c"


@pytest.fixture(scope="session")
def installed(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix that the library is installed in."""
    prefix = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", library, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="session")
def distributions(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the source archive. How fast the wheel is does not matter here."""
    folder = tmp_path_factory.mktemp("distributions")
    script = (
        "import sys; from scikit_build_core.build import build_sdist, build_wheel;"
        "options = {'build-dir': sys.argv[1] + '/build', 'cmake.define.CMAKE_C_FLAGS_RELEASE': '-O0'};"
        "build_sdist(sys.argv[1]); build_wheel(sys.argv[1], options)"
    )
    run(sys.executable, "-c", script, folder, cwd=root)
    return folder
