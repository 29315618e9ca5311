"""The public vocabulary: TensorFlow 1's names over the ops of the table, old spellings included.

`import samara as tf` finds all of these as `tf.<name>`. Each module below lists its own names in its `__all__`.
"""

from __future__ import annotations

from samara.graph import (
    bitwise,
    contrib,
    data,
    distribute,
    distributions,
    graph_util,
    image,
    layers,
    lookup,
    losses,
    metrics,
    nest,
    nn,
    python_io,
    saved_model,
    sparse,
    summary,
    train,
)
from samara.graph import string_functions as strings
from samara.graph.namespaces import debugging, dtypes, io, manip, math, random
from samara.graph.vocabulary import (
    arrays,
    checks,
    conditions,
    constants,
    control_flow,
    draws,
    element_types,
    elements,
    examples,
    files,
    functional,
    graphs,
    initial_values,
    mathematics,
    matrices,
    partitions,
    programs,
    queues,
    segments,
    sparse_tensors,
    state,
    summaries,
    templates,
    tensor_array,
    texts,
)
from samara.graph.vocabulary.arrays import *
from samara.graph.vocabulary.checks import *
from samara.graph.vocabulary.conditions import *
from samara.graph.vocabulary.constants import *
from samara.graph.vocabulary.control_flow import *
from samara.graph.vocabulary.draws import *
from samara.graph.vocabulary.element_types import *
from samara.graph.vocabulary.elements import *
from samara.graph.vocabulary.examples import *
from samara.graph.vocabulary.files import *
from samara.graph.vocabulary.functional import *
from samara.graph.vocabulary.graphs import *
from samara.graph.vocabulary.initial_values import *
from samara.graph.vocabulary.mathematics import *
from samara.graph.vocabulary.matrices import *
from samara.graph.vocabulary.partitions import *
from samara.graph.vocabulary.programs import *
from samara.graph.vocabulary.queues import *
from samara.graph.vocabulary.segments import *
from samara.graph.vocabulary.sparse_tensors import *
from samara.graph.vocabulary.state import *
from samara.graph.vocabulary.summaries import *
from samara.graph.vocabulary.templates import *
from samara.graph.vocabulary.tensor_array import *
from samara.graph.vocabulary.texts import *

__all__ = [
    "bitwise",
    "contrib",
    "data",
    "debugging",
    "distribute",
    "distributions",
    "dtypes",
    "graph_util",
    "image",
    "io",
    "layers",
    "lookup",
    "losses",
    "manip",
    "math",
    "metrics",
    "nest",
    "nn",
    "python_io",
    "random",
    "saved_model",
    "sparse",
    "strings",
    "summary",
    "train",
]
__all__ += arrays.__all__
__all__ += checks.__all__
__all__ += conditions.__all__
__all__ += constants.__all__
__all__ += control_flow.__all__
__all__ += draws.__all__
__all__ += element_types.__all__
__all__ += elements.__all__
__all__ += examples.__all__
__all__ += files.__all__
__all__ += functional.__all__
__all__ += graphs.__all__
__all__ += initial_values.__all__
__all__ += mathematics.__all__
__all__ += matrices.__all__
__all__ += partitions.__all__
__all__ += programs.__all__
__all__ += queues.__all__
__all__ += segments.__all__
__all__ += sparse_tensors.__all__
__all__ += state.__all__
__all__ += summaries.__all__
__all__ += templates.__all__
__all__ += tensor_array.__all__
__all__ += texts.__all__
