"""A graph in a file of its own, from which another program makes it again without the code that built it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samara.errors import CheckpointError
from samara.graph.graph import Graph, get_default_graph
from samara.graph.serial import add_document, to_document
from samara.graph.train import tensor_file
from samara.graph.train.saver import Saver
from samara.graph.variables import GLOBAL_VARIABLES, Variable


@dataclass(frozen=True)
class MetaGraph:
    """A graph as `export_meta_graph` gives it.

    Attributes:
        document: operations, variables, collections and what a Saver saves, as lists, dicts, numbers and texts.
        arrays: the constants' arrays, by the names that the document has for them.
    """

    document: dict[str, Any]
    arrays: dict[str, np.ndarray[Any, Any]]


def export_meta_graph(
    filename: str | Path | None = None,
    *,
    graph: Graph | None = None,
    collection_list: Sequence[str] | None = None,
    clear_devices: bool = False,
    saver: Saver | None = None,
) -> MetaGraph:
    """Writes a graph to a file: operations, constants, variables without their values, collections, devices.

    Args:
        filename: the file; None for none.
        graph: the graph; the default graph when None.
        collection_list: the collections that go along; all when None.
        clear_devices: leaves the devices out.
        saver: what `import_meta_graph` returns one like.

    Returns:
        The same as an object that `import_meta_graph` takes too.

    Raises:
        GraphError: an operation has a Python object of the program in it, such as a function.
    """
    graph = get_default_graph() if graph is None else graph
    document, arrays = to_document(graph, collections=collection_list, clear_devices=clear_devices)
    if saver is not None:
        document["saver"] = {
            "variables": {name: variable.op.name for name, variable in saver.variables.items()},
            "max_to_keep": saver.max_to_keep,
            "keep_checkpoint_every_n_hours": saver.keep_checkpoint_every_n_hours,
            "random_states": saver.random_states,
        }
    made = MetaGraph(document, arrays)
    if filename is not None:
        tensor_file.write(filename, made.arrays, made.document)
    return made


def import_meta_graph(
    meta_graph_or_file: MetaGraph | str | Path,
    clear_devices: bool = False,
    import_scope: str | None = None,
    *,
    graph: Graph | None = None,
) -> Saver | None:
    """Makes the graph of a file again, in the default graph.

    What the program needs of it is found by name (`get_tensor_by_name`) or in collections.

    Args:
        meta_graph_or_file: what `export_meta_graph` wrote or returned, or a Saver wrote beside a checkpoint.
        clear_devices: leaves the devices out.
        import_scope: what all names are put below; names in checkpoints stay as they are.
        graph: where it goes; the default graph when None.

    Returns:
        A Saver like the one that wrote the file, else one of all its variables; None when it has none.

    Raises:
        CheckpointError: the file is damaged.
        GraphError: the graph has one of the names already.
    """
    graph = get_default_graph() if graph is None else graph
    if isinstance(meta_graph_or_file, MetaGraph):
        document, arrays = meta_graph_or_file.document, meta_graph_or_file.arrays.__getitem__
        path = "the graph"
    else:
        file = tensor_file.TensorFile(meta_graph_or_file)
        document, arrays, path = file.document, file.read, file.path
    prefix = f"{import_scope.rstrip('/')}/" if import_scope else ""
    try:
        operations = add_document(graph, document, arrays, prefix=prefix)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    if clear_devices:
        for op in operations.values():
            op.device = ""
    made = set(operations.values())
    variables = {
        name: {v.op.name.removeprefix(prefix): v for v in held if isinstance(v, Variable) and v.op in made}
        for name, held in graph._collections.items()
    }
    settings = document.get("saver")
    if not settings:
        saved = variables.get(GLOBAL_VARIABLES)
        return Saver(saved, random_states=not prefix) if saved else None
    by_name = {name: v for held in variables.values() for name, v in held.items()}
    try:
        return Saver(
            {name: by_name[op] for name, op in settings["variables"].items()},
            max_to_keep=settings["max_to_keep"],
            keep_checkpoint_every_n_hours=settings["keep_checkpoint_every_n_hours"],
            allow_empty=True,
            # States are found by the names of operations, which are others below a scope.
            random_states=settings["random_states"] and not prefix,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: what it says of its Saver is damaged: {error!r}") from None
