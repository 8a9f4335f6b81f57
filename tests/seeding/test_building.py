"""From records to values: what numpy makes of millions at once is what counting one by one gives."""

from __future__ import annotations

import h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_records import Record, counted, keys_of, some, worked

from geoid.core.digests import Digest
from geoid.core.features import decode
from geoid.core.releases import unpacked
from geoid.seeding import building, heap, packing, pyramid
from geoid.seeding.heap import Heap
from geoid.seeding.presence import compacted


def values_of(stretches) -> dict[str, bytes]:
    """The values by cell."""
    return {
        f"{cell:x}": value
        for stretch in stretches
        for packed in stretch.packed
        for block in packed.blocks
        for cell, value in block.rows()
    }


def rows_of(value: bytes) -> list[tuple]:
    """The records of a value as `counted` has them."""
    records = decode(value).records
    return [(int(one["taxon"]), int(one["year"]), one["months"].tolist(), int(one["flags"])) for one in records]


@pytest.mark.parametrize("seed", range(4))
def test_each_cell_holds_what_counting_one_by_one_gives(seed):
    records = some(3000, seed)
    values = values_of(worked(records))
    expected = counted(records)
    assert {cell: rows_of(value) for cell, value in values.items()} == expected


def test_headers_tell_how_many_records_and_taxa_there_are():
    records = some(2000, 9)
    for cell, value in values_of(worked(records)).items():
        features = decode(value)
        resolution = h3.get_resolution(cell)
        here = [one for one in records if one.finest >= resolution and one.cell(resolution) == cell]
        assert (features.occurrences, features.weight) == (len(here), len(here))
        assert features.taxa == len(features.records) == len({one.taxon for one in here})
        assert features.resolution == resolution


def test_it_does_not_matter_how_the_world_is_cut_up(monkeypatch):
    records = some(4000, 5)
    whole = values_of(worked(records))
    monkeypatch.setattr(building, "STRETCH", 50)
    assert values_of(worked(records)) == whole


def test_runs_on_the_disk_give_the_same(monkeypatch):
    records = some(4000, 6)
    whole = values_of(worked(records))
    on_disk = Heap(rows=500, in_memory=600)
    assert values_of(worked(records, heap=on_disk)) == whole
    assert sum(run.file is not None for run in on_disk.runs()) >= 5
    on_disk.close()


def test_a_count_too_large_for_its_bits_is_added_up_from_pieces():
    record = Record(51.5, -0.1, 3, 7)
    keys = np.repeat(keys_of([record]), 300_000)
    held = Heap(rows=1 << 19)
    held.add(keys)
    stretches = list(building.work(building.World(held.runs(), np.arange(1 << 23), 1 << 23, {}, {})))
    value = values_of(stretches)[record.cell(5)]
    assert decode(value).occurrences == 300_000


def test_crowded_cells_are_compressed_and_hold_the_same():
    records = [Record(51.5, -0.1, taxon, taxon % 13) for taxon in range(600)]
    values = values_of(worked(records, taxa=600))
    assert all(value[3] == 1 for value in values.values())
    assert {cell: rows_of(value) for cell, value in values.items()} == counted(records)


def test_what_does_not_fit_into_a_value_overflows():
    chance = np.random.default_rng(0)
    taxa = 30_000
    months = chance.integers(13, size=(taxa, 4)).tolist()
    records = [Record(51.5, -0.1, taxon, month) for taxon in range(taxa) for month in months[taxon]]
    stretches = worked(records, taxa)
    value = values_of(stretches)[records[0].cell(5)]
    overflow = {cell: rest for one in stretches for packed in one.packed for cell, rest in packed.overflow.items()}
    rest = overflow[int(records[0].cell(5), 16)]
    assert len(value) <= 64 * 1024
    assert decode(value).taxa == decode(rest).taxa == taxa
    assert sorted(rows_of(value) + rows_of(rest)) == counted(records)[records[0].cell(5)]


def test_the_digest_of_stretches_is_that_of_their_values():
    records = some(3000, 11)
    stretches = worked(records)
    fed, read = Digest(), Digest()
    for stretch in stretches:
        for packed in stretch.packed:
            fed.cells(packed.resolution, packed.heads, packed.records)
    for cell, value in sorted((int(cell, 16), value) for cell, value in values_of(stretches).items()):
        read.value(cell, value)
    assert fed.hexdigest() == read.hexdigest()


@given(st.lists(st.integers(0, 2**40), max_size=300))
@settings(max_examples=50)
def test_weights_are_those_of_single_counts(counts):
    from geoid.core.features import weight_of

    assert pyramid.weights(np.array(counts, np.int64)).tolist() == [weight_of(count) for count in counts]


def test_taxa_occur_where_they_have_records_compacted_as_h3_does_it():
    records = some(3000, 12)
    stretches = worked(records)
    pairs = {
        resolution: np.concatenate([one.present[resolution] for one in stretches if resolution in one.present])
        for resolution in (2, 3)
    }
    found = [set(unpacked(cells)) for cells in compacted(pairs, 40)]
    for taxon in range(40):
        fine = {one.cell(3) for one in records if one.taxon == taxon and one.finest >= 3}
        coarse = {one.cell(2) for one in records if one.taxon == taxon} - {h3.cell_to_parent(cell, 2) for cell in fine}
        assert found[taxon] == set(h3.compact_cells(fine)) | coarse


def test_a_whole_continent_is_compacted_pentagons_too():
    cells = sorted(cell for base in ("8009fffffffffff", "8001fffffffffff") for cell in h3.cell_to_children(base, 3))
    codes = np.array([int(cell, 16) >> 36 & 0xFFFF for cell in cells], np.uint64)
    (found,) = compacted({3: codes, 2: codes[:0]}, 1)
    assert set(unpacked(found)) == set(h3.compact_cells(cells))


def test_what_came_in_after_a_mark_can_be_dropped_again():
    keys = keys_of(some(2000, 3))
    for cut in (0, 5, 499, 500, 501, 1300):
        held = Heap(rows=500, in_memory=100)
        held.add(keys[:cut])
        held.mark()
        held.add(keys[cut:])
        held.rewind()
        held.add(keys[:700])
        runs = held.runs()
        found = np.sort(np.concatenate([np.repeat(*run.between(0, heap.BINS)) for run in runs]))
        assert found.tolist() == np.sort(np.concatenate([keys[:cut], keys[:700]])).tolist()
        held.close()


def test_plain_values_leave_room_for_their_store():
    stretch = worked(some(500, 1))[0]
    block = stretch.packed[0].blocks[0]
    assert block.starts[0] == packing.ROOM
    assert np.all(np.diff(block.starts) == block.lengths[:-1] + packing.ROOM)
    assert len(block.data) == block.starts[-1] + block.lengths[-1]
