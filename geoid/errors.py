"""Everything that can go wrong, as one tree; each leaf has its exit code and a stable name for JSON.

GeoidError                1  something failed that has no better name
├── UsageError            2  the command line does not make sense
├── BadInputError        65  a photo or a data file cannot be used
│   ├── UnreadablePhoto      the file cannot be opened or read
│   ├── EmptyPhoto           the file holds no bytes
│   ├── NotAPhoto            the bytes are not an image of a format geoid reads
│   ├── BrokenPhoto          the image is truncated or damaged
│   ├── HugePhoto            the image is over the size or pixel limit
│   └── NoPhotos             a folder or a pattern holds no photo
├── AreaDataError        65  area data is damaged, or is none at all
├── UnknownTaxon          2  no taxon goes by that name
├── UnknownRelease        2  no release goes by that name
├── NoLocationError      66  --require-location, and there is no usable location
├── UnavailableError     69  a server, an engine, a binary or a free port is missing
│   └── ReleaseGone          a release is not in the store, or not any more
├── ModelError           70  a model, its card or its labels do not fit
├── StorageError         74  a file cannot be written, or the disk is full
├── ThrottledError       75  the service asks to come back later
├── SettingsError        78  a setting, a credential or a schema version is wrong
│   ├── NewerFormatError     a file was written by a newer geoid
│   └── NoReleaseError       a store holds no area data yet
└── LimitBrokenError     99  a --fail-if limit was broken
"""

from __future__ import annotations

import re
from typing import ClassVar

INTERRUPTED = 130
"""Exit code after Ctrl-C (128 + SIGINT), as every shell expects."""


class GeoidError(Exception):
    """Something failed; `message` is one sentence, `hint` says what to do next."""

    exit_code: ClassVar[int] = 1
    kind: ClassVar[str] = "error"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __init_subclass__(cls) -> None:
        """Name the kind after the class: `NotAPhoto` is `not-a-photo` in every output."""
        cls.kind = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__.removesuffix("Error")).lower()


class UsageError(GeoidError):
    """The command line does not make sense."""

    exit_code = 2


class BadInputError(GeoidError):
    """A photo or a data file cannot be used."""

    exit_code = 65


class UnreadablePhoto(BadInputError):
    """The file cannot be opened or read."""


class EmptyPhoto(BadInputError):
    """The file holds no bytes."""


class NotAPhoto(BadInputError):
    """The bytes are not an image of a format geoid reads."""


class BrokenPhoto(BadInputError):
    """The image is truncated or damaged."""


class HugePhoto(BadInputError):
    """The image is over the size or pixel limit."""


class NoPhotos(BadInputError):
    """A folder or a pattern holds no photo."""


class AreaDataError(GeoidError):
    """Area data is damaged, or is none at all; no fault of a photo, so it stops a run."""

    exit_code = 65


class UnknownTaxon(GeoidError):
    """No taxon goes by that name."""

    exit_code = 2


class UnknownRelease(GeoidError):
    """No release goes by that name."""

    exit_code = 2


class NoLocationError(GeoidError):
    """--require-location was asked for, and there is no usable location."""

    exit_code = 66


class UnavailableError(GeoidError):
    """A server, an engine, a binary or a free port is missing."""

    exit_code = 69


class ReleaseGone(UnavailableError):
    """A release is not in the store, or not any more."""


class ModelError(GeoidError):
    """A model, its card or its labels do not fit."""

    exit_code = 70


class StorageError(GeoidError):
    """A file cannot be written, or the disk is full."""

    exit_code = 74


class ThrottledError(GeoidError):
    """The service asks to come back later."""

    exit_code = 75


class SettingsError(GeoidError):
    """A setting, a credential or a schema version is wrong."""

    exit_code = 78


class NewerFormatError(SettingsError):
    """A file was written by a newer geoid."""


class NoReleaseError(SettingsError):
    """A store holds no area data yet."""


class LimitBrokenError(GeoidError):
    """A --fail-if limit was broken."""

    exit_code = 99


PRECEDENCE = (INTERRUPTED, 65, 66, 69, 99)
"""Which exit code wins when several apply: the first of these."""


def exit_code(codes: set[int]) -> int:
    """The one exit code for a run that met several: the first in `PRECEDENCE`, else the highest."""
    for code in PRECEDENCE:
        if code in codes:
            return code
    return max(codes, default=0)
