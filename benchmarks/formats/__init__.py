"""A module for each kind of file that a network is written to."""
