"""The public vocabulary: TensorFlow 1's names over the ops of the table, old spellings included.

`import samara as tf` finds all of these as `tf.<name>`. Each module below lists its own names in its `__all__`.
"""

from __future__ import annotations

from samara.graph import (
    array_names,
    bitwise,
    check_names,
    constant_names,
    contrib,
    control_names,
    distribute,
    dtype_names,
    element_names,
    file_names,
    functional_names,
    graph_names,
    image,
    initializer_names,
    layers,
    linalg_names,
    losses,
    math_names,
    metrics,
    nn,
    program_names,
    queue_names,
    random_names,
    segment_names,
    state_names,
    summary,
    summary_names,
    train,
)
from samara.graph.array_names import *
from samara.graph.check_names import *
from samara.graph.constant_names import *
from samara.graph.control_names import *
from samara.graph.dtype_names import *
from samara.graph.element_names import *
from samara.graph.file_names import *
from samara.graph.functional_names import *
from samara.graph.graph_names import *
from samara.graph.initializer_names import *
from samara.graph.linalg_names import *
from samara.graph.math_names import *
from samara.graph.program_names import *
from samara.graph.queue_names import *
from samara.graph.random_names import *
from samara.graph.segment_names import *
from samara.graph.state_names import *
from samara.graph.summary_names import *

__all__ = [
    "bitwise",
    "contrib",
    "distribute",
    "image",
    "layers",
    "losses",
    "metrics",
    "nn",
    "summary",
    "train",
]
__all__ += array_names.__all__
__all__ += check_names.__all__
__all__ += constant_names.__all__
__all__ += control_names.__all__
__all__ += dtype_names.__all__
__all__ += element_names.__all__
__all__ += file_names.__all__
__all__ += functional_names.__all__
__all__ += graph_names.__all__
__all__ += initializer_names.__all__
__all__ += linalg_names.__all__
__all__ += math_names.__all__
__all__ += program_names.__all__
__all__ += queue_names.__all__
__all__ += random_names.__all__
__all__ += segment_names.__all__
__all__ += state_names.__all__
__all__ += summary_names.__all__
