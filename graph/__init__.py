"""The dataflow graph: op table, building, shapes, autodiff, variables, sessions and training."""
