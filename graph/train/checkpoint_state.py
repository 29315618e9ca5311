"""Which checkpoints a folder has: the file `checkpoint` in it, and functions that read checkpoints by their prefix.

A checkpoint is called by its prefix, such as "model.ckpt-100": the file "model.ckpt-100.safetensors" holds its
variables, "model.ckpt-100.meta" the graph, when it was saved too.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from samara.errors import CheckpointError
from samara.graph.dtypes import DType, as_dtype
from samara.graph.train.tensor_file import TensorFile, write_atomically

VARIABLES = ".safetensors"
_STATE_FILE = "checkpoint"
_FIELDS = (
    "model_checkpoint_path",
    "all_model_checkpoint_paths",
    "all_model_checkpoint_timestamps",
    "last_preserved_timestamp",
)


@dataclass
class CheckpointState:
    """What the file `checkpoint` of a folder says.

    Attributes:
        model_checkpoint_path: the prefix of the last checkpoint.
        all_model_checkpoint_paths: prefixes of those that are kept, the oldest first.
        all_model_checkpoint_timestamps: when each of them was written, in seconds since 1970.
        last_preserved_timestamp: when the last one that stays for good was written; 0 for never.
    """

    model_checkpoint_path: str
    all_model_checkpoint_paths: list[str] = field(default_factory=list)
    all_model_checkpoint_timestamps: list[float] = field(default_factory=list)
    last_preserved_timestamp: float = 0.0


def update_checkpoint_state(
    save_dir: str | Path,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> None:
    """Writes the file `checkpoint` of a folder, at once.

    Paths within the folder are written relative to it, so that the folder can be moved.

    Args:
        save_dir: the folder.
        model_checkpoint_path: the prefix of the last checkpoint.
        all_model_checkpoint_paths: those that are kept, the oldest first; the last one is added when it is missing.
        latest_filename: another name than `checkpoint`.
        all_model_checkpoint_timestamps: when each of them was written.
        last_preserved_timestamp: when the last one that stays for good was written.
    """
    folder = str(save_dir)
    paths = list(all_model_checkpoint_paths or [])
    times = list(all_model_checkpoint_timestamps or [])
    if len(times) != len(paths):
        if times:
            raise ValueError(f"{len(paths)} checkpoints have {len(times)} timestamps")
        times = [time.time()] * len(paths)
    if not paths or paths[-1] != model_checkpoint_path:
        paths.append(model_checkpoint_path)
        times.append(time.time())
    lines = [f"model_checkpoint_path: {_quoted(_relative(model_checkpoint_path, folder))}"]
    lines += [f"all_model_checkpoint_paths: {_quoted(_relative(p, folder))}" for p in paths]
    lines += [f"all_model_checkpoint_timestamps: {t!r}" for t in times]
    if last_preserved_timestamp:
        lines.append(f"last_preserved_timestamp: {last_preserved_timestamp!r}")
    text = "".join(line + "\n" for line in lines)

    def write(partial: str) -> None:
        Path(partial).write_text(text, encoding="utf-8")

    write_atomically(os.path.join(folder, latest_filename or _STATE_FILE), write)


def _relative(path: str, folder: str) -> str:
    found = os.path.relpath(os.path.abspath(path), os.path.abspath(folder))
    return os.path.abspath(path) if found.startswith(os.pardir) else found.replace(os.sep, "/")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        raise ValueError(f"{text} is no text in quotes")
    return re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), text[1:-1])


def get_checkpoint_state(
    checkpoint_dir: str | Path, latest_filename: str | None = None
) -> CheckpointState | None:
    """What the file `checkpoint` of a folder says, with whole paths; None when there is no such file.

    Raises:
        CheckpointError: the file is damaged.
    """
    folder = str(checkpoint_dir)
    path = os.path.join(folder, latest_filename or _STATE_FILE)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from None
    found: dict[str, list[str]] = {name: [] for name in _FIELDS}
    try:
        for line in text.splitlines():
            name, _, value = line.partition(":")
            found[name.strip()].append(value.strip())
        (last,) = found["model_checkpoint_path"]
        paths = [os.path.join(folder, _unquoted(p)) for p in found["all_model_checkpoint_paths"]]
        times = [float(t) for t in found["all_model_checkpoint_timestamps"]]
        preserved = [float(t) for t in found["last_preserved_timestamp"]]
        latest = os.path.join(folder, _unquoted(last))
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged: {error}; delete it, or name a checkpoint yourself"
        ) from None
    return CheckpointState(latest, paths, times, preserved[-1] if preserved else 0.0)


def latest_checkpoint(checkpoint_dir: str | Path, latest_filename: str | None = None) -> str | None:
    """The prefix of the last checkpoint of a folder that is still there; None when there is none.

    Raises:
        CheckpointError: the folder's file `checkpoint` is damaged.
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None:
        return None
    newest_first = [state.model_checkpoint_path, *reversed(state.all_model_checkpoint_paths)]
    return next((p for p in newest_first if checkpoint_exists(p)), None)


