"""The C library in other people's projects: installed, as a subfolder, as one file, in part."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.repo._builds import build, need, run

MAIN = """#include <stdio.h>
#include "samara.h"
int main(void) {
    int32_t i;
    const char *op, *kernel;
    printf("version %s\\n", smr_version_string());
    for (i = 0; i < smr_kernel_count(); ++i) {
        if (smr_kernel(i, &op, &kernel, NULL) == SMR_OK) {
            printf("%s %s\\n", op, kernel);
        }
    }
    return 0;
}
"""
PROJECT = "cmake_minimum_required(VERSION 3.18)\nproject(user C)\n{find}\nadd_executable(user main.c)\n"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    folder = tmp_path / "user"
    folder.mkdir()
    (folder / "main.c").write_text(MAIN)
    return folder


def amalgamate(folder: Path) -> None:
    run(sys.executable, ROOT / "runtime_c" / "tools" / "amalgamate.py", folder)


@pytest.mark.parametrize("target", ["samara", "samara_shared"])
def test_find_package(target: str, installed: Path, user: Path) -> None:
    text = PROJECT.format(find="find_package(samara 0.1 REQUIRED)")
    (user / "CMakeLists.txt").write_text(f"{text}target_link_libraries(user PRIVATE samara::{target})\n")
    build(user, user / "build", f"-DCMAKE_PREFIX_PATH={installed}")
    assert "version 0." in run(user / "build" / "user")


def test_pkg_config(installed: Path, user: Path, compiler: str) -> None:
    tool = shutil.which("pkg-config")
    if tool is None:
        pytest.skip("no pkg-config")
    (folder,) = installed.rglob("pkgconfig")
    env = {"PKG_CONFIG_PATH": str(folder)}
    flags = run(tool, "--cflags", "--libs", "samara", env=env).split()
    run(compiler, "-std=c11", "main.c", "-o", "user", *flags, cwd=user)
    (library,) = installed.rglob("libsamara.so")
    assert "version 0." in run(user / "user", env={"LD_LIBRARY_PATH": str(library.parent)})
    version = run(tool, "--modversion", "samara", env=env).strip()
    assert f"version {version}\n" in run(user / "user", env={"LD_LIBRARY_PATH": str(library.parent)})


def test_subfolder_of_another_project_with_some_ops_and_no_text(user: Path) -> None:
    (user / "ops.txt").write_text("# what the model needs\nrelu\n")
    text = PROJECT.format(find=f"add_subdirectory({ROOT / 'runtime_c'} samara)")
    (user / "CMakeLists.txt").write_text(f"{text}target_link_libraries(user PRIVATE samara::samara)\n")
    options = (
        f"-DSMR_OPS_FILE={user / 'ops.txt'}",
        "-DSMR_NO_ERROR_STRINGS=ON",
        "-DCMAKE_BUILD_TYPE=MinSizeRel",
    )
    build(user, user / "build", *options, targets=["user"])
    lines = run(user / "build" / "user").splitlines()
    assert {line.split()[0] for line in lines[1:]} == {"relu"}


def test_an_unknown_op_in_the_list_is_an_error(user: Path) -> None:
    (user / "ops.txt").write_text("relooo\n")
    with pytest.raises(AssertionError, match="no op called relooo"):
        run("cmake", "-S", ROOT / "runtime_c", "-B", user / "build", f"-DSMR_OPS_FILE={user / 'ops.txt'}")


def test_one_translation_unit(user: Path, compiler: str) -> None:
    amalgamate(user)
    assert sorted(os.listdir(user)) == ["main.c", "samara.c", "samara.h"]
    flags = ("-std=c11", "-Wall", "-Wextra", "-Werror")
    run(compiler, *flags, "main.c", "samara.c", "-o", "user", "-lm", cwd=user)
    kernels = run(user / "user").splitlines()[1:]
    assert "relu generic" in kernels


@pytest.mark.parametrize(
    "command", [("aarch64-linux-gnu-gcc",), ("clang-19", "--target=aarch64-linux-gnu")], ids=lambda c: c[0]
)
def test_one_translation_unit_computes_as_the_library(command: tuple[str, ...], user: Path) -> None:
    """Compilers fuse products with sums where a processor can, unless they are told not to."""
    need(command[0])
    amalgamate(user)
    head, mark, _ = (user / "samara.c").read_text().partition("/* ---- ")
    assert mark
    (user / "product.c").write_text(
        f"{head}float f(float a, float b, float c) {{\n    return a * b + c;\n}}\n"
    )
    shown = run(*command, "-O2", "-ffreestanding", "-S", "-o", "-", "product.c", cwd=user)
    assert "fmul" in shown
    assert "fmadd" not in shown


def test_one_translation_unit_is_the_same_every_time(tmp_path: Path) -> None:
    amalgamate(tmp_path / "a")
    amalgamate(tmp_path / "b")
    assert (tmp_path / "a" / "samara.c").read_bytes() == (tmp_path / "b" / "samara.c").read_bytes()
