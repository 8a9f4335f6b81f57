from __future__ import annotations

from pathlib import Path

import pytest
from small_tables import LABELS, TAXA

from geoid.core.values import Kind
from geoid.errors import ModelError
from geoid.zoo.labels import TaxonTable, read_labels, read_taxa


@pytest.fixture(name="taxa")
def _taxa(shelf: Path) -> TaxonTable:
    return read_taxa(shelf / "taxa.tsv")


def test_a_taxon_has_its_key_its_names_and_its_line_up_to_the_kingdom(taxa: TaxonTable) -> None:
    jay = taxa["Garrulus glandarius"]
    assert (jay.key, jay.common_name, jay.rank) == ("garrulus-glandarius", "Eurasian jay", "species")
    assert list(jay.lineage.items()) == [
        ("kingdom", "Animalia"),
        ("phylum", "Chordata"),
        ("class", "Aves"),
        ("order", "Passeriformes"),
        ("family", "Corvidae"),
        ("genus", "Garrulus"),
        ("species", "Garrulus glandarius"),
    ]


def test_the_common_name_is_in_the_language_that_was_asked_for_or_else_in_english(shelf: Path) -> None:
    german = read_taxa(shelf / "taxa.tsv", "de")
    assert german["Garrulus glandarius"].common_name == "Eichelhäher"
    english = read_taxa(shelf / "taxa.tsv")
    assert german["Cyanocitta cristata"].common_name == english["Cyanocitta cristata"].common_name == "blue jay"


def test_a_name_that_the_table_does_not_have_is_not_found(taxa: TaxonTable) -> None:
    assert taxa.find("Pica pica") is None
    assert taxa.find("Aves") == taxa["Aves"]


def test_a_class_may_show_several_taxa_one_or_none(shelf: Path, taxa: TaxonTable) -> None:
    jay, bird, teapot = read_labels(shelf / "birds.tsv", taxa, 3)
    assert [taxon.scientific_name for taxon in jay.taxa] == ["Garrulus glandarius", "Cyanocitta cristata"]
    assert (bird.index, bird.text, bird.kind, bird.taxa) == (1, "bird", Kind.WILD, (taxa["Aves"],))
    assert (teapot.kind, teapot.taxa) == (Kind.NONE, ())


def test_plain_text_is_read_as_scientific_names(shelf: Path, taxa: TaxonTable) -> None:
    (shelf / "plain.txt").write_text("Garrulus glandarius\nPica pica\nAves\nteapot\n", encoding="utf-8")
    known, unknown, birds, teapot = read_labels(shelf / "plain.txt", taxa, 4)
    assert (known.kind, known.taxa) == (Kind.WILD, (taxa["Garrulus glandarius"],))
    assert unknown.kind is Kind.WILD
    assert unknown.taxa[0].key == "pica-pica"
    assert unknown.taxa[0].lineage == {"genus": "Pica", "species": "Pica pica"}
    assert (unknown.taxa[0].rank, unknown.taxa[0].common_name) == ("species", None)
    assert birds.taxa == (taxa["Aves"],)
    assert (teapot.kind, teapot.text, teapot.taxa) == (Kind.NONE, "teapot", ())


def test_a_file_from_windows_is_read_like_any_other(shelf: Path, taxa: TaxonTable) -> None:
    (shelf / "plain.txt").write_bytes(b"\xef\xbb\xbfPica pica\r\nteapot\r\n")
    assert [label.text for label in read_labels(shelf / "plain.txt", taxa, 2)] == ["Pica pica", "teapot"]


@pytest.mark.parametrize(("classes", "held"), [(2, 3), (1000, 3)])
def test_a_count_that_does_not_fit_the_card_is_refused(classes: int, held: int, shelf: Path, taxa: TaxonTable) -> None:
    with pytest.raises(ModelError, match=f"birds.tsv holds {held} labels, the model card says {classes} classes"):
        read_labels(shelf / "birds.tsv", taxa, classes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("index\twordnet_id", "index\twordnet", "line 1: the header is"),
        ("\n1\tn015", "\n2\tn015", "line 3: index is '2', expected 1"),
        ("bird\twild", "bird\ttame", "line 3: kind is 'tame', expected one of: wild, domestic, breed, extinct, none"),
        ("wild\tAves", "wild\tAvez", r"line 3: taxon 'Avez' is not in taxa\.tsv"),
        ("wild\tAves", "wild\t", "line 3: kind is 'wild', which needs a taxon"),
        ("wild\tAves", "wild", "line 3: 4 columns, expected 5"),
        ("wild\tAves", "wild\tAves\t", "line 3: 6 columns, expected 5"),
    ],
)
def test_a_broken_label_is_refused_with_its_line(
    old: str, new: str, message: str, shelf: Path, taxa: TaxonTable
) -> None:
    (shelf / "birds.tsv").write_text(LABELS.replace(old, new), encoding="utf-8")
    with pytest.raises(ModelError, match=rf"birds\.tsv {message}"):
        read_labels(shelf / "birds.tsv", taxa, 3)


def test_taxa_of_one_class_must_have_a_rank_in_common(shelf: Path) -> None:
    (shelf / "taxa.tsv").write_text(TAXA + "Plantae\tkingdom\t\t\n", encoding="utf-8")
    (shelf / "birds.tsv").write_text(LABELS.replace("Aves", "Aves; Plantae"), encoding="utf-8")
    with pytest.raises(ModelError, match="line 3: taxa 'Aves; Plantae' have no rank in common"):
        read_labels(shelf / "birds.tsv", read_taxa(shelf / "taxa.tsv"), 3)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("scientific_name", "name", "line 1: the header is"),
        ("Garrulus\tgenus", "Garrulus\ttribe", "line 7: rank is 'tribe', expected one of: kingdom, phylum"),
        ("genus\tCorvidae", "genus\tCorvid", "line 7: parent 'Corvid' is not in the lines above"),
        ("order\tAves", "order\tGarrulus", "line 5: parent 'Garrulus' is not in the lines above"),
        ("order\tAves", "order\tPasseriformes", "line 5: parent 'Passeriformes' is not in the lines above"),
        ("Cyanocitta\tgenus\tCorvidae", "Cyanocitta\tgenus\tGarrulus", "line 9: parent 'Garrulus' is of rank genus"),
        ("Cyanocitta\tgenus", "Garrulus\tgenus", "line 9: taxon Garrulus is listed twice"),
        ("Cyanocitta\tgenus", "\tgenus", "line 9: the scientific name is missing"),
        ("\ten:crows", "", "line 6: 3 columns, expected 4"),
    ],
)
def test_a_broken_taxon_is_refused_with_its_line(old: str, new: str, message: str, shelf: Path) -> None:
    (shelf / "taxa.tsv").write_text(TAXA.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelError, match=rf"taxa\.tsv {message}"):
        read_taxa(shelf / "taxa.tsv")


def test_a_table_that_is_missing_empty_or_not_text_is_refused(shelf: Path, taxa: TaxonTable) -> None:
    with pytest.raises(ModelError, match=r"none\.tsv cannot be read"):
        read_labels(shelf / "none.tsv", taxa, 3)
    (shelf / "birds.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="is not UTF-8 text"):
        read_labels(shelf / "birds.tsv", taxa, 3)
    (shelf / "taxa.tsv").write_bytes(b"")
    with pytest.raises(ModelError, match="line 1: the header is ''"):
        read_taxa(shelf / "taxa.tsv")
