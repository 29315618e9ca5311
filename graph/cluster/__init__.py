"""Clusters of TensorFlow 1: jobs and tasks, servers, and steps whose parts run in several tasks."""

from __future__ import annotations

from samara.graph.cluster.spec import ClusterSpec, replica_device_setter

__all__ = ["ClusterSpec", "replica_device_setter"]
