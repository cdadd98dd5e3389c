"""The boards there are: those that emcc brings, and a user's own file."""

import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.boards.board import Board
from emcc.files import door
from emcc.files.texts import from_toml
from emcc.resources import folder

SUFFIX = ".toml"
_LARGEST = 1 << 16
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@cache
def names() -> tuple[str, ...]:
    """Return the names of the boards that emcc brings, sorted."""
    files = (file.name for file in folder("boards").iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)))


def board(name: str) -> Board:
    """Return the board of that name, or of the file where the name ends in ".toml".

    Raises:
        EmccError: there is no such board; or the file cannot be read, or is wrong, with every wrong key.
    """
    if name.endswith(SUFFIX):
        return parse(_read(Path(name)), name)
    if name not in names():
        near = get_close_matches(name, names(), n=3, cutoff=0.4)
        hint = f"is it {', '.join(near)}?" if near else f"`emcc boards` lists them; a file of your own ends in {SUFFIX}"
        raise EmccError(f"no board {printable(name)!r}", hint=hint)
    return parse((folder("boards") / f"{name}{SUFFIX}").read_text("utf-8"), f"{name}{SUFFIX}")


def label(name: str) -> str:
    """Return what a board's folder is called: its name, or that of its file. EmccError for one with odd letters."""
    result = Path(name).name.removesuffix(SUFFIX)
    if not _LABEL.fullmatch(result):
        raise EmccError("a board's name is of letters, digits, '-' and '_'", file=name, hint="call the file otherwise")
    return result


def parse(text: str, file: object) -> Board:
    """Return the board that a TOML text describes. Raise EmccError with all that is wrong."""
    try:
        return Board.model_validate(from_toml(text))
    except ValidationError as error:
        details = [line for problem in error.errors() for line in _lines(dict(problem))]
        hint = "the boards that emcc brings show every key"
        raise EmccError("is not the description of a board", file=file, details=details, hint=hint) from None
    except ValueError as error:
        raise EmccError(f"not TOML: {printable(str(error))}", file=file) from None


def _read(path: Path) -> str:
    try:
        return door.read(path, _LARGEST).decode("utf-8")
    except OSError as error:
        raise EmccError(f"cannot be read: {error.strerror}", file=path) from None
    except UnicodeDecodeError as error:
        raise EmccError(f"not TOML: not UTF-8 at byte {error.start}", file=path) from None


def _lines(problem: dict[str, object]) -> list[str]:
    """Return a problem of pydantic's as lines: the key, and what is wrong with it."""
    place, kind, message = problem["loc"], problem["type"], str(problem["msg"])
    assert isinstance(place, tuple)
    key = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")
    if kind == "missing":
        return [f"{printable(key)}: is missing"]
    if kind == "extra_forbidden":
        return [f"{printable(key)}: there is no such key"]
    if not key:
        return [printable(line) for line in message.removeprefix("Value error, ").split("\n")]
    return [f"{printable(key)}: {printable(repr(problem['input']), 60)}: {printable(message)}"]
