"""The class table of the default model and its tree of taxa, as shipped in `models/`."""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ANIMALS = range(398)
RANKS = ("kingdom", "phylum", "class", "order", "family", "genus", "species")
EXPECTED_KINDS = {
    "wild": range(255, 266),
    "domestic": range(9, 14),
    "breed": range(123, 128),
    "extinct": range(2, 3),
    "none": range(602, 603),
}
# Species kept by people; their wild kin may share a name (Gallus gallus, Oryctolagus cuniculus).
DOMESTIC = frozenset(
    {
        "Bos taurus",
        "Bubalus bubalis",
        "Camelus bactrianus",
        "Camelus dromedarius",
        "Canis familiaris",
        "Capra hircus",
        "Carassius auratus",
        "Cavia porcellus",
        "Equus caballus",
        "Felis catus",
        "Gallus gallus",
        "Lama glama",
        "Lama pacos",
        "Mesocricetus auratus",
        "Mustela furo",
        "Oryctolagus cuniculus",
        "Ovis aries",
        "Sus domesticus",
    }
)
SPOT_CHECKS = (
    (1, "Carassius auratus"),
    (15, "Turdus migratorius"),
    (17, "Garrulus glandarius"),
    (17, "Cyanocitta cristata"),
    (22, "Haliaeetus leucocephalus"),
    (30, "Lithobates catesbeianus"),
    (49, "Crocodylus niloticus"),
    (50, "Alligator mississippiensis"),
    (67, "Crotalus adamanteus"),
    (69, "Trilobita"),
    (134, "Antigone canadensis"),
    (207, "Canis familiaris"),
    (271, "Canis rufus"),
    (271, "Chrysocyon brachyurus"),
    (273, "Canis dingo"),
    (275, "Lycaon pictus"),
    (281, "Felis catus"),
    (289, "Panthera uncia"),
    (292, "Panthera tigris"),
    (310, "Formicidae"),
    (334, "Erethizon dorsatum"),
    (334, "Erinaceus europaeus"),
    (335, "Sciurus vulgaris"),
    (339, "Equus caballus"),
    (341, "Sus domesticus"),
    (342, "Sus scrofa"),
    (347, "Bison bonasus"),
    (349, "Ovis canadensis"),
    (361, "Mephitis mephitis"),
    (386, "Loxodonta cyclotis"),
    (396, "Pterois volitans"),
)
SPOT_FAMILIES = (
    ("Garrulus glandarius", "Corvidae"),
    ("Suricata suricatta", "Herpestidae"),
    ("Ailurus fulgens", "Ailuridae"),
    ("Mephitis mephitis", "Mephitidae"),
    ("Chelonia mydas", "Cheloniidae"),
    ("Naja naja", "Elapidae"),
    ("Orcinus orca", "Delphinidae"),
)

BINOMIAL = re.compile(r"[A-Z][a-z]+ [a-z]+(-[a-z]+)?")
FAMILY = re.compile(r"[A-Z][a-z]+idae")
UNINOMIAL = re.compile(r"[A-Z][a-z]+")
WORDNET_ID = re.compile(r"n\d{8}")
COMMON_NAME = re.compile(r"[a-z]{2}:[^\s:|;](?:[^:|;\t]*[^\s:|;])?")


@dataclass(frozen=True, slots=True)
class ImageClass:
    """One line of the class table."""

    index: str
    wordnet_id: str
    label: str
    kind: str
    taxa: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the tree of taxa; the root's parent is empty."""

    name: str
    rank: str
    parent: str
    common_names: tuple[str, ...]


Lineage = Callable[[str], list[str]]


@pytest.fixture(name="models", scope="module")
def _models() -> Path:
    return Path(__file__).parents[2] / "models"


@pytest.fixture(name="classes", scope="module")
def _classes(models: Path) -> list[ImageClass]:
    lines = cells(models / "imagenet-1k.tsv", ["index", "wordnet_id", "label", "kind", "taxa"])
    return [
        ImageClass(index, wordnet_id, label, kind, listed(taxa, "; ")) for index, wordnet_id, label, kind, taxa in lines
    ]


@pytest.fixture(name="rows", scope="module")
def _rows(models: Path) -> list[Row]:
    lines = cells(models / "taxa.tsv", ["scientific_name", "rank", "parent", "common_names"])
    return [Row(name, rank, parent, listed(names, "|")) for name, rank, parent, names in lines]


@pytest.fixture(name="tree", scope="module")
def _tree(rows: list[Row]) -> dict[str, Row]:
    return {row.name: row for row in rows}


