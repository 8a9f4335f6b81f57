"""What a cache keeps besides features: it reads back as it was, and anything else is refused."""

from __future__ import annotations

import json
import zlib

import h3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from processes import ANT, BEE, KEYS, held_everywhere
from tables import release_of

from geoid.core.evidence import KnownTaxa, KnownTaxon, known_taxa, place
from geoid.core.releases import Kind, Pointer, Release
from geoid.core.remembered import (
    pack_cells,
    pack_pointer,
    pack_taxa,
    taxa_key,
    taxon_key,
    unpack_cells,
    unpack_pointer,
    unpack_taxa,
)

ANTS, BEES = (release_of(held_everywhere(*one)) for one in ((ANT, "ants"), (BEE, "bees")))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
releases = st.builds(Release, texts, st.sampled_from(Kind), texts)
nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=12,
)
UNPACKERS = [unpack_pointer, unpack_taxa, unpack_cells]


@given(st.builds(Pointer, releases, st.none() | releases))
def test_a_pointer_reads_back_as_it_was(pointer: Pointer) -> None:
    found = unpack_pointer(pack_pointer(pointer))
    assert found == pointer
    assert isinstance(found.current.kind, Kind)


@given(st.lists(texts, unique=True, max_size=8), st.integers(0, 2**40))
def test_known_taxa_read_back_as_they_were(keys, occurrences: int) -> None:
    taxa = tuple(KnownTaxon(2 * number, key, number % 8, number**3) for number, key in enumerate(keys))
    known = KnownTaxa(2 * len(keys) + 1, occurrences, taxa)
    assert unpack_taxa(pack_taxa(known)) == known


def test_the_known_taxa_of_a_release_read_back_to_the_same_match() -> None:
    known = known_taxa(KEYS, held_everywhere(ANT, "ants").taxa)
    before, after = place(KEYS, known), place(KEYS, unpack_taxa(pack_taxa(known)))
    assert all(one.tobytes() == other.tobytes() for one, other in zip(before, after, strict=True))


@given(st.lists(st.integers(0, 3), max_size=5), st.integers(0, 10_000))
def test_cells_read_back_as_they_were(resolutions, seed: int) -> None:
    cells = {h3.latlng_to_cell(seed % 80, (seed * 7) % 180 + number, one) for number, one in enumerate(resolutions)}
    assert sorted(unpack_cells(pack_cells(tuple(cells)))) == sorted(cells)


@pytest.mark.parametrize("unpack", UNPACKERS)
@given(st.binary(max_size=200))
@example(b"")
@example(b"[" * 100_000)
@example(zlib.compress(b"[" * 100_000))
@example(zlib.compress(b"123456789"))
@example(zlib.compress(bytes(8)))
@example(zlib.compress(b"\xff" * 8))
def test_bytes_that_are_something_else_are_refused_by_a_value_error(unpack, value: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever is wrong with them
        unpack(value)


@pytest.mark.parametrize("compress", [bytes, zlib.compress])
@pytest.mark.parametrize("unpack", [unpack_pointer, unpack_taxa])
@given(nested)
def test_json_that_is_something_else_is_refused_or_fits(unpack, compress, found) -> None:
    try:
        value = unpack(compress(json.dumps(found).encode()))
    except ValueError:
        return
    if isinstance(value, KnownTaxa):
        place([taxon.key for taxon in value.taxa], value)


@pytest.mark.parametrize(
    "known",
    [
        KnownTaxa(-1, 0, ()),
        KnownTaxa(2**40, 0, ()),
        KnownTaxa(5, -1, ()),
        KnownTaxa(5, 10**400, ()),
        KnownTaxa(5, 0, (KnownTaxon(5, "ant", 0, 0),)),
        KnownTaxa(5, 0, (KnownTaxon(-1, "ant", 0, 0),)),
        KnownTaxa(5, 0, (KnownTaxon(0, "ant", 2**70, 0),)),
        KnownTaxa(5, 0, (KnownTaxon(0, "ant", 0, 10**400),)),
        KnownTaxa(5, 0, (KnownTaxon(True, "ant", 0, 0),)),
    ],
)
def test_numbers_that_no_release_has_are_refused(known: KnownTaxa) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        unpack_taxa(pack_taxa(known))


def test_cells_that_are_finer_than_a_taxons_are_refused() -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        unpack_cells(pack_cells((h3.latlng_to_cell(51.5, 0, 5),)))


def test_the_keys_of_different_models_and_releases_differ() -> None:
    models = [KEYS, KEYS[:4], KEYS[::-1], ("antbee", "cow"), ("ant", "beecow")]
    keys = {taxa_key(release, model) for release in (ANTS, BEES) for model in models}
    assert len(keys) == 2 * len(models)
    assert taxa_key(ANTS, KEYS) == taxa_key(ANTS, list(KEYS))
    assert len({taxon_key(release, key) for release in (ANTS, BEES) for key in KEYS}) == 2 * len(KEYS)
