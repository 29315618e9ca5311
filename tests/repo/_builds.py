"""Builds of the C library that several tests share: for this machine, and for others that are emulated here."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Runs a command and returns what it printed; fails the test with that text when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert done.returncode == 0, f"{command} exited with {done.returncode}\n{done.stdout}"
    return done.stdout


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keeps other processes that run tests out of a folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(source: Path, folder: Path, *options: str, targets: Sequence[str] = ()) -> Path:
    """Configures and builds a CMake project."""
    with _alone(folder):
        run("cmake", "-S", source, "-B", folder, *options)
        run("cmake", "--build", folder, *(word for target in targets for word in ("--target", target)))
    return folder


@dataclass(frozen=True)
class Machine:
    """A machine that programs are built for, and how they run here.

    Attributes:
        name: what it is called.
        toolchain: the name of its toolchain file; None for this machine.
        needs: the programs and files that building takes.
        emulator: what runs a program, in front of it.
        processors: what the emulator is told to be when the library's own tests run.
        shared: whether the library is built as a shared one too.
    """

    name: str
    toolchain: str | None = None
    needs: tuple[str, ...] = ()
    emulator: tuple[str, ...] = ()
    processors: tuple[str, ...] = ()
    shared: bool = False

    def options(self) -> list[str]:
        """What CMake is told; skips the test when what building needs is not there."""
        need(*self.needs)
        if self.toolchain is None:
            return []
        return [f"-DCMAKE_TOOLCHAIN_FILE={ROOT}/runtime_c/cmake/toolchains/{self.toolchain}.cmake"]

    def command(self, *words: str | Path) -> list[str | Path]:
        """A command as it runs here; skips the test when the emulator is not there."""
        need(*self.emulator[:1])
        return [*self.emulator, *words]

    def library(self, *targets: str) -> Path:
        """The folder in which the library is built as it ships; with its tests when no targets are named."""
        if self.toolchain is None:
            # That of `make test-c`: nothing is left to do after it.
            return build(ROOT, ROOT / "build" / "release", "--preset", "release", targets=targets)
        return build(
            ROOT / "runtime_c",
            ROOT / "build" / f"repo-{self.name}",
            *self.options(),
            "-DCMAKE_BUILD_TYPE=Release",
            "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG",
            "-DSMR_WERROR=ON",
            f"-DSMR_BUILD_SHARED={'ON' if self.shared else 'OFF'}",
            "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON",
            "-DSMR_BUILD_TESTS=ON",
            "-DSMR_BUILD_TOOLS=ON",
            targets=targets,
        )

    def package(self) -> Path:
        """The folder of the installed library's CMake package, as `samara_DIR` names it."""
        shared = ["samara_shared"] if self.toolchain is None or self.shared else []
        folder = self.library("samara", *shared)
        prefix = folder / "installed"
        with _alone(prefix):
            run("cmake", "--install", folder, "--prefix", prefix)
        (package,) = prefix.glob("lib*/**/cmake/samara")
        return package


NATIVE = Machine("native")
AARCH64 = Machine(
    "aarch64",
    "aarch64-linux",
    ("aarch64-linux-gnu-gcc",),
    ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"),
    # Raspberry Pi 4: NEON; Raspberry Pi 5: with its dot product and half precision; a recent phone: with i8mm.
    ("cortex-a72", "cortex-a76", "max,sve=off"),
)
ARMV7 = Machine(
    "armv7",
    "armv7-linux",
    ("arm-linux-gnueabihf-gcc",),
    ("qemu-arm", "-L", "/usr/arm-linux-gnueabihf"),
    ("cortex-a7",),
)
WASM = Machine(
    "wasm",
    "wasm32-wasi",
    ("clang-19", "wasm-ld-19", "/usr/lib/wasm32-wasi/libc.a"),
    ("node",),
    ("wasm",),
)
WINDOWS = Machine(
    "windows",
    "x86_64-windows",
    ("x86_64-w64-mingw32-gcc", "/usr/lib/wine/wine64"),
    ("sh", f"{ROOT}/runtime_c/cmake/toolchains/run_wine.sh", f"{ROOT}/build/repo-windows/wine"),
    ("wine",),
    shared=True,
)


def need(*names: str) -> None:
    """Skips the test when a program, or a file by its path, is not there."""
    missing = [n for n in names if shutil.which(n) is None and not os.path.isfile(n)]
    if missing:
        pytest.skip(f"no {', '.join(missing)}")
