"""From a float graph to integer arithmetic: observe, calibrate, decide, rewrite, report."""
