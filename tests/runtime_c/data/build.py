"""Turns each .json beside this file into a .smr with flatc, and writes the content hash into it.

    python tests/runtime_c/data/build.py

The hash is found as the only run of 32 zero bytes that follows its length, so the JSON states it as zeros.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parents[2] / "schema" / "samara.fbs"


def build(source: Path, target: Path) -> None:
    """Writes `target`, a model file, from `source`, its JSON."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["flatc", "--binary", "-o", folder, str(SCHEMA), str(source)]
        subprocess.run(command, check=True)
        content = bytearray(next(Path(folder).iterdir()).read_bytes())
    hash_field = (32).to_bytes(4, "little") + bytes(32)
    if content.count(hash_field) != 1:
        raise ValueError(f"{source.name}: the content hash is not 32 zeros")
    start = content.index(hash_field) + 4
    content[start : start + 32] = hashlib.sha256(content).digest()
    target.write_bytes(content)


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.json")):
        build(path, path.with_suffix(".smr"))
