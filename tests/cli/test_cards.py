"""The cards of the terminal lose nothing, however narrow it is."""

import io
import re

import pytest
from rich.console import Console

from geoid.cli import cards
from geoid.core.values import Capture, CaptureDate, Coordinates, Location, Source


@pytest.fixture(name="shown")
def _shown(pipeline, photos, monkeypatch):
    def show(name: str, width: int, *, given: Capture | None = None, hide_location: bool = False) -> str:
        terminal = Console(width=width, file=io.StringIO(), highlight=False)
        monkeypatch.setattr(cards, "console", lambda: terminal)
        prediction = pipeline.predict(name, (photos / name).read_bytes(), given or Capture())
        terminal.print(cards.card(prediction, hide_location=hide_location))
        return terminal.file.getvalue()

    return show


@pytest.mark.parametrize("width", [50, 60, 80, 120])
@pytest.mark.parametrize("name", ["hedgehog.webp", "german-shepherd.webp", "komodo-dragon.webp"])
def test_every_candidate_keeps_its_number_score_and_names(shown, pipeline, photos, name, width) -> None:
    text = shown(name, width)
    words = text.replace("·", " ").split()
    for position, candidate in enumerate(
        pipeline.predict(name, (photos / name).read_bytes()).ranking.candidates, start=1
    ):
        assert f"{candidate.combined_score:.3f}" in words
        assert str(position) in words
        assert candidate.taxon.scientific_name in text
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width


def test_a_card_without_animal_says_so(shown) -> None:
    assert "no animal  animal score 0.0" in shown("no-animal-castle.webp", 100)


def test_a_breed_is_named_behind_its_taxon(shown) -> None:
    assert "domestic dog (German shepherd)" in shown("german-shepherd.webp", 100)


def test_a_card_tells_place_and_date_and_hides_the_place_when_asked(shown) -> None:
    import datetime

    given = Capture(
        Location(Coordinates(-33.86543, 151.20987), Source.ARGUMENT),
        CaptureDate(datetime.date(2024, 1, 31), Source.ARGUMENT),
    )
    assert "-33.8654, 151.2099 (argument)" in shown("koala.webp", 100, given=given)
    assert "2024-01-31 (argument)" in shown("koala.webp", 100, given=given)
    assert "33.86" not in shown("koala.webp", 100, given=given, hide_location=True)


def test_a_card_says_what_is_known_of_the_place_and_nothing_without_one(shown) -> None:
    london = Capture(Location(Coordinates(51.5, -0.12), Source.ARGUMENT))
    (line,) = [line for line in shown("hedgehog.webp", 100, given=london).splitlines() if "known to the model" in line]
    assert re.fullmatch(r"  \d+ taxa occur here in some month, \d+ of them known to the model *", line)
    assert "known to the model" not in shown("hedgehog.webp", 100)


@pytest.mark.parametrize(("share", "drawn"), [(0, "        "), (0.5, "████    "), (1, "████████"), (2, "████████")])
def test_a_bar_is_as_wide_as_it_was_asked_to_be(share, drawn) -> None:
    assert cards.bar(share, 8) == drawn
