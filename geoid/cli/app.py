"""The `geoid` command: its subcommands, and the one place where an error becomes a sentence and an exit code."""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from typing import Annotated, NoReturn

import typer

from geoid.cli import doctor, explain, licences, model, options, predict, seed, species
from geoid.errors import INTERRUPTED, GeoidError, StorageError

BROKEN_PIPE = 1
"""Exit code when the reader of stdout is gone, as typer has it."""

app = typer.Typer(
    name="geoid",
    help="Which animal is this, given where and when the photo was taken?",
    epilog="Examples: geoid predict photo.jpg · geoid species --at 51.5,-0.12 · geoid doctor",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("predict", epilog=predict.EXAMPLES)(predict.predict)
app.command("explain", epilog=explain.EXAMPLES)(explain.explain)
app.command("species", epilog=species.EXAMPLES)(species.species)
app.command("seed", epilog=seed.EXAMPLES)(seed.seed)
app.add_typer(model.app, name="model")
app.command("doctor", epilog=doctor.EXAMPLES)(doctor.doctor)
app.command("licences", epilog=licences.EXAMPLES)(licences.licences)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"geoid {version('geoid')}")
        raise typer.Exit


@app.callback()
def geoid(
    profile: Annotated[
        str | None, typer.Option("--profile", help="Settings to start from (GEOID_PROFILE).", metavar="NAME")
    ] = None,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,  # noqa: ARG001
) -> None:
    """Which animal is this, given where and when the photo was taken?"""
    if profile:
        os.environ["GEOID_PROFILE"] = profile


def main() -> None:
    """Run the command line and exit with the code of `geoid.errors`."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's threads do nothing for us and spin while we start
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries mutter about a stranger's file is not part of the answer
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a Windows console may lack a character
    leave(run() if sys.stdout else _said(StorageError("standard output is closed", "redirect it to a file")))


def run() -> int:
    """Run the command line and return its exit code; an error becomes one sentence and a hint on stderr."""
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except GeoidError as error:
        return _said(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        return _said(StorageError(f"the answer cannot be written: {error.strerror or error}", "check the disk's space"))
    except Exception as error:  # noqa: BLE001 - our own mistake must not show the user a traceback unasked
        if os.environ.get("GEOID_LOG__LEVEL") == "debug":
            traceback.print_exc()
        return _said(GeoidError(f"unexpected {type(error).__name__}: {error}", "see why: GEOID_LOG__LEVEL=debug"))
    return 0


def _said(error: GeoidError) -> int:
    options.say(f"error: {error.message}" + (f"\n\nhint: {error.hint}" if error.hint else ""))
    return error.exit_code


def leave(code: int) -> NoReturn:
    """End the process at once: all is written, and taking numpy and onnxruntime down again would take 50 ms."""
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except BrokenPipeError:  # whoever read the answer has seen enough
        code = code or BROKEN_PIPE
    except OSError as error:
        code = _said(StorageError(f"the answer cannot be written: {error.strerror}", "check the disk's space"))
    os._exit(code)
