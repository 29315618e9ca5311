"""The runtime compiles without a warning, with every compiler that is there; test_machines.py has those for others."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.repo._builds import build, need, run

COMPILERS = {
    "clang": ("clang-19", "-DCMAKE_C_COMPILER=clang-19"),
}
MSVC = ROOT / "tests" / "repo" / "msvc"
SOURCES = ROOT / "runtime_c" / "src"

# Microsoft's compiler knows no more of the world than this, and nothing of what gcc adds to C.
CL = (
    *("clang-19", "--driver-mode=cl", "--target=x86_64-pc-windows-msvc"),
    *("/c", "/std:c11", "-Xclang", "-fsyntax-only"),
    *("-U__clang__", "-U__x86_64__", "-U__amd64__", "-U__SSE2__"),
    *("-D__asm__=@", "-D__attribute__=@", "-D__extension__=@", "-D__typeof__=@"),
    *("/W4", "/WX", "-Wpedantic", "-Werror=vla", f"/I{MSVC}/cl", "-imsvc", str(MSVC)),
    *("/DSMR_VERSION_MAJOR=0", "/DSMR_VERSION_MINOR=1", "/DSMR_VERSION_PATCH=0"),
    *(f"/I{SOURCES}", f"/I{SOURCES.parent}/include"),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPILERS)
def test_compiles_without_warnings(name: str) -> None:
    command, option = COMPILERS[name]
    if shutil.which(command) is None:
        pytest.skip(f"no {command}")
    build(ROOT / "runtime_c", ROOT / "build" / f"repo-{name}", option, "-DSMR_WERROR=ON")


@pytest.mark.slow
def test_compiles_as_for_microsofts_libraries(tmp_path: Path) -> None:
    """By clang-cl, every kernel too: it compiles, and no multiplication is fused with an addition."""
    need("clang-19", "llvm-mt-19", "/usr/lib/llvm-19/bin/llvm-lib")
    compiler = tmp_path / "clang-cl"
    compiler.symlink_to(str(shutil.which("clang-19")))
    folder = tmp_path / "library"
    build(
        ROOT / "runtime_c",
        folder,
        f"-DCMAKE_C_COMPILER={compiler}",
        f"-DCMAKE_TOOLCHAIN_FILE={MSVC}/clang-cl.cmake",
        "-DCMAKE_C_FLAGS_RELEASE=/Od",
        "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
        "-DSMR_WERROR=ON",
        targets=["samara"],
    )
    command = next(
        entry["command"].split(" /c ")[0].split(" -c ")[0]
        for entry in json.loads((folder / "compile_commands.json").read_text())
        if entry["file"].endswith("_avx2.c")
    )
    source = tmp_path / "sum.c"
    source.write_text("float sum(float a, float b, float c) { return a * b + c; }\n")
    run("sh", "-c", f"{command} /O2 -c /Fa{tmp_path}/sum.s /Fo{tmp_path}/sum.obj -- {source}", cwd=folder)
    text = (tmp_path / "sum.s").read_text()
    assert "vmulss" in text, text
    assert "vfmadd" not in text, text


@pytest.mark.slow
@pytest.mark.parametrize("room", ["core", "platform", "gen", "kernels", "kernels/generic"])
def test_has_what_microsofts_compiler_knows(room: str) -> None:
    """Nothing of what gcc adds to C, no threads or atomics of C11, no arrays of variable length, no division by 0."""
    need("clang-19")
    files = sorted((SOURCES / room).glob("*.c"))
    assert files
    run(*CL, "--", *files)
    for path in (SOURCES / room).iterdir():
        if path.suffix in {".c", ".h", ".inc"}:
            refused = re.search(
                r"/ ?0\.0f?\b" if room == "platform" else r"/ ?0\.0f?\b|__builtin_", path.read_text()
            )
            assert refused is None, f"{path.name} has {refused[0]}" if refused else ""
