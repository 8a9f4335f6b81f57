"""`geoid model`: the models geoid can use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geoid.cli.options import Form, FormOption, JsonOption, print_json, say

if TYPE_CHECKING:
    from geoid.core.models import ModelCard
    from geoid.zoo.library import Library

app = typer.Typer(
    help="The models geoid can use: list, show, add, verify.",
    epilog="Examples: geoid model list · geoid model show efficientnet-lite2 · geoid model verify efficientnet-lite2",
    no_args_is_help=True,
    rich_markup_mode=None,
)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="A model; geoid model list names them.")]


def _library() -> Library:
    from geoid import wiring

    return wiring.open_library(wiring.open_settings().settings)


@app.command("list", epilog="Examples: geoid model list · geoid model list --json")
def list_models(form: FormOption = Form.TABLE, json: JsonOption = False) -> None:
    """List the models, the default first."""
    library = _library()
    for problem in library.problems():
        say(f"warning: {problem.message}")
    cards = library.cards()
    if json or form is Form.JSON:
        print_json({"format": 1, "models": [_summary(card) for card in cards]})
        return
    width = max(len(card.name) for card in cards)
    for card in cards:
        print(f"{card.name:<{width}}  {card.licence:<10}  {card.summary}")


@app.command(epilog="Examples: geoid model show efficientnet-lite2 · geoid model show efficientnet-lite0 --json")
def show(name: NameArgument, form: FormOption = Form.TABLE, json: JsonOption = False) -> None:
    """Show a model's card and where its built file is; builds it on first use."""
    from geoid import wiring

    library = _library()
    card = library.card(name)
    path = library.path(name, wiring.run_model)
    if json or form is Form.JSON:
        print_json({**_card(card), "path": str(path)})
        return
    for key, value in {**_flat(_card(card)), "path": path}.items():
        print(f"{key:<24}  {value}")


@app.command(epilog="Examples: geoid model add birds.onnx · geoid model add birds.onnx --card birds.json")
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="An ONNX classifier.")],
    card: Annotated[Path | None, typer.Option(help="Its card.  [default: FILE.json beside it]")] = None,
) -> None:
    """Add a model: an ONNX file, its card, and the label file that the card names, are copied to your own models."""
    from geoid import wiring

    library = _library()
    added = library.add(file, card, wiring.run_model)
    say(f"added {added.name}: geoid predict photo.jpg --model {added.name}")
    print(added.name)


@app.command(epilog="Examples: geoid model verify efficientnet-lite2 · geoid model verify efficientnet-lite0 --json")
def verify(name: NameArgument, form: FormOption = Form.TABLE, json: JsonOption = False) -> None:
    """Check a model's weights, its built file, and its answer to a stored input."""
    from geoid import wiring

    found = _library().verify(name, wiring.run_model)
    facts = {"name": name, "path": str(found.ready.path), "pinned_bytes": found.pinned, "difference": found.difference}
    if json or form is Form.JSON:
        print_json({"format": 1, **facts})
        return
    difference = "no check in its card" if found.difference is None else f"stored input within {found.difference:.2g}"
    print(f"{name}: {'the pinned bytes' if found.pinned else 'other bytes than pinned'}, {difference}")


def _summary(card: ModelCard) -> dict[str, object]:
    keys = ("name", "title", "summary", "licence", "published_accuracy", "sha256")
    return {key: getattr(card, key) for key in keys}


def _card(card: ModelCard) -> dict[str, object]:
    import dataclasses

    return dataclasses.asdict(card)


def _flat(document: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in document.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            flat[f"{prefix}{key}"] = value
    return flat
