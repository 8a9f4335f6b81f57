"""geoid: which animal is this, given where and when the photo was taken?

The library's face, resolved on first use so that importing `geoid` costs nothing:

    from geoid import open_pipeline
    pipeline = open_pipeline()
    prediction = pipeline.predict("photo.jpg", Path("photo.jpg").read_bytes())
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geoid.core.predictions import Prediction
    from geoid.core.values import Capture, Photo
    from geoid.errors import GeoidError
    from geoid.wiring import open_pipeline, open_settings

__all__ = ["Capture", "GeoidError", "Photo", "Prediction", "open_pipeline", "open_settings"]

_HOMES = {
    "Capture": "geoid.core.values",
    "GeoidError": "geoid.errors",
    "Photo": "geoid.core.values",
    "Prediction": "geoid.core.predictions",
    "open_pipeline": "geoid.wiring",
    "open_settings": "geoid.wiring",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'geoid' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
