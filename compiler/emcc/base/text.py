"""Untrusted text (names in a model, file names, what a library says), as the place where it goes may show it."""


def printable(text: str, limit: int | None = 120) -> str:
    """For a terminal: at most `limit` characters; controls, line ends, bidi marks and lone surrogates are escaped."""
    safe = text if text.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in text)
    return safe if limit is None or len(safe) <= limit else safe[: limit - 1] + "…"


def for_html(value: object) -> object:
    """For a page, before the template escapes its markup: text without what hides or turns text around."""
    return printable(value, None) if type(value) is str else value


def for_comment(text: str) -> str:
    """For a comment line of an emitted file: printable ASCII, so that no text can end the line."""
    return "".join(c if c.isascii() and c.isprintable() else _escaped(c) for c in text)


def for_path(text: str, limit: int = 200) -> str:
    """For one name of a file or folder that emcc makes: no separator, nothing hidden, at most `limit` bytes."""
    plain = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in text)
    return plain.encode()[:limit].decode(errors="ignore").lstrip(".") or "_"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
