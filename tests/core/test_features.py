"""Feature bytes: the format byte by byte, its laws, its limits, and what damaged bytes come to."""

from __future__ import annotations

import hashlib
import json
import math
import re
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.features import (
    COMPRESS_FROM,
    COUNTS,
    HEADER,
    MAX_BODY,
    MAX_VALUE,
    RECORD,
    ZSTD,
    Features,
    Flag,
    decode,
    encode,
    in_order,
    logical,
    records_of,
    taxa_in,
    weight_of,
)
from geoid.errors import AreaDataError, NewerFormatError

FOLDER = Path(__file__).parents[2] / "fixtures" / "areas"
README = (FOLDER / "README.md").read_text(encoding="utf-8")
SUMMER = bytes(255 if 4 <= month <= 9 else 0 for month in range(1, 13))
SPRING = bytes([0, 0, 8, 13, 16, 13, 8, 0, 0, 0, 0, 0])
EXAMPLE = Features(
    3, records_of([(300, 32, SPRING, Flag.INTRODUCED), (7, 255, SUMMER, Flag.RANGE | Flag.MIGRANT)]), 15, 15.0, 2
)
BIG = 60_000
"""Records whose weights cannot be compressed to one value."""

taxa = st.one_of(st.integers(0, 60), st.integers(0, 2**32 - 1))
rows = st.tuples(taxa, st.integers(0, 255), st.binary(min_size=12, max_size=12), st.integers(0, 127))


def rank(row: tuple[int, int, bytes, int]) -> tuple[int, bool]:
    """What records are ordered by, and of which there is one each."""
    return row[0], row[3] & Flag.RANGE > 0


cells = st.builds(
    Features,
    st.integers(2, 5),
    st.lists(rows, max_size=120, unique_by=rank).map(records_of),
    st.integers(0, 2**32 - 1),
    st.floats(0, 2.0**40, width=32),
)


def noisy(count: int, seed: int = 1) -> Features:
    """A cell of weights that do not compress."""
    random = np.random.default_rng(seed)
    records = np.zeros(count, RECORD)
    records["taxon"] = np.arange(count) * 3
    records["year"] = random.integers(0, 256, count)
    records["months"] = random.integers(0, 256, (count, 12))
    records["flags"] = random.integers(0, 128, count)
    return Features(2, records, 7, 1.5)


def packed(frame: bytes, count: int) -> bytes:
    """A value whose body is this frame and that says it holds `count` records."""
    return HEADER.pack(b"GF", 1, ZSTD, 3, 0, 0, 0.0, 0, count, count) + frame


def test_the_header_is_24_bytes_in_the_order_of_the_format() -> None:
    header = encode(EXAMPLE).value[:24]
    assert header == b"GF" + bytes([1, 0, 3, 32, 0, 0]) + struct.pack("<fIII", 15.0, 15, 2, 2)
    assert header.hex(" ") == "47 46 01 00 03 20 00 00 00 00 70 41 0f 00 00 00 02 00 00 00 02 00 00 00"


def test_a_record_is_20_bytes_in_the_order_of_the_format() -> None:
    body = encode(EXAMPLE).value[24:]
    assert len(body) == 40
    assert body[:20].hex(" ") == "07 00 00 00 ff 00 00 00 ff ff ff ff ff ff 00 00 00 24 00 00"
    assert body[20:] == struct.pack("<IB12sBH", 300, 32, SPRING, 1, 0)


def test_the_flags_are_single_bits_that_never_change() -> None:
    assert {flag.name: flag.value for flag in Flag} == {
        "INTRODUCED": 1,
        "DOMESTIC": 2,
        "MIGRANT": 4,
        "TOO_COARSE": 8,
        "DOUBTFUL": 16,
        "RANGE": 32,
        "TOUCHES": 64,
    }


def test_a_cell_without_records_is_a_header() -> None:
    assert encode(Features(5, records_of([]))).value == HEADER.pack(b"GF", 1, 0, 5, 0, 0, 0.0, 0, 0, 0)


