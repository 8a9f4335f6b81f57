"""Geo models by onnxruntime: an ONNX file that gives probabilities of species at a place in a week."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime queues events for its maker unless told so before its import

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from geoid.errors import AreaDataError

FATAL_ONLY = 4
POINT = 3
"""Latitude, longitude, week."""

DIMENSIONS = 2
FLOATS = "tensor(float)"
HINT = "a geo model takes float32 (n, 3) of latitude, longitude and week, and gives float32 (n, species)"


class OnnxGeoModel:
    """An ONNX file as geo model; uses all cores. Raises `AreaDataError` for a file that is none, or does not run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        options = ort.SessionOptions()
        options.log_severity_level = FATAL_ONLY
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions have no common class but Exception
            raise AreaDataError(
                f"{path} does not open: {_first_line(error)}", "is it an ONNX file, and whole?"
            ) from error
        self._input = _checked_input(self._session, path)
        self._output = self._session.get_outputs()[0].name

    def __call__(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities (n, species) at points (n, 3)."""
        try:
            (answer,) = self._session.run([self._output], {self._input: points})
        except Exception as error:  # onnxruntime's exceptions have no common class but Exception
            raise AreaDataError(f"{self._path} does not run: {_first_line(error)}", HINT) from error
        return np.asarray(answer, dtype=np.float32)


def _checked_input(session: ort.InferenceSession, path: Path) -> str:
    """The name of the one input, if it takes any number of points."""
    first, *others = session.get_inputs()
    sizes = [size for size in first.shape if isinstance(size, int)]  # the others are known only when run
    if others or first.type != FLOATS or len(first.shape) != DIMENSIONS or sizes not in ([], [POINT]):
        raise AreaDataError(f"{path} takes {first.type} of shape {first.shape}", HINT)
    return str(first.name)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
