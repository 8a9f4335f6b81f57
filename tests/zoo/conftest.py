"""What the tests of the zoo share: the packaged models, small files of every sort, onnxruntime."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from geoid import packaged
from geoid.core.models import ModelCard
from geoid.zoo.building import build_model
from geoid.zoo.cards import read_card
from geoid.zoo.library import Library

sys.path.insert(0, str(Path(__file__).parent))  # in importlib mode pytest leaves it alone

from small_tables import CARD, LABELS, TAXA


def answer(path: Path, pixels: np.ndarray) -> np.ndarray:
    """Run an ONNX file as wiring does."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: pixels})[0]


@pytest.fixture(name="models", scope="session")
def _models() -> Path:
    return packaged.folder("models")


@pytest.fixture(name="run", scope="session")
def _run() -> Any:
    return answer


@pytest.fixture(name="built", scope="session")
def _built(models: Path) -> Any:
    """A function that builds a packaged model once a session."""
    kept: dict[str, tuple[ModelCard, bytes]] = {}

    def build(name: str) -> tuple[ModelCard, bytes]:
        if name not in kept:
            card = read_card(models / f"{name}.json")
            kept[name] = card, build_model(card, models)
        return kept[name]

    return build


@pytest.fixture(name="library")
def _library(models: Path, tmp_path: Path) -> Library:
    return Library((models, tmp_path / "added"), tmp_path / "cache")


@pytest.fixture(name="shelf")
def _shelf(tmp_path: Path) -> Path:
    """A folder with a table of taxa, a label file, a card and something in place of an ONNX file."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "taxa.tsv").write_text(TAXA, encoding="utf-8")
    (folder / "birds.tsv").write_text(LABELS, encoding="utf-8")
    (folder / "birds.json").write_text(json.dumps(CARD), encoding="utf-8")
    (folder / "birds.onnx").write_bytes(b"three classes")
    return folder
