"""`geoid doctor`: whether this installation works, and which setting came from where."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from geoid.cli.options import Form, FormOption, JsonOption, print_json
from geoid.errors import GeoidError

if TYPE_CHECKING:
    from geoid.settings import Loaded, Settings

EXAMPLES = "Examples: geoid doctor · geoid doctor --settings · geoid doctor --problems · geoid doctor --json"

State = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """What one check found."""

    check: str
    state: State
    text: str
    hint: str = ""


Check = Callable[["Settings"], Finding]


def doctor(
    settings: Annotated[bool, typer.Option("--settings", help="Show each setting, its value and its layer.")] = False,
    problems: Annotated[bool, typer.Option("--problems", help="Explain the problems that photos can have.")] = False,
    form: FormOption = Form.TABLE,
    json: JsonOption = False,
) -> None:
    """Check this installation; exits with the code of the first thing that fails."""
    from geoid import wiring

    loaded = wiring.open_settings()
    as_json = json or form is Form.JSON
    if settings:
        _show_settings(loaded, as_json)
    elif problems:
        _show_problems(as_json)
    else:
        _show_findings(loaded.settings, as_json)


def _show_settings(loaded: Loaded, as_json: bool) -> None:
    if as_json:
        layers = {key: {"value": _shown(value), "layer": layer} for key, (value, layer) in loaded.origins.items()}
        print_json({"format": 1, "settings": layers})
        return
    width = max(map(len, loaded.origins))
    for key, (value, layer) in loaded.origins.items():
        print(f"{key:<{width}}  {_shown(value)!s:<24}  {layer}")


def _shown(value: object) -> object:
    """A value without the password that it may hold."""
    from geoid.core.text import redacted

    secretive = isinstance(value, str) and any(mark in value for mark in ("://", "@", "password"))
    return redacted(str(value)) if secretive else value


def _show_problems(as_json: bool) -> None:
    from geoid.core.problems import MEANINGS

    if as_json:
        print_json({"format": 1, "problems": {problem.value: text for problem, text in MEANINGS.items()}})
        return
    width = max(len(problem) for problem in MEANINGS)
    for problem, text in MEANINGS.items():
        print(f"{problem:<{width}}  {text}")


def _show_findings(settings: Settings, as_json: bool) -> None:
    findings, codes = [], []
    for check in CHECKS:
        try:
            findings.append(check(settings))
        except GeoidError as error:
            findings.append(Finding(_title(check), "fail", error.message, error.hint))
            codes.append(error.exit_code)
        if not as_json:
            _show(findings[-1])
    if as_json:
        print_json({"format": 1, "checks": [_document(finding) for finding in findings]})
    if codes:
        raise typer.Exit(codes[0])


def _show(finding: Finding) -> None:
    print(f"{finding.state:<4}  {finding.check:<10}  {finding.text}")
    if finding.hint:
        print(f"{'':<4}  {'':<10}  hint: {finding.hint}")


def _document(finding: Finding) -> dict[str, str]:
    return {"check": finding.check, "state": finding.state, "text": finding.text, "hint": finding.hint}


def _title(check: Check) -> str:
    return check.__name__.removeprefix("_check_")


def _check_python(settings: Settings) -> Finding:  # noqa: ARG001 - a `Check`
    from geoid import wiring

    version = platform.python_version()
    return Finding("python", "ok", f"{version} on {sys.platform}, {wiring.cores()} cores")


def _check_packages(settings: Settings) -> Finding:  # noqa: ARG001 - a `Check`
    from importlib.metadata import version

    names = ("geoid", "numpy", "onnxruntime", "pillow", "exifread", "h3")
    return Finding("packages", "ok", ", ".join(f"{name} {version(name)}" for name in names))


def _check_formats(settings: Settings) -> Finding:  # noqa: ARG001 - a `Check`
    from geoid import wiring

    formats = wiring.image_formats()
    missing = [name for name, there in formats.items() if not there]
    text = ", ".join(name for name, there in formats.items() if there)
    if missing:
        return Finding("formats", "warn", f"{text}; not {', '.join(missing)}", "pip install pi-heif")
    return Finding("formats", "ok", text)


def _check_model(settings: Settings) -> Finding:
    from geoid import wiring

    found = wiring.open_library(settings).verify(settings.model.name, wiring.run_model)
    return Finding("model", "ok", f"{settings.model.name}, verified, {found.ready.path}")


def _check_cards(settings: Settings) -> Finding:
    from geoid import wiring

    library = wiring.open_library(settings)
    problems = library.problems()
    if problems:
        return Finding("cards", "warn", "; ".join(problem.message for problem in problems), problems[0].hint)
    return Finding("cards", "ok", ", ".join(card.name for card in library.cards()))


def _check_areas(settings: Settings) -> Finding:
    """The area data: its release, what it rests on, and how much of the model it covers."""
    from geoid import wiring
    from geoid.core.releases import Kind

    areas = wiring.open_species(settings, cached=False)
    areas.path.database.store.ping()
    release = areas.release()
    matched = areas.matched(release)
    covered, known = int((matched.model_of >= 0).sum()), len(areas.known.keys)
    text = f"{_shown(settings.areas.store)} {release.name}, {release.kind}, {len(matched.model_of):,} taxa"
    if release.kind is not Kind.RANGES:
        text += f", {sum(taxon.occurrences for taxon in areas.taxa(release)):,} records"
    text += f", {covered:,} of {known:,} of the model's"
    if covered < known:
        return Finding("areas", "warn", text, "taxa without area data count as unknown everywhere")
    return Finding("areas", "ok", text)


def _check_cache(settings: Settings) -> Finding:
    """The cache that processes share, if there is one."""
    from time import perf_counter

    from geoid import wiring

    cache = wiring.open_cache(settings)
    if cache is None:
        return Finding("cache", "ok", f"memory: this process alone, up to {settings.cache.bytes / 1e6:.0f} MB")
    cache.put({"geoid:doctor": b"well"}, 1)
    begun = perf_counter()
    cache.get(["geoid:doctor"])
    return Finding("cache", "ok", f"{_shown(settings.cache.url)} answers in {(perf_counter() - begun) * 1000:.1f} ms")


def _check_answer(settings: Settings) -> Finding:
    """The whole pipeline on a grey picture, in which there is no animal."""
    from geoid import wiring

    prediction = wiring.open_pipeline(settings).predict("grey picture", wiring.grey_picture())
    steps = ", ".join(f"{step} {spent:.0f} ms" for step, spent in prediction.timings_ms.items())
    state: State = "ok" if prediction.ranking.status.value == "no-animal" else "warn"
    return Finding("answer", state, f"{prediction.ranking.status.value} in a grey picture ({steps})")


CHECKS: tuple[Check, ...] = (
    _check_python,
    _check_packages,
    _check_formats,
    _check_cards,
    _check_model,
    _check_areas,
    _check_cache,
    _check_answer,
)
