"""`geoid licences`: the terms of everything that answers."""

from __future__ import annotations

from geoid.cli.options import Form, FormOption, JsonOption, print_json

EXAMPLES = "Examples: geoid licences · geoid licences --json"
TITLES = {"code": "Code", "weights": "Weights", "data": "Data", "photos": "Photos"}


def licences(form: FormOption = Form.TABLE, json: JsonOption = False) -> None:
    """List code, weights, data and photos with their terms."""
    from geoid import wiring

    terms = wiring.licences(wiring.open_settings().settings)
    if json or form is Form.JSON:
        print_json({"format": 1, "licences": [term.document() for term in terms]})
        return
    width = max(len(term.name) for term in terms)
    for kind, title in TITLES.items():
        print(f"{title}")
        for term in (term for term in terms if term.kind == kind):
            print(f"  {term.name:<{width}}  {term.licence:<34}  {term.source}")
