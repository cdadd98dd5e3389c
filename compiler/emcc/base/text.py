"""Untrusted text (names in a model, file names, what a library says), as the place where it goes may show it."""


def printable(text: str, limit: int | None = 120) -> str:
    """Escape controls, line ends, bidi marks and lone surrogates, for a terminal; keep at most `limit` characters."""
    safe = text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)
    return safe if limit is None or len(safe) <= limit else safe[: limit - 1] + "…"


def for_html(value: object) -> object:
    """Escape what hides or turns text around, for a page whose template escapes the markup; other values stay."""
    return printable(value, None) if type(value) is str else value


def for_comment(text: str) -> str:
    """Escape all but printable ASCII, for a comment line of an emitted file, so that no text can end it."""
    return "".join(c if c.isascii() and c.isprintable() else _escaped(c) for c in text)


def for_path(text: str, limit: int = 200) -> str:
    """Make one name of a file or folder: printable, no separator, not hidden, at most `limit` bytes of UTF-8."""
    plain = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in text)
    return plain.encode()[:limit].decode(errors="ignore").lstrip(".") or "_"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
