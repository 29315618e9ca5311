"""What is built for Windows: what the library exports and needs, and that its vectors need not be aligned."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.repo._builds import WINDOWS, run
from tests.repo.test_header import FUNCTIONS

OBJDUMP = "x86_64-w64-mingw32-objdump"
ALIGNED = re.compile(r"\bvmov(?:ap[sd]|dqa(?:32|64)?)\b.*[(]")


@pytest.fixture(scope="module")
def folder() -> Path:
    """The folder in which the library is built for Windows."""
    return WINDOWS.library()


@pytest.mark.slow
def test_the_dll_exports_the_header(folder: Path) -> None:
    """And nothing else; all that it needs comes with Windows."""
    text = run(OBJDUMP, "-p", folder / "libsamara.dll")
    table = text.split("[Ordinal/Name Pointer] Table")[1].split("\n\n")[0]
    assert set(re.findall(r"\[ *\d+\] (\w+)", table)) == set(FUNCTIONS)
    assert {name.lower() for name in re.findall(r"DLL Name: (\S+)", text)} <= {"kernel32.dll", "msvcrt.dll"}


def commands(folder: Path) -> dict[str, list[str]]:
    """How each source file of the library is compiled, up to the names of its files."""
    found = {}
    for entry in json.loads((folder / "compile_commands.json").read_text()):
        if "/src/" in entry["file"]:
            found[Path(entry["file"]).name] = shlex.split(entry["command"].split(" -o ")[0])
    return found


@pytest.mark.slow
def test_vectors_on_the_stack_need_not_be_aligned(folder: Path, tmp_path: Path) -> None:
    """Windows aligns the stack to 16 bytes, and gcc moves vectors of 64 there as if it were aligned to as many."""
    kernels = {name: c for name, c in commands(folder).items() if re.search(r"_(avx|amx)\w*\.c$", name)}
    assert len(kernels) > 20
    source, target = tmp_path / "spill.c", tmp_path / "spill.o"
    source.write_text(
        'void spill(void);\nvoid spill(void) { __asm__ volatile("vmovaps %zmm1, 64(%rsp)"); }\n'
    )
    for command in {tuple(command) for command in kernels.values()}:
        run(*command, "-o", target, "-c", source, cwd=folder)
        text = run(OBJDUMP, "-d", "--no-show-raw-insn", target)
        assert "vmovups %zmm1,0x40(%rsp)" in text, f"{command} keeps aligned moves: {text}"
    for place in folder.rglob("*.c.obj"):
        if place.name.removesuffix(".obj") in kernels:
            text = run(OBJDUMP, "-d", "--no-show-raw-insn", place)
            assert ALIGNED.search(text) is None, f"{place.name} moves aligned vectors"
