"""The documents tell the truth: consoles show what really comes out, links lead somewhere, nothing is left out."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from geoid.cli.app import app
from geoid.core.predictions import AnswerStatus, NarrowingStatus

CHECKOUT = Path(__file__).parents[1]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)#:]+)\)")

_spec = importlib.util.spec_from_file_location("readme", CHECKOUT / "tests" / "docs" / "readme.py")
readme = sys.modules["readme"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(readme)
CONSOLES = list(readme.consoles(README))


@pytest.mark.parametrize("console", CONSOLES, ids=lambda console: console.command)
def test_a_console_shows_what_the_command_prints(console) -> None:
    real = readme.output(console.command, CHECKOUT)
    assert readme.agree(console.shown, real), f"make docs rewrites it\n{real}"


def test_the_comparison_sees_a_wrong_name_and_a_wrong_score() -> None:
    assert readme.agree("koala 0.770 1\n", "koala 0.771 1\n")
    assert not readme.agree("koala 0.770 1\n", "koala 0.790 1\n")
    assert not readme.agree("koala 0.770 1\n", "panda 0.770 1\n")


def test_every_command_is_documented() -> None:
    commands = get_command(app).commands
    assert {name for name in commands if f"geoid {name}" not in README} == set()
    assert {name for name in commands["model"].commands if f"geoid model {name}" not in README} == set()


def test_every_option_of_predict_is_documented() -> None:
    options = [option for one in get_command(app).commands["predict"].params for option in one.opts if "--" in option]
    assert [option for option in options if option not in README] == []


def test_every_status_is_documented() -> None:
    assert [status for status in (*AnswerStatus, *NarrowingStatus) if f"`{status}`" not in README] == []


@pytest.mark.parametrize("document", ["README.md", "fixtures/README.md", "models/README.md"])
def test_every_link_leads_somewhere(document) -> None:
    path = CHECKOUT / document
    links = LINK.findall(path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
    assert {target for target in targets if f"\n{target}:" not in makefile} == set()


def test_every_exit_code_in_the_tree_is_documented() -> None:
    from geoid import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GeoidError)]
    later = {69, 75, 99}  # a server, a throttle and --fail-if come with the commands that can meet them
    assert {kind.exit_code for kind in kinds} - later - {
        int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)
    } == set()


def test_every_photo_is_declared() -> None:
    declared = (CHECKOUT / "fixtures" / "README.md").read_text(encoding="utf-8")
    files = [
        path for folder in ("photos", "demonstration", "formats") for path in (CHECKOUT / "fixtures" / folder).iterdir()
    ]
    assert [path.name for path in files if f"`{path.name}`" not in declared and path.suffix != ".xmp"] == []


def test_the_changelog_has_an_entry_for_what_is_not_released() -> None:
    assert "## Unreleased" in (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
