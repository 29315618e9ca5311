"""What the built library exports, needs and keeps."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.repo._builds import run
from tests.repo.test_header import FUNCTIONS

LIBRARIES = {"libc.so.6", "libm.so.6"}


@pytest.mark.parametrize("tool", ["nm", "objdump"])
def test_tools_are_there(tool: str) -> None:
    assert shutil.which(tool), "binutils come with the compiler"


def test_exports_are_the_header(library: Path) -> None:
    lines = run("nm", "-D", "--defined-only", library / "libsamara.so").splitlines()
    exported = {line.split()[-1].split("@")[0] for line in lines}
    assert exported == set(FUNCTIONS)


def test_needs_libc_and_libm_only(library: Path) -> None:
    text = run("objdump", "-p", library / "libsamara.so")
    assert set(re.findall(r"NEEDED\s+(\S+)", text)) <= LIBRARIES


def test_nothing_prints_aborts_or_allocates_by_surprise(library: Path) -> None:
    lines = run("nm", "-D", "--undefined-only", library / "libsamara.so").splitlines()
    needed = {line.split()[-1].split("@")[0] for line in lines}
    refused = "abort exit printf fprintf puts perror __assert_fail getenv setlocale aligned_alloc"
    assert needed & set(refused.split()) == set()


def test_no_mutable_globals(library: Path) -> None:
    found = []
    for line in run("objdump", "-t", library / "libsamara.a").splitlines():
        match = re.match(r"[0-9a-f]+ .{7} (\S+)\t([0-9a-f]+)\s+(?:\.hidden )?(\S+)$", line)
        if match is None or int(match[2], 16) == 0:
            continue
        section = match[1]
        read_only = section.startswith(".data.rel.ro")
        if re.match(r"\.(data|bss|tdata|tbss)|\*COM\*", section) and not read_only:
            found.append(f"{match[3]} in {section}")
    assert found == []


def test_no_constructors(library: Path) -> None:
    sections = run("objdump", "-h", library / "libsamara.a")
    assert not re.search(r"\.(init_array|ctors|fini_array|dtors)\b", sections)
