"""LiteRT: the interpreter with its default delegate, XNNPACK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.network import Array
from benchmarks.runtimes import Runtime


class LiteRt(Runtime):
    """An interpreter whose input is written in place."""

    title = "LiteRT"
    packages = ("ai-edge-litert",)
    files = {"float32": "tflite", "int8": "tflite_int8"}
    notes = {
        "float32": "interpreter with its default XNNPACK delegate",
        "int8": "int8 activations, int8 weights for each channel, by least and largest value; float inputs and outputs",
    }
    channels_last = True
    library = ("/ai_edge_litert/",)

    def prepare(self) -> None:
        """Imports the package."""
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter_of = Interpreter

    def open(self, path: str, threads: int, given: Array) -> None:
        """Makes an interpreter and its tensors."""
        self._interpreter = self._interpreter_of(model_path=path, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._place = self._interpreter.tensor(self._interpreter.get_input_details()[0]["index"])
        self._given = given

    def renew(self) -> None:
        """Writes the input tensor, to which no reference may stay, and clears the states of recurrent layers."""
        self._place()[...] = self._given
        self._interpreter.reset_all_variables()

    def call(self) -> Callable[[], Any]:
        """The call below the interpreter's, which first looks for references to tensors."""
        invoke: Callable[[], Any] = self._interpreter._interpreter.Invoke
        return invoke

    def outputs(self) -> list[Array]:
        """In the order of the model."""
        details = self._interpreter.get_output_details()
        return [self._interpreter.get_tensor(d["index"]) for d in details]


RUNTIME = LiteRt
