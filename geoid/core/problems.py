"""The closed list of problems that reading a photo's metadata can report; each has a name that reaches the output."""

from __future__ import annotations

from enum import StrEnum


class Problem(StrEnum):
    """A problem met in a photo's metadata; the member's value is what the output says."""

    GPS_EMPTY = "gps-empty"
    GPS_INCOMPLETE = "gps-incomplete"
    GPS_NO_HEMISPHERE = "gps-no-hemisphere"
    GPS_MALFORMED = "gps-malformed"
    GPS_ZERO_DENOMINATOR = "gps-zero-denominator"
    GPS_OUT_OF_RANGE = "gps-out-of-range"
    GPS_ZERO = "gps-zero"
    GPS_VOID = "gps-void"
    GPS_OTHER_DATUM = "gps-other-datum"
    GPS_BAD_UNCERTAINTY = "gps-bad-uncertainty"
    DATE_BLANK = "date-blank"
    DATE_MALFORMED = "date-malformed"
    DATE_INCOMPLETE = "date-incomplete"
    DATE_BAD_TIME = "date-bad-time"
    DATE_TOO_EARLY = "date-too-early"
    DATE_IN_FUTURE = "date-in-future"
    DATE_RESET_CLOCK = "date-reset-clock"
    DATE_MODIFIED_ONLY = "date-modified-only"
    DATE_FROM_GPS = "date-from-gps"
    EXIF_BROKEN = "exif-broken"
    XMP_BROKEN = "xmp-broken"
    XMP_REFUSED = "xmp-refused"
    SIDECAR_BROKEN = "sidecar-broken"
    SIDECAR_REFUSED = "sidecar-refused"
    SIDECAR_UNREADABLE = "sidecar-unreadable"


MEANINGS: dict[Problem, str] = {
    Problem.GPS_EMPTY: "the GPS block holds no position of the camera, so it was not used",
    Problem.GPS_INCOMPLETE: "only one of latitude and longitude is there, so neither was used",
    Problem.GPS_NO_HEMISPHERE: "the letter for north or south, or for east or west, is missing or unknown, so the "
    "position was not used",
    Problem.GPS_MALFORMED: "latitude or longitude is not written as degrees, minutes and seconds, so the position was "
    "not used",
    Problem.GPS_ZERO_DENOMINATOR: "a part of the position is a fraction over zero, which cameras write without a fix, "
    "so it was not used",
    Problem.GPS_OUT_OF_RANGE: "degrees, minutes or seconds are outside their range, so the position was not used",
    Problem.GPS_ZERO: "the position is exactly 0, 0, which cameras write without a fix, so it was not used",
    Problem.GPS_VOID: "the receiver had lost its fix, so the position may be an earlier one; it was used",
    Problem.GPS_OTHER_DATUM: "the position is not in WGS 84, so it may be off by a kilometre; it was used",
    Problem.GPS_BAD_UNCERTAINTY: "the stated error of the position is not a positive number, so it was left out",
    Problem.DATE_BLANK: "a capture date is there but blank, as cameras write it when their clock is not set",
    Problem.DATE_MALFORMED: "a capture date cannot be read as a date, so it was not used",
    Problem.DATE_INCOMPLETE: "a capture date names only a year or a month, so it was not used",
    Problem.DATE_BAD_TIME: "the time of day is written with the hour 24; the date was used",
    Problem.DATE_TOO_EARLY: "a capture date is before 1990, so it was not used",
    Problem.DATE_IN_FUTURE: "a capture date is later than tomorrow, so it was not used",
    Problem.DATE_RESET_CLOCK: "a capture date is the one a camera's clock starts from, so it was not used",
    Problem.DATE_MODIFIED_ONLY: "only the date of the last change is there, which is not the capture date",
    Problem.DATE_FROM_GPS: "the date comes from the GPS clock, shifted to local time, and may be a day off",
    Problem.EXIF_BROKEN: "the EXIF block is damaged; what could be read of it was used",
    Problem.XMP_BROKEN: "the XMP in the photo is not well-formed XML or far too long; what could be read was used",
    Problem.XMP_REFUSED: "the XMP in the photo declares a document type, is over 4 MB or is nested too deeply, so it "
    "was not used",
    Problem.SIDECAR_BROKEN: "the XMP sidecar is not well-formed XML or far too long; what could be read was used",
    Problem.SIDECAR_REFUSED: "the XMP sidecar declares a document type or is nested too deeply, so it was not used",
    Problem.SIDECAR_UNREADABLE: "the XMP sidecar cannot be opened or is over 4 MB, so it was not used",
}
"""What each problem means and what was done about it, in one sentence."""
