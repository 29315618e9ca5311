"""What contrib's libraries are made with: shared arguments, and variables by scope: `tf.contrib.framework`."""

from __future__ import annotations

from samara.graph import nest
from samara.graph.contrib import arguments
from samara.graph.contrib.arguments import *
from samara.graph.contrib.framework import variables
from samara.graph.contrib.framework.variables import *
from samara.graph.train.checkpoint_state import list_variables, load_checkpoint, load_variable
from samara.graph.train.step_counter import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
)
from samara.graph.train.warm_start import init_from_checkpoint

__all__ = [
    "assert_global_step",
    "create_global_step",
    "get_global_step",
    "get_or_create_global_step",
    "init_from_checkpoint",
    "list_variables",
    "load_checkpoint",
    "load_variable",
    "nest",
]
__all__ += arguments.__all__
__all__ += variables.__all__
