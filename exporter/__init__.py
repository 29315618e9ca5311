"""From a graph to a file: freeze, passes, memory plan, file, proof."""