@given(cells)
def test_what_is_encoded_comes_back(cell: Features) -> None:
    value, overflow = encode(cell)
    found = decode(value)
    assert overflow is None
    assert found.records.tobytes() == cell.records.tobytes()
    assert found._replace(records=None) == cell._replace(records=None, taxa=len(set(cell.records["taxon"].tolist())))


@given(cells)
def test_encoding_again_gives_the_same_bytes(cell: Features) -> None:
    value = encode(cell).value
    assert encode(cell).value == encode(decode(value)).value == value


@given(cells)
def test_a_body_is_compressed_exactly_when_it_is_longer_than_one_kilobyte(cell: Features) -> None:
    assert bool(encode(cell).value[3] & ZSTD) is (cell.records.nbytes > COMPRESS_FROM)


@given(st.lists(rows, min_size=2, max_size=30, unique_by=rank))
def test_rows_in_any_order_make_the_same_records(listed) -> None:
    assert records_of(listed).tobytes() == records_of(listed[::-1]).tobytes() == records_of(sorted(listed)).tobytes()


@given(st.lists(rows, max_size=60, unique_by=rank))
def test_of_two_records_of_a_taxon_that_of_the_range_comes_second(listed) -> None:
    records = records_of(listed)
    order = [(int(record["taxon"]), bool(record["flags"] & Flag.RANGE)) for record in records]
    assert order == sorted(map(rank, listed))
    assert taxa_in(records) == len({taxon for taxon, _ in order})


SEEN, LIVES = 0, int(Flag.RANGE)


@pytest.mark.parametrize(
    ("numbers", "flags"),
    [
        ((2, 1), (SEEN, SEEN)),
        ((1, 1), (SEEN, SEEN)),
        ((0, 5, 4), (SEEN, SEEN, SEEN)),
        ((2**32 - 1, 0), (SEEN, SEEN)),
        ((1, 1), (LIVES, LIVES)),
        ((1, 1), (LIVES, SEEN)),
        ((1, 1, 1), (SEEN, LIVES, LIVES)),
        ((1, 1, 0), (SEEN, LIVES, SEEN)),
    ],
)
def test_records_out_of_order_or_twice_are_refused(numbers, flags) -> None:
    records = np.zeros(len(numbers), RECORD)
    records["taxon"], records["flags"] = numbers, flags
    with pytest.raises(ValueError, match="ascending order"):
        encode(Features(3, records))


def test_a_taxon_may_have_a_record_of_occurrences_and_one_of_a_range_and_counts_once() -> None:
    records = records_of([(1, 255, SUMMER, LIVES), (1, 8, SPRING, SEEN), (2, 255, SUMMER, LIVES)])
    found = decode(encode(Features(3, records)).value)
    assert found.records["taxon"].tolist() == [1, 1, 2]
    assert found.records["flags"].tolist() == [SEEN, LIVES, LIVES]
    assert found.taxa == 2


@pytest.mark.parametrize(
    ("occurrences", "density"),
    [(0, 0), (1, 8), (2, 13), (3, 16), (15, 32), (1_000_000, 159), (2**31, 248), (2**32 - 1, 255), (2**50, 255)],
)
def test_density_is_eight_times_the_logarithm_of_the_records(occurrences: int, density: int) -> None:
    assert Features(3, records_of([]), occurrences).density == density


@pytest.mark.parametrize(
    ("count", "weight"), [(0, 0), (1, 8), (2, 13), (3, 16), (15, 32), (11, 29), (12, 30), (1e12, 255)]
)
def test_a_weight_is_eight_times_the_logarithm_of_the_count(count: float, weight: int) -> None:
    assert weight_of(count) == weight


def test_the_weights_stand_for_the_counts_of_the_formula() -> None:
    assert COUNTS.tolist() == [float(round(2 ** (weight / 8) - 1)) for weight in range(256)]
    assert (COUNTS[[0, 8, 16, 24, 32]] == [0, 1, 3, 7, 15]).all()
    assert (np.diff(COUNTS) >= 0).all()


