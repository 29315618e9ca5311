"""Array libraries that sessions run on: a namespace, and overrides where a library call is much faster."""