def prefix_of(path: str | Path) -> str:
    """A checkpoint's prefix, from it or from the name of its file of variables."""
    return str(path).removesuffix(VARIABLES)


def checkpoint_exists(checkpoint_prefix: str | Path) -> bool:
    """Whether there is a checkpoint with that prefix."""
    return os.path.isfile(prefix_of(checkpoint_prefix) + VARIABLES)


def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[str]) -> list[float]:
    """When the checkpoints were written, in seconds since 1970; those that are not there are left out."""
    return [os.path.getmtime(prefix_of(p) + VARIABLES) for p in checkpoint_prefixes if checkpoint_exists(p)]


def remove_checkpoint(checkpoint_prefix: str | Path, meta_graph_suffix: str = "meta") -> None:
    """Deletes a checkpoint and the graph beside it, as far as they are there."""
    prefix = prefix_of(checkpoint_prefix)
    for path in (prefix + VARIABLES, f"{prefix}.{meta_graph_suffix}"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)


class CheckpointReader:
    """The variables of a checkpoint, read one at a time.

    Args:
        filepattern: its prefix.

    Raises:
        CheckpointError: there is no such checkpoint, or it is damaged.
    """

    def __init__(self, filepattern: str | Path) -> None:
        self.file = TensorFile(prefix_of(filepattern) + VARIABLES)

    def has_tensor(self, name: str) -> bool:
        """Whether it has a variable of that name."""
        return name in self.file.names

    def get_tensor(self, name: str) -> np.ndarray[Any, Any]:
        """A variable's value.

        Raises:
            CheckpointError: it has no variable of that name, or its bytes are damaged.
        """
        if not self.has_tensor(name):
            raise CheckpointError(f"{self.file.path} has no variable {name!r}")
        return self.file.read(name)

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Shapes by name."""
        return {name: list(self.file.shape(name)) for name in self.file.names}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """Element types by name."""
        return {name: as_dtype(self.file.dtype(name)) for name in self.file.names}


def load_checkpoint(ckpt_dir_or_file: str | Path) -> CheckpointReader:
    """A reader of a checkpoint, or of the last one of a folder.

    Raises:
        CheckpointError: there is none, or it is damaged.
    """
    path = str(ckpt_dir_or_file)
    if os.path.isdir(path):
        latest = latest_checkpoint(path)
        if latest is None:
            raise CheckpointError(f"the folder {path} has no checkpoint")
        path = latest
    return CheckpointReader(path)


def list_variables(ckpt_dir_or_file: str | Path) -> list[tuple[str, list[int]]]:
    """Names and shapes of the variables of a checkpoint, sorted by name."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def load_variable(ckpt_dir_or_file: str | Path, name: str) -> np.ndarray[Any, Any]:
    """The value of a variable of a checkpoint, by its name with or without ":0"."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))
