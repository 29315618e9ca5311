"""Makes the models of the C tests from their JSON, with flatc.

    python tests/runtime_c/data/build.py

Each NAME.json gives NAME.smr. Each row of rejects.py gives reject/NAME.smr, a model with one thing wrong, and a
line of reject/expected.txt.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from pathlib import Path

from rejects import REJECTS

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parents[2] / "schema" / "samara.fbs"


def build(text: str, target: Path) -> None:
    """Writes a model file from its JSON, with its content hash.

    The hash is found as the only 32 zero bytes after their count.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "model.json"
        source.write_text(text)
        subprocess.run(["flatc", "--binary", "-o", folder, str(SCHEMA), str(source)], check=True)
        source.unlink()
        content = bytearray(next(Path(folder).iterdir()).read_bytes())
    hash_field = (32).to_bytes(4, "little") + bytes(32)
    if content.count(hash_field) == 1:
        start = content.index(hash_field) + 4
        content[start : start + 32] = hashlib.sha256(content).digest()
    target.write_bytes(content)


def main() -> None:
    """Builds all of them."""
    for path in sorted(HERE.glob("*.json")):
        build(path.read_text(), path.with_suffix(".smr"))
    folder = HERE / "reject"
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.smr"):
        path.unlink()
    lines = []
    for name, base, changes, status, message in REJECTS:
        text = next(
            p for p in (HERE / f"{base}.json", HERE / "bases" / f"{base}.json") if p.exists()
        ).read_text()
        for old, new in changes.items():
            if text.count(old) != 1:
                raise ValueError(f"{name}: {old!r} is in {base}.json {text.count(old)} times")
            text = text.replace(old, new)
        build(text, folder / f"{name}.smr")
        lines.append(f"{name} {status} {message}\n")
    (folder / "expected.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
