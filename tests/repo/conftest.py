"""The C library as it is built and installed, once for all repository tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

Run = Callable[..., str]


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Runs a command and returns what it printed; fails the test with that text when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, f"{command} exited with {done.returncode}\n{done.stdout}"
    return done.stdout


def build(source: Path, folder: Path, *options: str, targets: Sequence[str] = ()) -> Path:
    """Configures and builds a CMake project."""
    run("cmake", "-S", source, "-B", folder, *options)
    run("cmake", "--build", folder, *(word for target in targets for word in ("--target", target)))
    return folder


@pytest.fixture(scope="session")
def compiler() -> str:
    """The C compiler."""
    found = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc")
    assert found is not None, "no C compiler"
    return found


@pytest.fixture(scope="session")
def library(root: Path) -> Path:
    """The folder with libsamara.a and libsamara.so, built as they ship."""
    options = ("-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG")
    return build(
        root / "runtime_c", root / "build" / "repo", *options, "-DSMR_BUILD_SHARED=ON", "-DSMR_WERROR=ON"
    )


@pytest.fixture(scope="session")
def installed(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prefix that the library is installed in."""
    prefix = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", library, "--prefix", prefix)
    return prefix


@pytest.fixture(scope="session")
def distributions(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the wheel and the source archive."""
    folder = tmp_path_factory.mktemp("distributions")
    script = (
        "import sys; from scikit_build_core.build import build_sdist, build_wheel;"
        "build_sdist(sys.argv[1]); build_wheel(sys.argv[1], {'build-dir': sys.argv[1] + '/build'})"
    )
    run(sys.executable, "-c", script, folder, cwd=root)
    return folder
