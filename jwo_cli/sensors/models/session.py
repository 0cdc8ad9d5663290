"""A network that runs: ONNX Runtime on the processor, with one explicit setting for threads.

The bytes that were checked are the bytes that run: a session is made from memory, never from a path that could change
in between. Same input and same number of threads give the same output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError

Array = NDArray[Any]
THREADS = 1  # a store has several cameras: whole cameras side by side beat threads inside one image


class Session:
    """One loaded network."""

    def __init__(self, content: bytes, *, name: str, threads: int = THREADS) -> None:
        """Raises UserError where the bytes are no network that this version of ONNX Runtime can run."""
        import onnxruntime as ort

        if threads < 1:
            raise UserError(f"{threads} threads cannot run a model", fix="Say one or more.")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        # Without this, idle threads spin and eat the core that the next camera needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no base but Exception
            reason = " ".join(str(error).split())[:200]
            problem = f"the model {name} cannot be loaded: {reason}"
            raise UserError(problem, fix="Export it again for a common opset, or update onnxruntime.") from None
        self.name = name
        self.inputs: tuple[str, ...] = tuple(item.name for item in self._session.get_inputs())
        self.input_shapes: tuple[tuple[int | str | None, ...], ...] = tuple(
            tuple(item.shape) for item in self._session.get_inputs()
        )

    def run(self, feeds: Mapping[str, Array]) -> list[Array]:
        """All outputs, in the graph's order. Raises UserError where the input does not fit the graph."""
        try:
            return [np.asarray(output) for output in self._session.run(None, dict(feeds))]
        except Exception as error:  # noqa: BLE001 - as above
            reason = " ".join(str(error).split())[:200]
            problem = f"the model {self.name} does not take what it was given: {reason}"
            raise UserError(problem, fix="Its input form in the registry must fit its export.") from None

    def run_one(self, tensor: Array) -> list[Array]:
        """All outputs for a network with one input."""
        return self.run({self.inputs[0]: tensor})
