"""Names of the data: by key, then by accepted name, then by synonym; what matches nothing keeps its own name."""

from __future__ import annotations

import pytest

from geoid.core.releases import TaxonFlag
from geoid.core.values import Taxon, taxon_key
from geoid.errors import AreaDataError
from geoid.seeding.names import Names, names_of, names_report, normal, read_synonyms
from geoid.seeding.sources import SourceTaxon


def taxon(name: str, *above: tuple[str, str], rank: str = "species") -> Taxon:
    """A taxon of the table."""
    return Taxon(taxon_key(name), name, f"the {name}", rank, {"kingdom": "Animalia", **dict(above), rank: name})


BEETLES = ("family", "Coccinellidae")
TABLE = (
    taxon("Panthera leo"),
    taxon("Astur cooperii"),
    taxon("Canis familiaris"),
    taxon("Coccinellidae", rank="family"),
    taxon("Adalia bipunctata", BEETLES),
    taxon("Capra hircus"),
)
SYNONYMS = {
    "Felis leo": "Leo leo",
    "Leo leo": "Panthera leo",
    "Accipiter cooperii": "Astur cooperii",
    "Canis lupus familiaris": "Canis familiaris",
    "gbif:5219404": "Panthera leo",
    "Bos alienus": "Bos absens",
    "Panthera leo": "Felis silvestris",
}
MODEL = ("panthera-leo", "astur-cooperii", "canis-familiaris", "coccinellidae")


@pytest.fixture(name="names")
def fixture_names() -> Names:
    """The names of the table above."""
    return names_of(TABLE, MODEL, {"canis-familiaris": int(TaxonFlag.DOMESTIC)}, SYNONYMS)


@pytest.mark.parametrize(
    ("source", "key", "how"),
    [
        (SourceTaxon("Panthera leo"), "panthera-leo", "name"),
        (SourceTaxon("anything at all", "gbif:5219404"), "panthera-leo", "key"),
        (SourceTaxon("anything at all", "panthera-leo"), "panthera-leo", "key"),
        (SourceTaxon("panthera-leo"), "panthera-leo", "key"),
        (SourceTaxon("  PANTHERA\u00a0LEO "), "panthera-leo", "name"),
        (SourceTaxon("Panthera_leo"), "panthera-leo", "name"),
        (SourceTaxon("Panthera (Panthera) leo"), "panthera-leo", "name"),
        (SourceTaxon("Panthera leo (Linnaeus, 1758)"), "panthera-leo", "name"),
        (SourceTaxon("Panthera leo Linnaeus, 1758"), "panthera-leo", "name"),
        (SourceTaxon("Panthera-leo"), "panthera-leo", "name"),
        (SourceTaxon("Accipiter cooperii", "gbif:99"), "astur-cooperii", "synonym"),
        (SourceTaxon("Felis leo"), "panthera-leo", "synonym"),
        (SourceTaxon("Canis lupus familiaris"), "canis-familiaris", "synonym"),
        (SourceTaxon("Panthera leo melanochaita"), "panthera-leo", "name"),
        (SourceTaxon("Accipiter cooperii mexicanus"), "astur-cooperii", "synonym"),
    ],
)
def test_a_name_is_found_by_key_then_name_then_synonym(names, source, key, how):
    found = names.resolve(source)
    assert (found.key, found.how, found.reason) == (key, how, None)
    assert found.common_name == f"the {found.scientific_name}"


def test_an_accepted_name_is_no_synonym_of_another(names):
    assert names.resolve(SourceTaxon("Panthera leo")).key == "panthera-leo"


def test_what_matches_nothing_keeps_its_name_and_the_lineage_that_geoid_has_ranks_for(names):
    source = SourceTaxon(
        "Okapia johnstoni", "gbif:1", {"tribe": "X", "family": "Giraffidae", "kingdom": "Animalia"}, "okapi"
    )
    found = names.resolve(source)
    assert (found.key, found.scientific_name, found.common_name) == ("okapia-johnstoni", "Okapia johnstoni", "okapi")
    assert list(found.lineage.items()) == [
        ("kingdom", "Animalia"),
        ("family", "Giraffidae"),
        ("genus", "Okapia"),
        ("species", "Okapia johnstoni"),
    ]
    assert (found.how, found.reason) == (None, "unknown-name")


