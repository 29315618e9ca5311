"""Recurrent nodes."""
