"""Where and when a photo was taken: EXIF, then the XMP in the file, then its sidecar, each asked only if needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from geoid.adapters.exif import ExifFields, read_exif
from geoid.core.blocks import blocks
from geoid.core.captures import merge
from geoid.core.dates import exif_date, first_date, gps_date
from geoid.core.positions import FoundPosition, exif_position, xmp_position
from geoid.core.problems import Problem
from geoid.core.values import Capture, CaptureDate, Location, Photo, Source
from geoid.core.xmp import Fault, read_xmp
from geoid.errors import BadInputError

Sidecar = Callable[[str], bytes | None]

_FAULTS: dict[tuple[Source, Fault], Problem] = {
    (Source.XMP, "broken"): Problem.XMP_BROKEN,
    (Source.XMP, "refused"): Problem.XMP_REFUSED,
    (Source.SIDECAR, "broken"): Problem.SIDECAR_BROKEN,
    (Source.SIDECAR, "refused"): Problem.SIDECAR_REFUSED,
}


def no_sidecar(name: str) -> bytes | None:  # noqa: ARG001 - a `Sidecar`
    """The sidecar of a photo that has none, as in a function or a web server."""
    return None


class PhotoMetadata:
    """Reads location and date from a photo and from what lies beside it.

    `sidecar` returns the bytes of the XMP file that belongs to a name, None if there is none, and raises
    `BadInputError` or `OSError` if it cannot be used. `now` bounds the dates that are believed.
    """

    def __init__(self, sidecar: Sidecar = no_sidecar, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._sidecar = sidecar
        self._now = now

    def read(self, photo: Photo) -> Capture:
        """Read location and date, decided independently, and name every problem met; never raises.

        A source is asked only while the ones before it leave something open. The GPS clock comes last: it is in
        UTC, and any written date is better.
        """
        found = blocks(photo.data)
        exif = read_exif(found.exif) if found.exif is not None else ExifFields({})
        capture = self._from_exif(exif)
        if found.xmp is not None and _open(capture):
            capture = merge((capture, self._from_xmp(found.xmp, Source.XMP)))
        if _open(capture):
            capture = merge((capture, self._from_sidecar(photo.name)))
        return merge((capture, self._from_gps_clock(exif, capture.location))) if capture.date is None else capture

    def _from_exif(self, exif: ExifFields) -> Capture:
        position, date = exif_position(exif.fields), exif_date(exif.fields, self._now())
        broken = (Problem.EXIF_BROKEN,) if exif.broken else ()
        return Capture(
            location=_location(position, Source.EXIF),
            date=None if date.value is None else CaptureDate(date.value, Source.EXIF),
            problems=(*broken, *position.problems, *date.problems),
        )

    def _from_xmp(self, packet: bytes, source: Source) -> Capture:
        properties = read_xmp(packet)
        position, date = xmp_position(properties.position), first_date(properties.dates, self._now())
        fault = (_FAULTS[source, properties.fault],) if properties.fault is not None else ()
        return Capture(
            location=_location(position, source),
            date=None if date.value is None else CaptureDate(date.value, source),
            problems=(*fault, *position.problems, *date.problems),
        )

    def _from_sidecar(self, name: str) -> Capture:
        try:
            packet = self._sidecar(name)
        except (BadInputError, OSError):
            return Capture(problems=(Problem.SIDECAR_UNREADABLE,))
        return Capture() if packet is None else self._from_xmp(packet, Source.SIDECAR)

    def _from_gps_clock(self, exif: ExifFields, location: Location | None) -> Capture:
        longitude = location.coordinates.longitude if location is not None else None
        date = gps_date(exif.fields, longitude, self._now())
        return Capture(
            date=None if date.value is None else CaptureDate(date.value, Source.EXIF), problems=date.problems
        )


def _open(capture: Capture) -> bool:
    return capture.location is None or capture.date is None


def _location(position: FoundPosition, source: Source) -> Location | None:
    return None if position.coordinates is None else Location(position.coordinates, source)