def test_a_species_is_known_to_a_model_that_knows_its_family(names):
    listed, own = (
        names.resolve(SourceTaxon(name, None, dict([BEETLES]))) for name in ("Adalia bipunctata", "Halyzia x-y")
    )
    assert (listed.how, listed.reason) == ("name", None)
    assert (own.how, own.reason) == (None, None)


def test_a_name_of_the_table_without_a_class_says_so(names):
    found = names.resolve(SourceTaxon("Capra hircus"))
    assert (found.how, found.reason) == ("name", "no-class")


@pytest.mark.parametrize(
    "name",
    [
        "Panthera",
        "Panthera sp.",
        "Anas platyrhynchos x acuta",
        "Anas × sterilis",
        "?",
        "a" * 200,
        "Rana t\ufffdmporaria",
        "Bufo b\x1bufo",
        "",
    ],
)
def test_what_is_no_name_of_a_species_says_so(names, name):
    assert names.resolve(SourceTaxon(name)).reason == "no-species-name"


def test_flags_of_the_table_and_of_the_source_hold_both(names):
    found = names.resolve(SourceTaxon("Canis familiaris", flags=int(TaxonFlag.DOUBTFUL)))
    assert found.flags == TaxonFlag.DOMESTIC | TaxonFlag.DOUBTFUL


def test_animals_that_people_keep_are_in_every_release(names):
    assert [one.key for one in names.domestic()] == ["canis-familiaris"]


def test_the_report_lists_what_the_model_does_not_know_by_weight(names):
    sources = (
        "Panthera leo",
        "Accipiter cooperii",
        "Adalia bipunctata",
        "Okapia johnstoni",
        "Capra hircus",
        "Bos novus",
    )
    lineages = {"Adalia bipunctata": dict([BEETLES])}
    found = [names.resolve(SourceTaxon(name, None, lineages.get(name, {}))) for name in sources]
    found += list(names.domestic())
    report = names_report(names, found, [50, 20, 5, 7, 0, 7, 0], [9, 8, 1, 2, 4, 3, 0])
    assert report.taxa == 6
    assert report.matched == {"name": 1, "synonym": 1, "higher-taxon": 1}
    assert [(one.scientific_name, one.records, one.reason) for one in report.unmatched] == [
        ("Bos novus", 7, "unknown-name"),
        ("Okapia johnstoni", 7, "unknown-name"),
        ("Capra hircus", 0, "no-class"),
    ]
    assert (report.matched_records, report.unmatched_records, report.labels) == (75, 14, 4)
    assert report.labels_without_data == ("Canis familiaris",)


def test_a_table_of_synonyms_is_read_with_comments_and_foreign_keys(tmp_path):
    path = tmp_path / "synonyms.tsv"
    path.write_text("# a comment\nname\taccepted_name\tbasis\nFelis leo\tPanthera leo\told\n\ngbif:1\tPanthera leo\t\n")
    assert read_synonyms(path) == {"felis leo": "Panthera leo", "gbif:1": "Panthera leo"}


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("name\taccepted\n", "line 1: expected the header"),
        ("", "line 1: expected the header"),
        ("name\taccepted_name\tbasis\nFelis leo\n", "line 2: expected three columns"),
        ("name\taccepted_name\tbasis\nFelis leo\t\tx\n", "line 2: expected three columns"),
        ("name\taccepted_name\tbasis\nA b\tC d\tx\na  B\tE f\tx\n", "line 3: a b is a synonym of C d already"),
        ("name\taccepted_name\tbasis\nA b\tC d\tx\nC d\tA b\tx\n", "line 3: c d ends up as a synonym of itself"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_line(tmp_path, lines, words):
    path = tmp_path / "synonyms.tsv"
    path.write_text(lines)
    with pytest.raises(AreaDataError, match=words):
        read_synonyms(path)


def test_a_table_that_is_missing_or_no_utf_8_is_refused(tmp_path):
    with pytest.raises(AreaDataError, match="cannot be read"):
        read_synonyms(tmp_path / "absent.tsv")
    (tmp_path / "latin.tsv").write_bytes("name\taccepted_name\tbasis\nKröte\tX y\t\n".encode("latin-1"))
    with pytest.raises(AreaDataError, match="not UTF-8"):
        read_synonyms(tmp_path / "latin.tsv")


def test_names_are_compared_without_case_subgenus_and_double_blanks():
    assert normal(" Bombus (Pyrobombus)  Impatiens ") == "bombus impatiens"
