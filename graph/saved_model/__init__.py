"""Models in folders of their own, with TensorFlow 1's names and arguments: `tf.saved_model`.

The modules that TensorFlow 1 has (`builder`, `loader`, `tag_constants`, ...) are this one under other names.
"""

from __future__ import annotations

from types import SimpleNamespace

from samara.graph.saved_model import models, signatures
from samara.graph.saved_model.models import *
from samara.graph.saved_model.signatures import *

builder = SimpleNamespace(SavedModelBuilder=models.SavedModelBuilder)
loader = SimpleNamespace(load=models.load, maybe_saved_model_directory=models.maybe_saved_model_directory)
signature_constants = signature_def_utils = tag_constants = signatures
utils = signatures

__all__ = [
    "builder",
    "loader",
    "signature_constants",
    "signature_def_utils",
    "tag_constants",
    "utils",
]
__all__ += models.__all__
__all__ += signatures.__all__
