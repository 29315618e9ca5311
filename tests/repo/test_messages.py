"""Errors speak: what is wrong, in words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

PYTHON = sorted(
    path
    for folder in ("graph", "exporter", "quantize", "pyruntime")
    for path in (ROOT / folder).rglob("*.py")
)
PYTHON += sorted((ROOT / "src" / "samara").glob("*.py"))
C = sorted((ROOT / "runtime_c" / "src").rglob("*.c"))
FAIL = re.compile(
    r"\b(?:SMR_FAIL|smr_fail)\(\s*[^,;]+,\s*[^,;]+,\s*((?:\"(?:\\.|[^\"\\])*\"|PRI\w+|\s)+)[,)]"
)


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parts(node: ast.expr) -> list[str]:
    """What a literal message is made of, an interpolation as itself; nothing when it is made elsewhere."""
    if isinstance(node, ast.Constant):
        return words(str(node.value))
    if isinstance(node, ast.JoinedStr):
        constants = [str(v.value) for v in node.values if isinstance(v, ast.Constant)]
        inserted = [ast.unparse(v) for v in node.values if isinstance(v, ast.FormattedValue)]
        return words(" ".join(constants)) + inserted
    return []


def raised(tree: ast.Module) -> Iterator[tuple[int, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            message = node.exc.args[0]
            if isinstance(message, ast.Constant | ast.JoinedStr):
                yield node.lineno, parts(message)


def words(text: str) -> list[str]:
    """The words of a text; a text that C inserts counts as one."""
    text = re.sub(r"%[-+ #0-9.*]*(?:hh|h|ll|l|z|t|j)?([a-zA-Z])", r" \1 ", text.replace("%s", " text "))
    return re.findall(r"[A-Za-z]{2,}", text)


def test_python_messages_have_words() -> None:
    for path in PYTHON:
        for line, found in raised(ast.parse(path.read_text())):
            assert len(found) >= 2, f"{names(path)}:{line} says only {found}"


def test_c_messages_have_words() -> None:
    for path, text in ((p, found) for p in C for found in FAIL.findall(p.read_text())):
        message = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', text))
        if message in ("%s", ""):
            continue
        assert len(words(message)) >= 2, f"{names(path)} says only {message!r}"
        assert not message.endswith("."), f"{names(path)}: {message!r} is a clause, without a full stop"
