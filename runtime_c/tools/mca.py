"""The inner loops of products on ARM by a model of the core: as a fraction of what its multipliers allow.

    python runtime_c/tools/mca.py [--compiler COMMAND] [--markdown FILE]

Each kernels/arm/*product*.c is compiled as the library is, and the loop of each tile function that multiplies most goes
through llvm-mca (Debian: llvm-19) for three cores. The limit is what the core multiplies at most in a cycle, by Arm's
software optimization guides. The model takes all loads to hit the first cache and all branches to be foreseen, so these
are bounds of the code, not measured speeds.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RUNTIME = Path(__file__).resolve().parent.parent
CORES = ("cortex-a55", "cortex-a72", "neoverse-n1")
FLAGS = {"neon": [], "neonfp16": ["-march=armv8.2-a+fp16"], "neondot": ["-march=armv8.2-a+dotprod"]}
FLAGS["neoni8mm"] = ["-march=armv8.2-a+dotprod+i8mm"]
ATTRIBUTES = "-mattr=+dotprod,+fullfp16,+i8mm"
# Instructions on 128 bits in a cycle at most: fmla and fmul, dot products, other multiplications of integers.
# Arm's guides to the Cortex-A55, the Cortex-A72 and the Neoverse N1. (LLVM's model of the A55 takes two fmla.)
RATES = {"cortex-a55": (1, 1, 1), "cortex-a72": (1, 0, 1), "neoverse-n1": (2, 2, 1)}
# What the core has no instructions for.
LACKS = {
    "cortex-a72": ("neonfp16", "neondot", "neoni8mm"),
    "cortex-a55": ("neoni8mm",),
    "neoverse-n1": ("neoni8mm",),
}
ITERATIONS = 200

_MULTIPLIES = re.compile(r"^\s*(fmla|fmul|sdot|udot|usdot|smmla|smlal2?|smull2?|mla|mul)\s+v")
_LABEL = re.compile(r"^(\.L\w+):")
_BRANCH = re.compile(r"^\s*(?:b\.?\w*|cbn?z|tbn?z)\s+(?:.*,\s*)?(\.L\w+)\s*$")


@dataclass(frozen=True)
class Loop:
    """An inner loop: where it is, and its instructions, the branch back left out."""

    file: str
    function: str
    isa: str
    lines: tuple[str, ...]

    @property
    def multiplications(self) -> tuple[str, ...]:
        """The instructions that multiply vectors."""
        return tuple(line for line in self.lines if _MULTIPLIES.match(line))


def assembly(source: Path, compiler: str) -> str:
    """The assembly of a kernel file, compiled with the flags that its name says."""
    isa = source.stem.rpartition("_")[2]
    options = ["-O2", "-DNDEBUG", "-std=c11", "-ffp-contract=off", "-DSMR_KERNELS_ARM", "-DSMR_KERNELS_ARM64"]
    command = [
        *compiler.split(),
        *options,
        f"-I{RUNTIME / 'include'}",
        *FLAGS[isa],
        "-S",
        str(source),
        "-o",
        "-",
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def functions(text: str) -> Iterator[tuple[str, list[str]]]:
    """The name and lines of each function."""
    name, lines = "", []
    for line in text.splitlines():
        start = re.match(r"^([a-z]\w*):", line)
        if start:
            name, lines = start[1], []
        elif name and re.match(r"^\s+\.size\s", line):
            yield name, lines
            name = ""
        elif name:
            lines.append(line)


def loops(lines: list[str]) -> Iterator[tuple[str, ...]]:
    """The instructions of each loop that has no other in it."""
    labels = {m[1]: n for n, line in enumerate(lines) if (m := _LABEL.match(line))}
    ends = [
        (labels[m[1]], n) for n, line in enumerate(lines) if (m := _BRANCH.match(line)) and m[1] in labels
    ]
    back = [(start, end) for start, end in ends if start < end]
    for start, end in back:
        if not any(start <= s and e < end for s, e in back if (s, e) != (start, end)):
            body = [line.strip() for line in lines[start:end]]
            yield tuple(
                line for line in body if line and not line.startswith((".", "//", "#")) and ":" not in line
            )


def inner_loops(source: Path, compiler: str) -> list[Loop]:
    """For each tile function of a file its loop with the most multiplications."""
    found = []
    for name, lines in functions(assembly(source, compiler)):
        made = [Loop(source.stem, name, source.stem.rpartition("_")[2], body) for body in loops(lines)]
        made = [loop for loop in made if loop.multiplications]
        if re.search(r"_\d+_by_\d+", name) and made:
            found.append(max(made, key=lambda loop: len(loop.multiplications)))
    return found


def _cycles(tool: str, core: str, lines: tuple[str, ...]) -> float:
    """Cycles of an iteration by the model."""
    command = [tool, "-mtriple=aarch64", f"-mcpu={core}", ATTRIBUTES, f"-iterations={ITERATIONS}"]
    done = subprocess.run(command, input="\n".join(lines), check=True, capture_output=True, text=True).stdout
    total = re.search(r"^Total Cycles:\s+(\d+)", done, re.MULTILINE)
    if total is None:
        raise RuntimeError(f"{tool} gave no cycles:\n{done[:400]}")
    return int(total[1]) / ITERATIONS


def fraction(tool: str, core: str, loop: Loop) -> float | None:
    """The least cycles of the multiplications of a loop over all its cycles; None where the core lacks them."""
    if loop.isa in LACKS.get(core, ()):
        return None
    real, dot, integer = RATES[core]
    least = 0.0
    for line in loop.multiplications:
        name = line.split()[0]
        least += 1 / (real if name.startswith("f") else dot if name.endswith("dot") else integer)
    return least / _cycles(tool, core, loop.lines)


def table(compiler: str, tool: str) -> list[str]:
    """Lines of Markdown: a row for each tile function, a column for each core."""
    rows = [
        "| kernel | tile | multiplications | others | " + " | ".join(CORES) + " |",
        "| --- | --- | ---: | ---: | " + " | ".join("---:" for _ in CORES) + " |",
    ]
    for source in sorted((RUNTIME / "src" / "kernels" / "arm").glob("*product*.c")):
        for loop in inner_loops(source, compiler):
            count = len(loop.multiplications)
            cells = [loop.file, loop.function, str(count), str(len(loop.lines) - count)]
            for core in CORES:
                found = fraction(tool, core, loop)
                cells.append("-" if found is None else f"{found:.2f}")
            rows.append("| " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    """Prints the table, or writes it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--compiler", default="aarch64-linux-gnu-gcc")
    parser.add_argument("--markdown", type=Path)
    arguments = parser.parse_args()
    tool = shutil.which("llvm-mca-19") or shutil.which("llvm-mca")
    if tool is None or shutil.which(arguments.compiler.split()[0]) is None:
        sys.exit(f"needs llvm-mca (Debian: llvm-19) and {arguments.compiler}")
    text = "\n".join(table(arguments.compiler, tool)) + "\n"
    if arguments.markdown is None:
        sys.stdout.write(text)
    else:
        arguments.markdown.write_text(text)


if __name__ == "__main__":
    main()
