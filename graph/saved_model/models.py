"""A model in a folder of its own: graphs with tags and signatures, and the values of their variables.

The folder holds `saved_model.meta`, the graphs, and `variables/variables`, a checkpoint: this package's own formats.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samara.errors import CheckpointError
from samara.graph.saved_model.signatures import (
    DEFAULT_SERVING_SIGNATURE_DEF_KEY,
    SERVING,
    SignatureDef,
    predict_signature_def,
)
from samara.graph.train import tensor_file
from samara.graph.train.meta_graph import MetaGraph, export_meta_graph, import_meta_graph
from samara.graph.train.saver import Saver
from samara.graph.variables import GLOBAL_VARIABLES

_GRAPHS = "saved_model.meta"
_VARIABLES = os.path.join("variables", "variables")


@dataclass(frozen=True)
class MetaGraphDef:
    """What `load` gives.

    Attributes:
        signature_def: the signatures, by their keys.
        tags: the tags of the graph.
    """

    signature_def: dict[str, SignatureDef]
    tags: tuple[str, ...]


class SavedModelBuilder:
    """Writes a saved model.

    Args:
        export_dir: the folder, which must be empty, or not there yet.

    Raises:
        AssertionError: the folder holds something.
    """

    def __init__(self, export_dir: str | os.PathLike[str]) -> None:
        self._folder = os.fspath(export_dir)
        if os.path.isdir(self._folder) and os.listdir(self._folder):
            raise AssertionError(
                f"the folder {self._folder} is not empty: give another one for a saved model"
            )
        os.makedirs(self._folder, exist_ok=True)
        self._graphs: list[dict[str, Any]] = []
        self._arrays: dict[str, np.ndarray[Any, Any]] = {}

    def add_meta_graph_and_variables(
        self,
        sess: Any,
        tags: Sequence[str],
        signature_def_map: Mapping[str, SignatureDef] | None = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
        train_op: Any = None,
        assets_list: Any = None,
    ) -> None:
        """Adds the graph of a session and the values of its variables; the first of the graphs.

        Args:
            sess: the session.
            tags: by which the graph is found again.
            signature_def_map: what it can be asked, by keys.
            assets_collection: not supported; None.
            legacy_init_op: an operation that `load` runs; the older name of main_op.
            clear_devices: whether devices are left out.
            main_op: an operation that `load` runs.
            strip_default_attrs: changes nothing.
            saver: says which variables are saved, under which names; all by default.
            train_op: changes nothing.
            assets_list: not supported; None.

        Raises:
            AssertionError: a graph with the values was added before.
            GraphError: an operation has a Python object of the program in it, such as a function.
            UninitializedError: a variable has no value.
            ValueError: there are assets.
        """
        if self._graphs:
            raise AssertionError("the variables are saved already: use add_meta_graph for further graphs")
        with sess.graph.as_default():
            variables = sess.graph.get_collection(GLOBAL_VARIABLES)
            writer = saver or (Saver(variables, random_states=False) if variables else None)
            self._add(
                sess.graph,
                tags,
                signature_def_map,
                assets_collection or assets_list,
                clear_devices,
                main_op if main_op is not None else legacy_init_op,
                writer,
            )
            if writer is not None:
                os.makedirs(os.path.join(self._folder, "variables"), exist_ok=True)
                path = os.path.join(self._folder, _VARIABLES)
                writer.save(sess, path, write_meta_graph=False, write_state=False)

    def add_meta_graph(
        self,
        tags: Sequence[str],
        signature_def_map: Mapping[str, SignatureDef] | None = None,
        assets_collection: Any = None,
        legacy_init_op: Any = None,
        clear_devices: bool = False,
        main_op: Any = None,
        strip_default_attrs: bool = False,
        saver: Saver | None = None,
        assets_list: Any = None,
    ) -> None:
        """Adds the default graph, whose variables have the values that were saved with the first one.

        Arguments as for `add_meta_graph_and_variables`.

        Raises:
            AssertionError: no graph with the values was added before.
        """
        from samara.graph.graph import get_default_graph

        if not self._graphs:
            raise AssertionError("the first graph comes with the variables: use add_meta_graph_and_variables")
        graph = get_default_graph()
        variables = graph.get_collection(GLOBAL_VARIABLES)
        writer = saver or (Saver(variables, random_states=False) if variables else None)
        main = main_op if main_op is not None else legacy_init_op
        self._add(
            graph, tags, signature_def_map, assets_collection or assets_list, clear_devices, main, writer
        )

    def _add(
        self,
        graph: Any,
        tags: Sequence[str],
        signatures: Mapping[str, SignatureDef] | None,
        assets: Any,
        clear_devices: bool,
        main: Any,
        saver: Saver | None,
    ) -> None:
        if assets:
            raise ValueError("a saved model holds no other files: keep assets beside it")
        if isinstance(tags, str):
            raise TypeError(f"tags is the text {tags!r}: give a list")
        made = export_meta_graph(graph=graph, clear_devices=clear_devices, saver=saver)
        prefix = f"{len(self._graphs)}/"
        self._arrays.update({prefix + name: array for name, array in made.arrays.items()})
        self._graphs.append(
            {
                "tags": sorted(set(tags)),
                "graph": made.document,
                "arrays": prefix,
                "signatures": {k: s.as_document() for k, s in (signatures or {}).items()},
                "main": None if main is None else main.name,
            }
        )

    def save(self, as_text: bool = False) -> str:
        """Writes the graphs, and returns the name of the file."""
        path = os.path.join(self._folder, _GRAPHS)
        tensor_file.write(path, self._arrays, {"graphs": self._graphs})
        return path


Builder = SavedModelBuilder


def simple_save(
    session: Any,
    export_dir: str | os.PathLike[str],
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    legacy_init_op: Any = None,
) -> None:
    """Writes a model of one signature, "serving_default", with the tag "serve"."""
    builder = SavedModelBuilder(export_dir)
    builder.add_meta_graph_and_variables(
        session,
        [SERVING],
        {DEFAULT_SERVING_SIGNATURE_DEF_KEY: predict_signature_def(inputs, outputs)},
        legacy_init_op=legacy_init_op,
        clear_devices=True,
    )
    builder.save()


def load(
    sess: Any, tags: Sequence[str], export_dir: str | os.PathLike[str], import_scope: str | None = None
) -> MetaGraphDef:
    """Adds a graph of a saved model to that of a session, and gives its variables their values.

    Args:
        sess: the session.
        tags: the tags of the graph, all of them.
        export_dir: the folder.
        import_scope: what all names are put below.

    Raises:
        CheckpointError: there is no saved model, or it is damaged.
        RuntimeError: it has no graph with these tags.
    """
    folder = os.fspath(export_dir)
    if not maybe_saved_model_directory(folder):
        raise CheckpointError(f"there is no saved model in {folder}: it has no file {_GRAPHS}")
    file = tensor_file.TensorFile(os.path.join(folder, _GRAPHS))
    wanted = sorted({tags} if isinstance(tags, str) else set(tags))
    entry = next((e for e in file.document["graphs"] if e["tags"] == wanted), None)
    if entry is None:
        listed = "; ".join(", ".join(e["tags"]) for e in file.document["graphs"])
        raise RuntimeError(f"{folder} has no graph with the tags {', '.join(wanted)}: it has {listed}")
    start = entry["arrays"]
    arrays = {n.removeprefix(start): file.read(n) for n in file.names if n.startswith(start)}
    with sess.graph.as_default():
        saver = import_meta_graph(MetaGraph(entry["graph"], arrays), import_scope=import_scope)
        if saver is not None and saver.variables:
            saver.restore(sess, os.path.join(folder, _VARIABLES))
    scope = f"{import_scope.rstrip('/')}/" if import_scope else ""
    if entry["main"] is not None:
        sess.run(sess.graph.get_operation_by_name(scope + entry["main"]))
    signatures = {k: SignatureDef.of_document(s) for k, s in entry["signatures"].items()}
    return MetaGraphDef(signatures, tuple(wanted))


def maybe_saved_model_directory(export_dir: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a saved model."""
    return (Path(export_dir) / _GRAPHS).is_file()


contains_saved_model = maybe_saved_model_directory

__all__ = [
    "Builder",
    "MetaGraphDef",
    "SavedModelBuilder",
    "contains_saved_model",
    "load",
    "maybe_saved_model_directory",
    "simple_save",
]
