"""Prints what the loop over ops adds to each of them: of a chain of functions of four numbers.

    python runtime_c/tools/dispatch.py

`make test-c` builds the test_dispatch that is asked.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from samara.exporter.export import export_model
from samara.graph.graph import Graph

ROOT = Path(__file__).resolve().parents[2]
OPS = 400


def write_chain(path: Path) -> Path:
    """Functions that no pass makes one of."""
    graph = Graph()
    x = graph.apply("placeholder", [], {"dtype": "float32", "shape": [4]}, name="x").outputs[0]
    for i in range(OPS):
        x = graph.b.hard_sigmoid(x) if i % 2 else graph.b.hard_swish(x)
    export_model({"y": x}, path, golden=0)
    return path


def main() -> None:
    """The command line."""
    program = next((p for p in (ROOT / "build" / "release").rglob("test_dispatch") if p.is_file()), None)
    if program is None:
        sys.exit("no test_dispatch in build/release: run `make test-c`")
    chain = write_chain(ROOT / "build" / "dispatch.smr")
    sys.exit(subprocess.run([str(program), "--tell", str(chain)], check=False).returncode)


if __name__ == "__main__":
    main()
