"""XMP packets: what is found, what is refused, and that nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoid.core.xmp import MAX_ATTRIBUTES, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, XmpProperties, read_xmp

HEAD = (
    '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description'
    ' xmlns:e="http://ns.adobe.com/exif/1.0/" xmlns:x="http://cipa.jp/exif/1.0/"'
    ' xmlns:p="http://ns.adobe.com/photoshop/1.0/" xmlns:m="http://ns.adobe.com/xap/1.0/"'
)
TAIL = "</r:Description></r:RDF>"
FOUND = XmpProperties({"GPSLatitude": "51,30N"})


def packet(attributes: str = "", elements: str = "") -> bytes:
    """A packet with one description."""
    return f"{HEAD} {attributes}>{elements}{TAIL}".encode()


def test_dates_come_in_the_order_of_trust_and_not_of_writing() -> None:
    written = 'm:CreateDate="2003-01-02" p:DateCreated="2002-01-02" e:DateTimeOriginal="2001-01-02"'
    assert read_xmp(packet(written)).dates == ("2001-01-02", "2002-01-02", "2003-01-02")


def test_the_first_value_of_a_property_counts() -> None:
    assert read_xmp(packet('e:GPSLatitude="51,30N"', "<e:GPSLatitude>1,2S</e:GPSLatitude>")) == FOUND


def test_text_in_pieces_is_one_value() -> None:
    pieces = "<e:GPSLatitude>51,<!-- a comment -->30<![CDATA[N]]></e:GPSLatitude>"
    assert read_xmp(packet(elements=pieces)) == FOUND


def test_the_error_of_the_newer_namespace_is_read_and_the_older_one_wins() -> None:
    assert read_xmp(packet('x:GPSHPositioningError="5"')).position == {"GPSHPositioningError": "5"}
    both = packet('x:GPSHPositioningError="5" e:GPSHPositioningError="6"')
    assert read_xmp(both).position == {"GPSHPositioningError": "6"}


@pytest.mark.parametrize(
    "elements",
    [
        "<m:Thing><e:GPSLatitude>51,30N</e:GPSLatitude></m:Thing>",
        '<m:Thing><r:Description e:GPSLatitude="51,30N"/></m:Thing>',
        '<m:Thing><r:RDF><r:Description e:GPSLatitude="51,30N"/></r:RDF></m:Thing>',
        "<e:GPSLatitude><r:Seq><r:li>51,30N</r:li></r:Seq></e:GPSLatitude>",
        f"<e:GPSLatitude>{'1' * 300}</e:GPSLatitude>",
        "<e:GPSLatitude>  </e:GPSLatitude>",
    ],
)
def test_what_is_nested_long_or_blank_is_no_property(elements: str) -> None:
    assert read_xmp(packet(elements=elements)) == XmpProperties()


@pytest.mark.parametrize(
    "document",
    [
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://example.com/x"> %b;]><a/>',
        b"<a>" * (MAX_DEPTH + 1),
        b" " * (MAX_BYTES + 1),
        b"<a " + b" ".join(b'b%d=""' % number for number in range(MAX_ATTRIBUTES + 1)) + b"/>",
    ],
    ids=["doctype", "outside", "entity", "parameter entity", "deep", "large", "attributes"],
)
def test_a_packet_that_asks_for_trouble_is_refused(document: bytes) -> None:
    assert read_xmp(document) == XmpProperties(fault="refused")


def test_a_document_type_behind_a_position_takes_the_position_with_it() -> None:
    assert read_xmp(packet('e:GPSLatitude="51,30N"') + b"<!DOCTYPE a>").fault is not None


@pytest.mark.parametrize("rest", ["<open>", "&undefined;", "<q:unbound/>", "</wrong>", "\x01"])
def test_what_stands_before_a_fault_is_kept(rest: str) -> None:
    found = read_xmp(packet('e:GPSLatitude="51,30N"', rest))
    assert found == XmpProperties({"GPSLatitude": "51,30N"}, fault="broken")


def test_a_packet_with_more_elements_than_any_photo_needs_is_left_there() -> None:
    found = read_xmp(
        packet('e:GPSLatitude="51,30N"', "<a/>" * MAX_ELEMENTS + "<m:CreateDate>2001-01-02</m:CreateDate>")
    )
    assert found == XmpProperties({"GPSLatitude": "51,30N"}, fault="broken")


def test_a_declared_encoding_does_not_matter() -> None:
    declared = b'<?xml version="1.0" encoding="ISO-8859-1"?>' + packet('e:GPSLatitude="51,30N" e:Other="\xff"')
    assert read_xmp(declared) == FOUND


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_raising(data: bytes) -> None:
    assert read_xmp(data).fault in {None, "broken", "refused"}


@given(st.integers(0, 500), st.binary(max_size=6))
def test_a_damaged_packet_is_read_without_raising(at: int, junk: bytes) -> None:
    whole = packet(
        'e:GPSLatitude="51,30N" e:GPSLongitude="0,7W"', "<e:DateTimeOriginal>2019-05-01</e:DateTimeOriginal>"
    )
    assert set(read_xmp(whole[:at] + junk + whole[at + len(junk) :]).position) <= {"GPSLatitude", "GPSLongitude"}
