"""samara.h: read by people, by cffi and by C++ as it is."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.repo._builds import run

HEADER = ROOT / "runtime_c" / "include" / "samara.h"
TEXT = HEADER.read_text()
REGION = TEXT.split("/* cffi: begin */")[1].split("/* cffi: end */")[0]
FUNCTION = re.compile(
    r"(?:/\*(?P<comment>(?:[^*]|\*(?!/))*)\*/\n)?^(?!typedef)[a-z_][\w ]*[ *](?P<name>smr_\w+)\([^;{]*?\);",
    re.MULTILINE,
)
FUNCTIONS = {m["name"]: m["comment"] or "" for m in FUNCTION.finditer(REGION)}


def test_functions_are_found() -> None:
    assert len(FUNCTIONS) > 30
    assert {"smr_version", "smr_run", "smr_model_open", "smr_kernel_count"} <= FUNCTIONS.keys()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_function_says_its_rule_for_threads(name: str) -> None:
    tags = re.findall(r"@threads (\w+)", FUNCTIONS[name])
    assert len(tags) == 1, f"{name} needs one `@threads any|shared|exclusive` in the comment right above it"
    assert tags[0] in ("any", "shared", "exclusive")


def test_cffi_region_is_plain() -> None:
    for line in REGION.splitlines():
        if line.lstrip().startswith("#"):
            assert re.fullmatch(r"#define SMR_\w+ \d+", line), f"cffi cannot read: {line}"


@pytest.mark.parametrize("language", ["c", "c++"])
def test_header_compiles_by_itself(language: str, compiler: str, tmp_path: Path) -> None:
    standard = {"c": "c11", "c++": "c++11"}[language]
    command = shutil.which("g++") if language == "c++" else compiler
    if command is None:
        pytest.skip("no C++ compiler")
    user = tmp_path / "user.c"
    user.write_text('#include "samara.h"\n#include "samara.h"\n')
    flags = ("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I", HEADER.parent)
    run(command, "-x", language, f"-std={standard}", *flags, user)
