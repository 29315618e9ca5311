"""Samara beside other runtimes, and what training costs."""
