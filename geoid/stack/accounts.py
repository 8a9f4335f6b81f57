"""Who the servers run as: never root, which PostgreSQL refuses and which no server of ours needs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import platformdirs

from geoid.errors import UnavailableError

ROOT_STATE = Path("/var/lib/geoid")
"""State of servers that root starts: every folder above it may be entered by anyone, as `/root` may not."""


class Account(NamedTuple):
    """A user of this machine that is not root."""

    name: str
    uid: int
    gid: int


def account(environ: Mapping[str, str] = os.environ) -> Account:
    """Who servers run as: ourselves, or where we are root who called sudo, else `postgres`, else `nobody`.

    Raises `UnavailableError` where root finds none of them.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(f"number {uid}", uid, os.getegid())
    for name in (environ.get("SUDO_UID", ""), "postgres", "nobody"):
        found = _known(name)
        if found is not None and found.uid != 0:
            return found
    raise UnavailableError("servers do not run as root, and there is no other user", "create a user `nobody`")


def _known(name: str) -> Account | None:
    import pwd

    try:
        entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def drop(who: Account) -> dict[str, object]:
    """The arguments of `subprocess` that make a child run as `who`; none where we are that user."""
    if os.geteuid() != 0:
        return {}
    return {"user": who.uid, "group": who.gid, "extra_groups": []}


def default_state() -> Path:
    """The folder for the state of servers where none is named."""
    return ROOT_STATE if os.geteuid() == 0 else platformdirs.user_state_path("geoid", appauthor=False)


def reachable(path: Path, who: Account) -> bool:
    """Whether `who` may enter every folder above `path`, and read and execute what is there."""
    whole = path.resolve()
    try:
        return all(_may(folder, who, stat.S_IXOTH) for folder in whole.parents) and _may(
            whole, who, stat.S_IROTH | stat.S_IXOTH
        )
    except OSError:
        return False


def _may(path: Path, who: Account, wanted: int) -> bool:
    found = path.stat()
    mode = found.st_mode
    if found.st_uid == who.uid:
        mode >>= 6
    elif found.st_gid == who.gid:
        mode >>= 3
    return mode & wanted == wanted


def give(paths: Iterable[Path], who: Account) -> None:
    """Make `who` the owner, where we are root and can."""
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, who.uid, who.gid, follow_symlinks=False)


def own_folder(path: Path, who: Account) -> Path:
    """A folder that only `who` may enter, made if need be.

    Raises `UnavailableError` where `who` cannot get there.
    """
    path.mkdir(parents=True, exist_ok=True)
    give([path], who)
    path.chmod(0o700)
    if not reachable(path, who):
        what = f"user {who.name}, whom the servers run as, cannot enter {path}"
        raise UnavailableError(what, f"choose a state folder that others may enter, such as one below {ROOT_STATE}")
    return path


def own_file(path: Path, text: str, who: Account) -> Path:
    """A file that only `who` may read, replaced whole; a link that lies there is not followed."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    give([fresh], who)
    os.replace(fresh, path)
    return path
