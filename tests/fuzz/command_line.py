"""Mutated photos through the `geoid` command: exit codes, manners, and good photos among bad ones."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mutations import Mutant

COMMAND = Path(sys.executable).with_name("geoid")
ALLOWED = (0, 65)
A_PHOTO_S = 30
"""Seconds for a cold start and a photo, on a machine that has much else to do."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something the command should not have done with these files."""

    files: Sequence[Path]
    what: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the command wrote, and how it ended."""

    files: Sequence[Path]
    code: int | None
    stdout: str
    stderr: str


def write_photos(mutants: Sequence[Mutant], folder: Path) -> list[Path]:
    """Each photo as a file of its own, named after its number."""
    paths = []
    for mutant in mutants:
        path = folder / f"{mutant.number:05}.jpg"
        path.write_bytes(mutant.data)
        paths.append(path)
    return paths


def ask(files: Sequence[Path]) -> Answer:
    """`geoid predict --json` on some files; the code is None if it did not come back."""
    command = [str(COMMAND), "predict", "--json", *map(str, files)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=A_PHOTO_S + 3 * len(files))
    except subprocess.TimeoutExpired:
        return Answer(files, None, "", "")
    return Answer(files, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8", "replace"))


def complaints(answer: Answer, good: Sequence[Path] = ()) -> Iterator[Complaint]:
    """Everything wrong with an answer; `good` are the files that must have got a prediction."""
    if answer.code is None:
        yield Complaint(answer.files, "no end")
        return
    if answer.code not in ALLOWED:
        yield Complaint(answer.files, f"exit code {answer.code}: {answer.stderr}")
        return
    lines = [line for line in answer.stderr.splitlines() if line and not line.startswith(("error: ", "hint: "))]
    if lines:
        yield Complaint(answer.files, f"said on stderr: {lines}")
    yield from (Complaint(answer.files, what) for what in _wrong_documents(answer, good))


def _wrong_documents(answer: Answer, good: Sequence[Path]) -> Iterator[str]:
    try:
        parsed = json.loads(answer.stdout)
    except ValueError as error:
        yield f"no JSON: {error}: {answer.stdout[:200]}"
        return
    documents = parsed if isinstance(parsed, list) else [parsed]
    paths = [document["photo"]["path"] for document in documents]
    if paths != list(map(str, answer.files)):
        yield f"answers for {paths}"
    failed = {document["photo"]["path"] for document in documents if "error" in document}
    if answer.code != (65 if failed else 0):
        yield f"exit code {answer.code}, and {len(failed)} of {len(documents)} failed"
    yield from (f"no answer for the good photo {path}" for path in good if str(path) in failed)
