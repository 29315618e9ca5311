"""The other end of a worker: starts it, gives it orders, and watches its memory while it works."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

_WATCH = 0.0005


class WorkerError(Exception):
    """A worker ended, or took longer than it may; the message is the end of what it printed."""


class Worker:
    """A runtime with one file, in a process of its own. A context manager.

    Attributes:
        before: memory once the library is loaded.
        most_anonymous: the largest anonymous memory that was seen during an order that was watched.
    """

    def __init__(self, runtime: str, path: Path, given: Path, threads: int, log: Path) -> None:
        self._log = log
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.worker", runtime, path, given, str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
            )
        self._waiting = b""
        self.most_anonymous = 0
        try:
            self.before: dict[str, int] = self._answer(120.0)["memory"]
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def order(self, do: str, *, watch: bool = False, patience: float = 600.0, **told: Any) -> dict[str, Any]:
        """Gives an order and waits for the answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **told}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._last_words()) from None
        return self._answer(patience, watch=watch)

    def _answer(self, patience: float, *, watch: bool = False) -> dict[str, Any]:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        step = _WATCH if watch else patience
        waited = 0.0
        while b"\n" not in self._waiting:
            if not select.select([descriptor], [], [], step)[0]:
                waited += step
                if watch:
                    self.most_anonymous = max(self.most_anonymous, self._anonymous())
                if waited >= patience:
                    raise WorkerError(f"no answer within {patience:.0f} s")
                continue
            data = os.read(descriptor, 1 << 20)
            if not data:
                raise WorkerError(self._last_words())
            self._waiting += data
        line, _, self._waiting = self._waiting.partition(b"\n")
        told: dict[str, Any] = json.loads(line)
        return told

    def _anonymous(self) -> int:
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text()
        except OSError:
            return 0
        _, _, rest = status.partition("RssAnon:")
        return int(rest.split()[0]) * 1024 if rest else 0

    def _last_words(self) -> str:
        self._process.wait()
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        return (lines[-1] if lines else f"ended with status {self._process.returncode}")[:300]
