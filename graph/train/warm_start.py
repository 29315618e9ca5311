"""Variables that start from a checkpoint instead of from their initial values, and graphs as text files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samara.errors import CheckpointError
from samara.graph import dims
from samara.graph.graph import Graph, get_default_graph
from samara.graph.train.checkpoint_state import load_checkpoint
from samara.graph.variables import GLOBAL_VARIABLES, Variable


def init_from_checkpoint(ckpt_dir_or_file: str | Path, assignment_map: Mapping[str, Any]) -> None:
    """Makes the initializers of variables write values of a checkpoint.

    Args:
        ckpt_dir_or_file: a checkpoint's prefix, or a folder for its last one.
        assignment_map: from names in the checkpoint to variables or names of variables, or from scopes that end with
            "/" in the checkpoint to scopes of the graph; "/" is all of it.

    Raises:
        CheckpointError: a variable is not in the checkpoint, has another shape or element type there, or is not in the
            graph.
    """
    reader = load_checkpoint(ckpt_dir_or_file)
    graph = get_default_graph()
    by_name = {v.op.name: v for v in graph.get_collection(GLOBAL_VARIABLES)}
    shapes, kinds = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    problems = []
    for saved, variable in _pairs(assignment_map, by_name):
        if not isinstance(variable, Variable):
            problems.append(f"{variable}: not in the graph")
        elif saved not in shapes:
            problems.append(f"{saved}: not in the checkpoint")
        elif tuple(shapes[saved]) != tuple(variable.shape) or kinds[saved] is not variable.dtype:
            problems.append(
                f"{saved}: {kinds[saved].name}{dims.text(tuple(shapes[saved]))} in the checkpoint, "
                f"{variable.dtype.name}{dims.text(variable.shape)} in the graph"
            )
        else:
            with graph.name_scope(variable.op.name + "/"), graph.control_dependencies(None):
                made = graph.apply(
                    "assign", [variable.value(), reader.get_tensor(saved)], name="init_from_checkpoint"
                )
            variable.initializer = made
            initial = made.inputs[1]
            if initial is not None:
                variable.initial_value = initial
    if problems:
        raise CheckpointError(f"{reader.file.path} does not fit:\n  " + "\n  ".join(problems))


def _pairs(assignment_map: Mapping[str, Any], by_name: Mapping[str, Variable]) -> list[tuple[str, Any]]:
    """Names in the checkpoint, each with a variable, or with a name that no variable has."""
    found: list[tuple[str, Any]] = []
    for saved, wanted in assignment_map.items():
        if saved.endswith("/"):
            scope = "" if wanted == "/" else wanted
            start = "" if saved == "/" else saved
            inside = {n: v for n, v in by_name.items() if n.startswith(scope)}
            found += [(start + n.removeprefix(scope), v) for n, v in inside.items()]
            if not inside:
                found.append((saved, wanted))
        else:
            found.append((saved, by_name.get(wanted, wanted) if isinstance(wanted, str) else wanted))
    return found


def write_graph(graph_or_graph_def: Any, logdir: str | Path, name: str, as_text: bool = True) -> str:
    """Writes a graph to a file, and returns the file's name.

    Args:
        graph_or_graph_def: the graph.
        logdir: the folder, made when it is missing.
        name: the file's name.
        as_text: whether as text, which is for reading; else as the bytes that `GraphDef.ParseFromString` reads.
    """
    path = os.path.join(str(logdir), name)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    if not as_text:
        given = graph_or_graph_def
        definition = given.as_graph_def() if isinstance(given, Graph) else given
        Path(path).write_bytes(definition.SerializeToString())
        return path
    text = str(graph_or_graph_def)
    if isinstance(graph_or_graph_def, Graph) and hasattr(graph_or_graph_def, "as_graph_def"):
        text = str(graph_or_graph_def.as_graph_def())
    Path(path).write_text(text, encoding="utf-8")
    return path