@pytest.fixture(name="children", scope="module")
def _children(rows: list[Row]) -> dict[str, list[str]]:
    children: dict[str, list[str]] = {}
    for row in rows:
        children.setdefault(row.parent, []).append(row.name)
    return children


@pytest.fixture(name="ancestors", scope="module")
def _ancestors(tree: dict[str, Row]) -> Lineage:
    def ancestors(name: str) -> list[str]:
        found: list[str] = []
        while parent := tree[name].parent:
            assert parent not in found, f"{name} is its own ancestor"
            found.append(parent)
            name = parent
        return found

    return ancestors


@pytest.fixture(name="named", scope="module")
def _named(classes: list[ImageClass]) -> set[str]:
    return {taxon for image_class in classes for taxon in image_class.taxa}


def cells(path: Path, header: list[str]) -> list[list[str]]:
    """The lines below the header, each as wide as the header."""
    with path.open(encoding="utf-8", newline="") as file:
        found, *lines = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    assert found == header
    assert [line for line in lines if len(line) != len(header)] == []
    return lines


def listed(cell: str, separator: str) -> tuple[str, ...]:
    """The parts of a cell; an empty cell has none."""
    return tuple(cell.split(separator)) if cell else ()


def animals(classes: list[ImageClass]) -> Iterator[ImageClass]:
    return (image_class for image_class in classes if image_class.kind != "none")


def of_kind(classes: list[ImageClass], kind: str) -> list[ImageClass]:
    return [image_class for image_class in classes if image_class.kind == kind]


@pytest.mark.parametrize("name", ["imagenet-1k.tsv", "taxa.tsv"])
def test_the_files_are_plain_utf_8_with_unix_line_ends(models: Path, name: str) -> None:
    text = (models / name).read_bytes().decode("utf-8")
    assert not text.startswith("\ufeff")
    assert "\r" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("name", ["imagenet-1k.tsv", "taxa.tsv"])
def test_no_cell_has_blanks_around_it_or_two_in_a_row(models: Path, name: str) -> None:
    lines = (models / name).read_text(encoding="utf-8").splitlines()
    every_cell = [cell for line in lines for cell in line.split("\t")]
    assert [cell for cell in every_cell if cell != " ".join(cell.split())] == []


def test_there_are_a_thousand_classes_in_order(classes: list[ImageClass]) -> None:
    assert [image_class.index for image_class in classes] == [str(i) for i in range(1000)]


def test_wordnet_ids_are_well_formed_unique_and_sorted(classes: list[ImageClass]) -> None:
    """ImageNet numbers its classes in the order of their WordNet ids."""
    ids = [image_class.wordnet_id for image_class in classes]
    assert [i for i in ids if not WORDNET_ID.fullmatch(i)] == []
    assert ids == sorted(set(ids))


def test_labels_are_present_and_distinct_whatever_their_case(classes: list[ImageClass]) -> None:
    labels = Counter(image_class.label.lower() for image_class in classes)
    assert "" not in labels
    assert [label for label, count in labels.items() if count > 1] == []


def test_the_first_398_classes_are_the_animals(classes: list[ImageClass]) -> None:
    assert [int(image_class.index) for image_class in animals(classes)] == list(ANIMALS)


def test_kinds_are_known_and_their_counts_plausible(classes: list[ImageClass]) -> None:
    counts = Counter(image_class.kind for image_class in classes)
    print(dict(counts))
    assert counts.keys() == EXPECTED_KINDS.keys()
    assert [kind for kind, count in counts.items() if count not in EXPECTED_KINDS[kind]] == []


def test_every_animal_class_has_a_taxon_and_no_other_class_has(classes: list[ImageClass]) -> None:
    wrong = [c.label for c in classes if bool(c.taxa) == (c.kind == "none")]
    assert wrong == []


def test_every_taxon_of_a_class_is_in_the_tree(named: set[str], tree: dict[str, Row]) -> None:
    assert named - tree.keys() == set()


def test_no_class_names_a_taxon_twice(classes: list[ImageClass]) -> None:
    assert [c.label for c in classes if len(set(c.taxa)) != len(c.taxa)] == []


def test_no_class_names_a_taxon_and_its_ancestor(classes: list[ImageClass], ancestors: Lineage) -> None:
    nested = [(c.label, taxon) for c in classes for taxon in c.taxa if set(c.taxa) & set(ancestors(taxon))]
    assert nested == []


def test_every_taxon_of_the_tree_serves_a_class(named: set[str], tree: dict[str, Row], ancestors: Lineage) -> None:
    served = named.union(*(ancestors(taxon) for taxon in named))
    assert tree.keys() - served == set()


