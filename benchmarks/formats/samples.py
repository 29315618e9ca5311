"""What every runtime is calibrated on."""

from __future__ import annotations

from benchmarks.network import Array, Network

_COUNT = 8


def calibration(network: Network) -> list[Array]:
    """Inputs like those that are measured, and none of them."""
    return [network.example(100 + number) for number in range(_COUNT)]