@given(st.integers(0, 3_938_502_375))
def test_a_count_comes_back_from_its_weight_within_a_twentieth(count: int) -> None:
    assert math.isclose(COUNTS[weight_of(count)], count, rel_tol=0.05, abs_tol=1)


def test_compression_saves_space_and_states_the_size() -> None:
    records = np.zeros(1000, RECORD)
    records["taxon"] = np.arange(1000)
    value = encode(Features(3, records)).value
    assert len(value) < records.nbytes / 4
    assert zstandard.frame_content_size(value[HEADER.size :]) == records.nbytes


def test_a_value_is_at_most_64_kilobytes_and_what_does_not_fit_overflows() -> None:
    cell = noisy(BIG // 10)
    value, overflow = encode(cell)
    assert MAX_VALUE - 1024 < len(value) <= MAX_VALUE
    kept, rest = decode(value), decode(overflow)
    together = np.sort(np.concatenate([kept.records, rest.records]), order="taxon")
    assert together.tobytes() == cell.records.tobytes()
    assert kept.taxa == rest.taxa == len(cell.records)


def test_the_heaviest_taxa_stay() -> None:
    value, overflow = encode(noisy(5000), limit=20_000)
    kept, rest = decode(value).records, decode(overflow).records
    assert kept["year"].min() >= rest["year"].max()
    assert len(value) <= 20_000


def test_of_equal_weights_those_of_the_lowest_numbers_stay() -> None:
    cell = noisy(3000)
    cell.records["year"] = 9
    value, overflow = encode(cell, limit=20_000)
    assert decode(value).records["taxon"].max() < decode(overflow).records["taxon"].min()


def test_both_records_of_a_taxon_stay_or_go_together_by_the_greater_weight() -> None:
    seen, ranges = noisy(3000).records, noisy(3000, 2).records[::2]
    seen["flags"], ranges["flags"] = 0, Flag.RANGE
    cell = Features(3, in_order(np.concatenate([seen, ranges])))
    parts = [decode(part) for part in encode(cell, limit=20_000)]
    kept, rest = (dict.fromkeys(part.records["taxon"].tolist(), 0) for part in parts)
    assert not kept.keys() & rest.keys()
    assert {part.taxa for part in parts} == {3000}
    assert sum(len(part.records) for part in parts) == 4500
    for weights, part in ((kept, parts[0]), (rest, parts[1])):
        for taxon, year in zip(part.records["taxon"].tolist(), part.records["year"].tolist(), strict=True):
            weights[taxon] = max(weights[taxon], year)
    assert min(kept.values()) >= max(rest.values())


def test_both_parts_of_an_overflowing_cell_are_in_order_and_say_the_same_of_the_cell() -> None:
    parts = [decode(part) for part in encode(noisy(5000), limit=20_000)]
    for part in parts:
        assert (np.diff(part.records["taxon"].astype(np.int64)) > 0).all()
    assert parts[0]._replace(records=None) == parts[1]._replace(records=None)


@given(st.integers(100, 400), st.integers(1200, 4000), st.integers(0, 20))
def test_whatever_the_limit_nothing_is_lost(count: int, limit: int, seed: int) -> None:
    value, overflow = encode(noisy(count, seed), limit)
    found = [decode(part) for part in (value, overflow) if part]
    assert len(value) <= limit
    assert sum(len(part.records) for part in found) == count
    assert {part.taxa for part in found} == {count}


def test_a_newer_format_is_refused_by_name() -> None:
    value = bytearray(encode(EXAMPLE).value)
    value[2] = 2
    with pytest.raises(NewerFormatError, match="format 2, this geoid reads 1") as caught:
        decode(bytes(value))
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"GF",
        encode(EXAMPLE).value[:23],
        b"FG" + encode(EXAMPLE).value[2:],
        b"PK\x03\x04" + bytes(60),
        bytes(64),
    ],
)
def test_what_does_not_begin_like_feature_bytes_is_damaged(value: bytes) -> None:
    with pytest.raises(AreaDataError, match="mark of geoid"):
        decode(value)