def test_a_wild_class_shows_at_least_one_animal_that_is_not_domestic(
    classes: list[ImageClass],
) -> None:
    assert [c.label for c in of_kind(classes, "wild") if set(c.taxa) <= DOMESTIC] == []


def test_a_domestic_class_names_its_domestic_species_first(classes: list[ImageClass]) -> None:
    assert [c.label for c in of_kind(classes, "domestic") if c.taxa[0] not in DOMESTIC] == []


def test_a_breed_is_one_domestic_species(classes: list[ImageClass]) -> None:
    breeds = of_kind(classes, "breed")
    assert [c.label for c in breeds if len(c.taxa) != 1 or c.taxa[0] not in DOMESTIC] == []


def test_the_118_dog_breeds_are_dogs(classes: list[ImageClass]) -> None:
    assert {c.taxa for c in classes[151:269]} == {("Canis familiaris",)}


def test_taxon_names_are_unique(rows: list[Row]) -> None:
    assert [name for name, count in Counter(row.name for row in rows).items() if count > 1] == []


def test_the_tree_has_one_root_and_it_is_the_animal_kingdom(rows: list[Row]) -> None:
    assert [(row.name, row.rank) for row in rows if not row.parent] == [("Animalia", "kingdom")]


def test_every_parent_is_in_the_tree_exactly_one_rank_up(rows: list[Row], tree: dict[str, Row]) -> None:
    assert [row.name for row in rows if row.rank not in RANKS] == []
    below_the_root = [row for row in rows if row.parent]
    assert [row.name for row in below_the_root if row.parent not in tree] == []
    steps = {RANKS.index(row.rank) - RANKS.index(tree[row.parent].rank) for row in below_the_root}
    assert steps == {1}


def test_every_lineage_ends_at_the_root(rows: list[Row], ancestors: Lineage) -> None:
    assert {[row.name, *ancestors(row.name)][-1] for row in rows} == {"Animalia"}


def test_a_species_is_a_binomial_in_its_own_genus(rows: list[Row]) -> None:
    species = [row for row in rows if row.rank == "species"]
    assert [row.name for row in species if not BINOMIAL.fullmatch(row.name)] == []
    assert [row.name for row in species if row.name.split()[0] != row.parent] == []


def test_names_above_species_are_single_words_and_families_end_in_idae(rows: list[Row]) -> None:
    higher = [row for row in rows if row.rank != "species"]
    assert [row.name for row in higher if not UNINOMIAL.fullmatch(row.name)] == []
    assert [row.name for row in rows if (row.rank == "family") != bool(FAMILY.fullmatch(row.name))] == []


def test_common_names_carry_their_language_and_are_not_repeated(rows: list[Row]) -> None:
    malformed = [n for row in rows for n in row.common_names if not COMMON_NAME.fullmatch(n)]
    assert malformed == []
    assert [row.name for row in rows if len(set(row.common_names)) != len(row.common_names)] == []


def test_english_names_come_first_and_are_missing_only_in_genera_nobody_is_shown(
    rows: list[Row], named: set[str], children: dict[str, list[str]]
) -> None:
    """A genus with one species in the table is never the answer: its species is."""
    unnamed = [row for row in rows if not row.common_names or row.common_names[0][:3] != "en:"]
    assert [
        row.name for row in unnamed if row.rank != "genus" or row.name in named or len(children[row.name]) > 1
    ] == []


def test_no_two_species_share_their_first_english_name(rows: list[Row]) -> None:
    names = Counter(row.common_names[0].lower() for row in rows if row.rank == "species")
    assert [name for name, count in names.items() if count > 1] == []


def test_rows_read_as_a_tree_with_children_in_alphabetical_order(
    rows: list[Row], children: dict[str, list[str]]
) -> None:
    def below(parent: str) -> Iterator[str]:
        for child in sorted(children.get(parent, [])):
            yield child
            yield from below(child)

    assert [row.name for row in rows] == list(below(""))


@pytest.mark.parametrize(("index", "taxon"), SPOT_CHECKS)
def test_well_known_classes_name_the_right_animal(classes: list[ImageClass], index: int, taxon: str) -> None:
    assert taxon in classes[index].taxa


@pytest.mark.parametrize(("taxon", "family"), SPOT_FAMILIES)
def test_well_known_species_are_in_the_right_family(ancestors: Lineage, taxon: str, family: str) -> None:
    assert family in ancestors(taxon)


def test_a_crane_is_a_bird_at_134_and_a_machine_at_517(classes: list[ImageClass]) -> None:
    assert [classes[i].label for i in (134, 517)] == ["crane (bird)", "crane (machine)"]
