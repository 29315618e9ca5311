"""Runs each libFuzzer target for a while, starting from its committed corpus.

    python runtime_c/tools/fuzz.py --seconds 60 [--target fuzz_load]

What it finds stays out of the repository: new inputs in build/fuzz/found/<target>, crashes in
build/fuzz/crashes/<target>. An input worth keeping is copied into the corpus by hand.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
BUILD = REPOSITORY / "build" / "fuzz"
CORPORA = REPOSITORY / "tests" / "fuzz" / "corpus"


def build() -> list[Path]:
    """Builds the targets with clang and returns their executables."""
    clang = next((found for name in ("clang", "clang-19") if (found := shutil.which(name))), None)
    if clang is None:
        sys.exit(
            "fuzzing needs clang with libFuzzer (Debian: clang-19 and libclang-rt-19-dev); without it, "
            "`make test` replays the committed corpora with the compiler that is there"
        )
    subprocess.run(["cmake", "--preset", "fuzz", f"-DCMAKE_C_COMPILER={clang}"], cwd=REPOSITORY, check=True)
    subprocess.run(["cmake", "--build", "--preset", "fuzz"], cwd=REPOSITORY, check=True)
    found = [p for p in BUILD.rglob("fuzz_*") if p.is_file() and os.access(p, os.X_OK)]
    return sorted(found)


def fuzz(target: Path, seconds: int) -> int:
    """Runs one target; returns its exit status."""
    found, crashes = BUILD / "found" / target.name, BUILD / "crashes" / target.name
    for folder in (found, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    committed = [
        str(p) for p in (CORPORA / target.name, CORPORA / target.name.removeprefix("fuzz_")) if p.is_dir()
    ]
    print(f"{target.name}: {seconds} s", flush=True)
    options = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]
    command = [str(target), *options, f"-artifact_prefix={crashes}/", str(found), *committed]
    return subprocess.run(command, check=False).returncode


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="time for each target")
    parser.add_argument("--target", help="only the target of this name")
    parsed = parser.parse_args(arguments)
    targets = [t for t in build() if parsed.target in (None, t.name)]
    if not targets:
        sys.exit("there is no such fuzz target")
    failed = [t.name for t in targets if fuzz(t, parsed.seconds) != 0]
    if failed:
        print(f"findings in {', '.join(failed)}: see build/fuzz/crashes")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
