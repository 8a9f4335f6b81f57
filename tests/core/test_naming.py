"""Taxa by the names people give them: what is found, and what is suggested where nothing is."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.naming import UNKNOWN, find_taxon
from geoid.core.values import Taxon
from geoid.errors import UnknownTaxon


def taxon(scientific_name: str, common_name: str | None, rank: str = "species") -> Taxon:
    return Taxon(scientific_name.lower().replace(" ", "-"), scientific_name, common_name, rank, {rank: scientific_name})


TAXA = (
    taxon("Panthera", None, "genus"),
    taxon("Panthera leo", "lion"),
    taxon("Panthera onca", "jaguar"),
    taxon("Puma concolor", "cougar"),
    taxon("Hippopotamus", "hippopotamus", "genus"),
    taxon("Hippopotamus amphibius", "hippopotamus"),
    taxon("Erinaceus europaeus", "European hedgehog"),
    taxon("Atelerix albiventris", "four-toed hedgehog"),
    taxon("Hemiechinus auritus", "long-eared hedgehog"),
    taxon("Erinaceus roumanicus", "northern white-breasted hedgehog"),
)


def hint(name: str) -> str:
    with pytest.raises(UnknownTaxon) as caught:
        find_taxon(name, TAXA)
    return caught.value.hint


@pytest.mark.parametrize("name", ["Panthera leo", "panthera LEO", "lion", "Lion", "panthera-leo", "  Panthera\t leo "])
def test_a_taxon_is_found_by_any_of_its_names(name: str) -> None:
    assert find_taxon(name, TAXA).scientific_name == "Panthera leo"


@given(st.sampled_from(TAXA), st.sampled_from([str.lower, str.upper, str.title]))
def test_every_taxon_is_found_by_its_scientific_name_and_key_in_any_case(one: Taxon, case) -> None:
    assert find_taxon(case(one.scientific_name), TAXA) is find_taxon(case(one.key), TAXA) is one


def test_of_two_taxa_of_one_name_the_first_is_meant() -> None:
    assert find_taxon("hippopotamus", TAXA).rank == "genus"


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Panthera loe", "Panthera leo (lion)"),
        ("jagaur", "Panthera onca (jaguar)"),
        ("Pantera", "Panthera"),
        ("puma-conclor", "Puma concolor (cougar)"),
    ],
)
def test_a_slip_of_the_pen_is_answered_with_the_nearest_name(name: str, suggestion: str) -> None:
    assert hint(name).startswith(f"did you mean {suggestion}")
    assert hint(name).endswith("?")


def test_a_word_that_is_part_of_names_suggests_at_most_three_of_them() -> None:
    moles = [taxon(f"Talpa {name}", f"{name} and altogether different mole") for name in ("a", "b", "c", "d", "e")]
    with pytest.raises(UnknownTaxon) as caught:
        find_taxon("mole", moles)
    assert caught.value.hint.count("Talpa") == 3


def test_a_taxon_is_suggested_once_though_several_of_its_names_are_near() -> None:
    assert hint("panthera  leoo").count("Panthera leo (lion)") == 1


@pytest.mark.parametrize("name", ["", " ", "xyzzyx", "42"])
def test_where_nothing_is_near_the_hint_says_what_to_give(name: str) -> None:
    assert hint(name) == UNKNOWN


def test_the_message_shows_the_name_as_it_was_given() -> None:
    with pytest.raises(UnknownTaxon, match="no taxon is called 'Xyzzyx'"):
        find_taxon("Xyzzyx", TAXA)


def test_among_no_taxa_no_name_is_found() -> None:
    with pytest.raises(UnknownTaxon):
        find_taxon("lion", ())


@given(st.text(max_size=40))
def test_any_text_is_a_taxon_or_an_unknown_one(name: str) -> None:
    with suppress(UnknownTaxon):
        assert find_taxon(name, TAXA) in TAXA