@given(cells, st.data())
def test_truncated_bytes_are_damaged(cell: Features, data) -> None:
    value = encode(cell).value
    with pytest.raises(AreaDataError):
        decode(value[: data.draw(st.integers(0, len(value) - 1))])


@pytest.mark.parametrize("count", [0, 1, 3, 2**32 - 1])
def test_a_count_that_does_not_fit_the_body_is_damage(count: int) -> None:
    value = bytearray(encode(EXAMPLE).value)
    value[16:20] = struct.pack("<I", count)
    with pytest.raises(AreaDataError, match=f"expected {count} records"):
        decode(bytes(value))


@pytest.mark.parametrize("said", [1980, 1999, 2020, 2768])
def test_a_body_that_lies_about_its_size_is_damage(said: int) -> None:
    frame = bytearray(zstandard.ZstdCompressor().compress(bytes(2000)))
    assert zstandard.frame_content_size(bytes(frame)) == 2000
    frame[5:7] = struct.pack("<H", said - 256)
    assert zstandard.frame_content_size(bytes(frame)) == said
    with pytest.raises(AreaDataError, match="cannot be unpacked"):
        decode(packed(bytes(frame), said // 20))


def test_a_body_that_says_it_is_huge_is_not_unpacked() -> None:
    header = b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", MAX_BODY + 1)
    with pytest.raises(AreaDataError, match=f"say they unpack to {MAX_BODY + 1} bytes"):
        decode(packed(header + bytes(20), 1))


def test_a_body_that_does_not_say_its_size_is_not_unpacked() -> None:
    frame = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(2000))
    with pytest.raises(AreaDataError, match="unpack to -1 bytes"):
        decode(packed(frame, 100))


@given(st.binary(max_size=200), st.integers(0, 12))
def test_junk_in_a_compressed_body_is_damage_or_the_right_number_of_records(junk: bytes, count: int) -> None:
    try:
        found = decode(packed(junk, count))
    except AreaDataError:
        return
    assert len(found.records) == count


def test_the_digest_sees_no_compression() -> None:
    cell = noisy(100)
    value = encode(cell).value
    assert value[3] & ZSTD
    seen = logical(value)
    assert seen[3] == 0
    assert seen[24:] == cell.records.tobytes()
    assert seen[:3] + seen[4:24] == value[:3] + value[4:24]
    assert logical(seen) == seen


@given(cells)
def test_the_digest_sees_every_bit_of_a_value_that_is_not_compressed(cell: Features) -> None:
    small = cell._replace(records=cell.records[:50])
    assert logical(encode(small).value) == encode(small).value


def dump() -> bytes:
    """The example of the README, out of its hex dump."""
    lines = re.findall(r"^[0-9a-f]{4}  ((?:[0-9a-f]{2} ?)+)$", README, re.MULTILINE)
    return bytes.fromhex(" ".join(lines))


def test_the_example_of_the_readme_is_what_its_text_says() -> None:
    found = decode(dump())
    assert found._replace(records=None) == Features(3, None, occurrences=15, weight=15.0, taxa=2)
    first, second = found.records
    assert (first["taxon"], first["year"], Flag(int(first["flags"]))) == (7, 255, Flag.RANGE | Flag.MIGRANT)
    assert [month for month in range(1, 13) if first["months"][month - 1]] == [4, 5, 6, 7, 8, 9]
    assert (second["taxon"], COUNTS[second["year"]], Flag(int(second["flags"]))) == (300, 15, Flag.INTRODUCED)
    assert COUNTS[second["months"]].tolist() == [0, 0, 1, 2, 3, 2, 1, 0, 0, 0, 0, 0]
    assert dump() == encode(EXAMPLE).value


def test_the_fields_of_the_readme_are_the_whole_example_in_order() -> None:
    fields = re.findall(r"^\| ([0-9a-f]{2}) \| `([0-9a-f ]+)` \| ([a-z ]+) \|", README, re.MULTILINE)
    assert b"".join(bytes.fromhex(found) for _, found, _ in fields) == dump()
    assert [int(at, 16) for at, _, _ in fields] == [
        sum(len(bytes.fromhex(found)) for _, found, _ in fields[:number]) for number in range(len(fields))
    ]


def column(title: str, number: int) -> list[str]:
    """A column of the table of the README that begins with this title."""
    table = README[README.index(f"| {title} |") :].split("\n\n")[0]
    return [line.split(" | ")[number].strip("| ") for line in table.splitlines()[2:]]


def test_the_tables_of_the_readme_are_the_layout() -> None:
    header = [struct.calcsize(HEADER.format[: 1 + end]) for end in (0, 2, 3, 4, 5, 6, 7, 8, 9, 10)]
    assert [int(at) for at in column("header offset", 0)] == header
    assert [int(at) for at in column("record offset", 0)] == [RECORD.fields[name][1] for name in RECORD.names]
    assert column("record offset", 2) == list(RECORD.names)
    names = [name.upper().replace(" ", "_") for name in column("flag", 1)]
    assert dict(zip(names, map(int, column("flag", 0)), strict=True)) == {flag.name: flag.value for flag in Flag}


def test_the_readme_says_how_many_records_a_taxon_has_and_when_a_value_is_complete() -> None:
    text = " ".join(README.split())
    assert "at most two records in a cell, one of occurrences and one of a range, in this order" in text
    assert "a value is complete if its records are of as many taxa as `taxa` says" in text
    assert f"its record has the flag {Flag.TOO_COARSE}" in text
    assert "those of the greatest weight of the year stay, with both records where there are two" in text


def test_the_sql_of_the_readme_reads_the_starter_release() -> None:
    lookup, view = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
    pack = f"{(FOLDER / 'starter.areas').as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(pack, uri=True)) as db:
        found = {cell: decode(value) for cell, value in db.execute(lookup)}
        keys = [key for (key,) in db.execute("SELECT key FROM taxa ORDER BY number")]
        wanted = {
            (cell, keys[record["taxon"]], month, int(record["months"][month - 1]), int(record["flags"]))
            for cell, features in found.items()
            for record in features.records
            for month in range(1, 13)
        }
        db.create_function("body", 1, lambda value: decode(value).records.tobytes(), deterministic=True)
        listed = " OR ".join(f"cell = 0x{cell}" for cell in found)
        db.execute(view.replace("ON number = set_number", f"ON number = set_number WHERE {listed}"))
        assert set(db.execute("SELECT cell, taxon, month, weight, flags FROM occurrence")) == wanted
    assert wanted


def test_the_digest_of_the_readme_is_that_of_the_starter_release() -> None:
    assert "`geoid release 2` and a line feed" in README
    found = hashlib.sha256(b"geoid release 2\n")
    heads, bodies = ({resolution: hashlib.sha256() for resolution in range(2, 6)} for _ in range(2))
    with closing(sqlite3.connect(f"{(FOLDER / 'starter.areas').as_uri()}?mode=ro&immutable=1", uri=True)) as db:
        for *facts, lineage, flags, occurrences, cells in db.execute("SELECT * FROM taxa ORDER BY number"):
            taxon = [*facts, json.loads(lineage), flags, occurrences]
            found.update(json.dumps(taxon, ensure_ascii=False, sort_keys=True).encode())
            found.update(zstandard.ZstdDecompressor().decompress(cells))
        rows = db.execute("SELECT cell, bytes FROM cells JOIN sets ON number = set_number ORDER BY cell")
        for cell, one in ((cell, decode(value)) for cell, value in rows):
            head = struct.pack("<QfIII", cell, one.weight, one.occurrences, len(one.records), one.taxa)
            heads[one.resolution].update(head)
            bodies[one.resolution].update(one.records.tobytes())
        for resolution in range(2, 6):
            found.update(heads[resolution].digest() + bodies[resolution].digest())
        assert [(found.hexdigest(),)] == db.execute("SELECT value FROM meta WHERE key = 'digest'").fetchall()
