"""Saving and restoring the variables of a session."""

from __future__ import annotations

import contextlib
import glob
import logging
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from samara.errors import CheckpointError, GraphError
from samara.graph import dims
from samara.graph.execution.random_state import random_state, set_random_state
from samara.graph.graph import Graph, get_default_graph
from samara.graph.train import tensor_file
from samara.graph.train.checkpoint_state import (
    VARIABLES,
    checkpoint_exists,
    get_checkpoint_mtimes,
    prefix_of,
    remove_checkpoint,
    update_checkpoint_state,
)
from samara.graph.variables import GLOBAL_VARIABLES, Variable

_logger = logging.getLogger("samara")

VariableList = Iterable[Variable] | Mapping[str, Variable]


class Saver:
    """Writes variables to checkpoints and reads them back, and keeps the last few checkpoints.

    A checkpoint is one safetensors file, written under another name and then renamed, so that it is whole or not there;
    after it the file `checkpoint` of the folder is replaced in the same way. A Saver of all variables also saves the
    state of the session's random generators, with which training goes on bit by bit as if it had not been interrupted:
    optimizer slots, powers and the step counter are variables. What a program draws or reads outside of the graph
    (numpy, a file, a queue) is its own to restore.

    Args:
        var_list: the variables, under the names of their operations or as a mapping from other names; all of the
            default graph, local ones not among them, when None.
        reshape: whether a variable of another shape with as many elements is taken from a checkpoint.
        sharded: changes nothing: a checkpoint is one file.
        max_to_keep: how many of the last checkpoints stay; None or 0 for all.
        keep_checkpoint_every_n_hours: one of this many hours stays for good.
        name: changes nothing.
        restore_sequentially: changes nothing.
        saver_def: not supported; None.
        builder: not supported; None.
        defer_build: finds the variables at the first save or restore instead of now.
        allow_empty: whether there may be nothing to save.
        write_version: changes nothing.
        pad_step_number: writes the step with eight digits.
        save_relative_paths: changes nothing: paths in the file `checkpoint` are relative to its folder.
        filename: changes nothing.
        random_states: whether random generators are saved and restored; by default, when `var_list` is None.

    Raises:
        ValueError: there is nothing to save, or two variables have one name.
    """

    def __init__(
        self,
        var_list: VariableList | None = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: Any = None,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
        *,
        random_states: bool | None = None,
    ) -> None:
        if saver_def is not None or builder is not None:
            raise TypeError("Saver: saver_def and builder are not supported; give var_list")
        self.reshape = reshape
        self.max_to_keep = max_to_keep
        self.keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self.pad_step_number = pad_step_number
        self.allow_empty = allow_empty
        self.random_states = var_list is None if random_states is None else random_states
        self._given = None if var_list is None else _named(var_list)
        self._variables: dict[str, Variable] | None = None
        self._lock = threading.Lock()
        self._kept: list[tuple[str, float]] = []
        self._preserved = 0.0
        self._next_preserved = time.time() + keep_checkpoint_every_n_hours * 3600
        if not defer_build:
            self.build()

    def build(self) -> None:
        """Finds the variables, when that was put off."""
        found = self._given
        if found is None:
            found = _named(get_default_graph().get_collection(GLOBAL_VARIABLES))
        if not found and not self.allow_empty:
            raise ValueError("there are no variables to save")
        self._variables = found

    @property
    def variables(self) -> dict[str, Variable]:
        """The variables by the names that they have in a checkpoint."""
        if self._variables is None:
            self.build()
        return self._variables or {}

    # Saving -----------------------------------------------------------------------------------------------

    def save(
        self,
        sess: Any,
        save_path: str | Path,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str:
        """Writes a checkpoint.

        Args:
            sess: the session that has the values.
            save_path: the prefix, such as "folder/model.ckpt".
            global_step: a number, variable or tensor that is put behind the prefix, as "-100".
            latest_filename: another name for the file `checkpoint`.
            meta_graph_suffix: what the name of the graph's file ends with.
            write_meta_graph: whether to write the graph beside the variables, for `import_meta_graph`.
            write_state: whether to bring the file `checkpoint` up to date and delete old checkpoints.
            strip_default_attrs: changes nothing.
            save_debug_info: changes nothing: source lines are part of the graph.

        Returns:
            The prefix with the step: what `restore` takes.

        Raises:
            UninitializedError: a variable has no value yet.
            ValueError: the folder does not exist.
        """
        prefix = prefix_of(save_path)
        folder = os.path.dirname(prefix) or "."
        if not os.path.isdir(folder):
            raise ValueError(f"the folder {folder} does not exist, so {prefix} cannot be saved")
        # A program saves while the thread of its Supervisor does.
        with self._lock:
            _remove_partial(prefix)
            if global_step is not None:
                step = sess.run(global_step) if hasattr(global_step, "as_graph_tensor") else global_step
                prefix += f"-{int(step):08d}" if self.pad_step_number else f"-{int(step)}"
            arrays = {name: np.asarray(sess.read(v.op)) for name, v in self.variables.items()}
            document = {"random": random_state(sess)} if self.random_states else {}
            if write_meta_graph:
                self._write_graph(sess.graph, f"{prefix}.{meta_graph_suffix}")
            tensor_file.write(prefix + VARIABLES, arrays, document)
            if write_state:
                self._keep(prefix, folder, latest_filename, meta_graph_suffix)
        return prefix

    def _write_graph(self, graph: Graph, path: str) -> None:
        try:
            self.export_meta_graph(path, graph=graph)
        except GraphError as error:
            _logger.warning("%s was not written: %s", path, error)
            # One of an earlier save under the same name would be another graph's.
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)

    def _keep(self, prefix: str, folder: str, latest_filename: str | None, suffix: str) -> None:
        """Counts a checkpoint in and deletes those that are too many, after the file `checkpoint` forgot them."""
        now = time.time()
        self._kept = [(p, t) for p, t in self._kept if p != prefix] + [(prefix, now)]
        surplus = []
        if self.max_to_keep:
            while len(self._kept) > self.max_to_keep:
                oldest, written = self._kept.pop(0)
                if written > self._next_preserved:
                    self._next_preserved += self.keep_checkpoint_every_n_hours * 3600
                    self._preserved = written
                else:
                    surplus.append(oldest)
        update_checkpoint_state(
            folder,
            prefix,
            [p for p, _ in self._kept],
            latest_filename,
            [t for _, t in self._kept],
            self._preserved,
        )
        for old in surplus:
            remove_checkpoint(old, suffix)

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that are kept, the oldest first."""
        return [p for p, _ in self._kept]

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Makes it keep, and later delete, checkpoints that another Saver wrote; the oldest first."""
        self._kept = [(p, max(get_checkpoint_mtimes([p]), default=0.0)) for p in last_checkpoints]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Sequence[tuple[str, float]]) -> None:
        """The same, with the times at which they were written."""
        self._kept = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Makes it keep those of the checkpoints that are there, as after a restart."""
        there = [p for p in checkpoint_paths if checkpoint_exists(p)]
        self._kept = list(zip(there, get_checkpoint_mtimes(there), strict=True))

    def export_meta_graph(
        self,
        filename: str | Path | None = None,
        collection_list: Sequence[str] | None = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        *,
        graph: Graph | None = None,
    ) -> Any:
        """`train.export_meta_graph` with what this Saver saves."""
        from samara.graph.train.meta_graph import export_meta_graph

        return export_meta_graph(
            filename, collection_list=collection_list, clear_devices=clear_devices, graph=graph, saver=self
        )

    # Restoring --------------------------------------------------------------------------------------------

    def restore(self, sess: Any, save_path: str | Path) -> None:
        """Gives the variables the values of a checkpoint, all of them or, where one does not fit, none.

        Variables that the checkpoint has beside those of this Saver are left alone.

        Args:
            sess: the session.
            save_path: the prefix that `save` returned.

        Raises:
            CheckpointError: there is no such checkpoint, it is damaged, or variables are missing in it or have another
                shape or element type; the message lists all of them.
        """
        if save_path is None:
            raise CheckpointError(
                "restore needs the prefix of a checkpoint, not None: latest_checkpoint found none"
            )
        prefix = prefix_of(save_path)
        if not checkpoint_exists(prefix):
            raise CheckpointError(
                f"there is no checkpoint {prefix}: the file {prefix + VARIABLES} does not exist"
            )
        file = tensor_file.TensorFile(prefix + VARIABLES)
        self._check(file)
        states = file.document.get("random") if self.random_states else None
        values = {name: file.read(name) for name in self.variables}
        if states is not None:
            set_random_state(sess, states)
        for name, variable in self.variables.items():
            shape = variable.shape
            sess.load(variable, values[name] if shape is None else values[name].reshape(tuple(shape)))

    def _check(self, file: tensor_file.TensorFile) -> None:
        """Refuses a file that lacks variables or has other shapes and element types, all of them listed."""
        problems = []
        saved = set(file.names)
        for name, variable in self.variables.items():
            if name not in saved:
                problems.append(f"{name}: not in the checkpoint")
                continue
            shape, kind = file.shape(name), file.dtype(name)
            wanted = variable.shape
            if wanted is not None and shape != tuple(wanted):
                same_size = np.prod(shape, dtype=np.int64) == np.prod(tuple(wanted), dtype=np.int64)
                if not (self.reshape and same_size):
                    problems.append(
                        f"{name}: shape {list(shape)} in the checkpoint, {dims.text(wanted)} in the graph"
                    )
            if kind != variable.dtype.numpy:
                problems.append(f"{name}: {kind.name} in the checkpoint, {variable.dtype.name} in the graph")
        if problems:
            has = ", ".join(sorted(saved - self.variables.keys())[:5]) or "no others"
            raise CheckpointError(
                f"{file.path} does not fit:\n  " + "\n  ".join(problems) + f"\nof other names it has {has}"
            )


def _named(var_list: VariableList) -> dict[str, Variable]:
    """Variables by the names that they have in a checkpoint."""
    if isinstance(var_list, Mapping):
        return dict(var_list)
    found: dict[str, Variable] = {}
    for variable in var_list:
        if not isinstance(variable, Variable):
            raise TypeError(f"{variable!r} cannot be saved: it is no variable")
        if found.setdefault(variable.op.name, variable) is not variable:
            raise ValueError(
                f"two variables are called {variable.op.name!r}: give var_list as a mapping from names"
            )
    return found


def _remove_partial(prefix: str) -> None:
    """Deletes what a process that was killed while it wrote left of checkpoints with this prefix."""
    start = glob.escape(prefix)
    for path in [p for mark in "-." for p in glob.glob(f"{start}{mark}*{tensor_file.PARTIAL}")]:
        try:
            os.remove(path)
        except OSError as error:
            _logger.warning("%s, which is left of an interrupted save, cannot be deleted: %s", path, error)
