"""Writes the C runtime as one source file and one header, for projects that would rather copy two files.

    python runtime_c/tools/amalgamate.py FOLDER

FOLDER gets samara.c and samara.h. They need nothing but a C11 compiler, libc and libm, and hold the generic
kernels only: kernels for one instruction set need compiler flags of their own, so a build system.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("src/core", "src/platform", "src/gen", "src/kernels", "src/kernels/generic")

# What the library's own build has flags for: results are the same on every CPU.
UNFUSED = (
    "/* No multiplication is fused with an addition. */",
    "#if defined(__clang__)",
    "#pragma clang fp contract(off)",
    "#elif defined(__GNUC__)",
    '#pragma GCC optimize("fp-contract=off")',
    "#elif defined(_MSC_VER)",
    "#pragma fp_contract(off)",
    "#endif",
)

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)".*$', re.MULTILINE)
_GUARD = re.compile(r"^#ifndef (SMR_\w+_H|SAMARA_H)$", re.MULTILINE)
_FEATURE = re.compile(r"^#[ \t]*define[ \t]+(_(?:POSIX_C|GNU|DEFAULT|XOPEN)_SOURCE)\b(.*)$", re.MULTILINE)
_MACRO = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)
_UNDEF = re.compile(r"^[ \t]*#[ \t]*undef[ \t]+(\w+)", re.MULTILINE)
_FUNCTION = re.compile(r"^static\b[^;={}()]*?\b(\w+)\(", re.MULTILINE)
_VARIABLE = re.compile(r"^static\b[^;={}()]*?\b(\w+)(?:\[[^\]]*\])*\s*[;=]", re.MULTILINE)
_TYPE = re.compile(
    r"^(?:typedef )?(?:struct|union|enum) (\w+) \{|^\} (\w+);|^typedef [^;{]*?\b(\w+);", re.MULTILINE
)
_FUNCTION_TYPE = re.compile(r"^typedef [^;{]*?\(\*(\w+)\)\(", re.MULTILINE)
_ENUMERATOR = re.compile(r"^ {4}([A-Z][A-Z0-9_]+)(?: = [^,]+)?,?$", re.MULTILINE)
_TOKEN = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | (?P<member>(?:->|\.)\s*[A-Za-z_]\w*)
      | (?P<name>[A-Za-z_]\w*) """,
    re.DOTALL | re.VERBOSE,
)


def version() -> tuple[str, str, str]:
    """The project version, from CMakeLists.txt."""
    match = re.search(
        r"^project\(samara VERSION (\d+)\.(\d+)\.(\d+)", (ROOT / "CMakeLists.txt").read_text(), re.M
    )
    if match is None:
        raise ValueError("CMakeLists.txt has no project version")
    return match[1], match[2], match[3]


def _resolve(name: str, includer: Path) -> Path:
    for folder in (includer.parent, ROOT / "src", ROOT / "include"):
        if (folder / name).is_file():
            return (folder / name).resolve()
    raise FileNotFoundError(f"{includer}: there is no {name}")


def _inline(path: Path, seen: set[Path]) -> str:
    """The text of a file with the project's own includes replaced by their text, each guarded header once."""

    def replace(match: re.Match[str]) -> str:
        target = _resolve(match[1], path)
        if target in seen:
            return ""
        if _GUARD.search(target.read_text()):
            seen.add(target)
        return _inline(target, seen)

    return _FEATURE.sub("", _INCLUDE.sub(replace, path.read_text()))


def _private_names(text: str) -> set[str]:
    """The names at file scope that mean something in their own source file only."""
    found = {*_FUNCTION.findall(text), *_VARIABLE.findall(text), *_FUNCTION_TYPE.findall(text)}
    found |= {name for groups in _TYPE.findall(text) for name in groups if name}
    found |= set(_ENUMERATOR.findall(text))
    return found


def _rename(text: str, names: dict[str, str]) -> str:
    """Replaces identifiers; comments, strings and members are left alone."""
    return _TOKEN.sub(lambda m: names.get(m["name"], m["name"]) if m["name"] else m[0], text)


def amalgamate() -> str:
    """The text of samara.c."""
    paths = [path for folder in SOURCES for path in sorted((ROOT / folder).glob("*.c"))]
    owners: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        for name in _private_names(path.read_text()):
            owners[name].append(path)

    features = {}
    for path in paths:
        features.update({name: value for name, value in _FEATURE.findall(path.read_text())})
    lines = ["/* The Samara runtime in one file, made by runtime_c/tools/amalgamate.py. */"]
    for name, value in sorted(features.items()):
        lines += [f"#ifndef {name}", f"#define {name}{value}", "#endif"]
    for part, number in zip(("MAJOR", "MINOR", "PATCH"), version(), strict=True):
        lines += [f"#define SMR_VERSION_{part} {number}"]
    lines += ['#include "samara.h"', *UNFUSED, ""]

    seen = {(ROOT / "include" / "samara.h").resolve()}
    for path in paths:
        own = path.read_text()
        renamed = {name: f"{path.stem}_{name}" for name in _private_names(own) if len(owners[name]) > 1}
        lines += [
            f"/* ---- {path.relative_to(ROOT)} ---- */",
            "",
            _rename(_inline(path, seen), renamed).strip(),
            "",
        ]
        macros = set(_MACRO.findall(own)) - set(_UNDEF.findall(own)) - set(features)
        lines += [f"#undef {name}" for name in sorted(macros)] + [""]
    return "\n".join(lines)


def main(folder: str) -> None:
    """Writes both files."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    (target / "samara.c").write_text(amalgamate())
    (target / "samara.h").write_text((ROOT / "include" / "samara.h").read_text())


if __name__ == "__main__":
    main(*sys.argv[1:])
