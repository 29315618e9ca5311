"""What a run reported, as the message `RunMetadata`."""

from __future__ import annotations

from typing import Any

from tensorboard.compat.proto.config_pb2 import RunMetadata


def serialized(run_metadata: Any) -> bytes:
    """The bytes of the message of a report: of `samara.RunMetadata`, or a message already."""
    if hasattr(run_metadata, "SerializeToString"):
        given: bytes = run_metadata.SerializeToString()
        return given
    made = RunMetadata()
    for device in run_metadata.step_stats.dev_stats:
        stats = made.step_stats.dev_stats.add(device=device.device)
        for node in device.node_stats:
            micros = max(1, round(node.all_end_rel_micros))
            row = stats.node_stats.add(
                node_name=node.node_name,
                all_start_micros=int(node.all_start_micros),
                op_end_rel_micros=micros,
                all_end_rel_micros=micros,
                timeline_label=node.timeline_label,
            )
            row.memory.add(total_bytes=int(node.output_bytes), allocator_name=device.device)
    made_bytes: bytes = made.SerializeToString()
    return made_bytes


__all__ = ["serialized"]
