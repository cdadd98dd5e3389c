"""The files of the RTL library that a design is made of."""

from collections.abc import Container, Iterable

from emcc.resources import folder

HEADER = "emcc_assert.svh"
"""What modules include: it stands beside them and is no file of its own."""


NEXT_INPUT = "EMCC_NEXT_INPUT"
"""What a module has for designs that receive the next input while this one runs stands in `ifdef of that."""

HOST_WAIT = "EMCC_HOST_WAIT"
"""The same, for designs whose host waits before it sends what it has received just before: Plan.host_wait."""

SPLIT = "EMCC_SPLIT"
"""The same, for designs in which some pass splits: Pass.split."""

SIDES = (NEXT_INPUT, HOST_WAIT, SPLIT)


def library(names: Iterable[str], defined: Container[str] = ()) -> dict[str, bytes]:
    """Return modules by their file's name in an artefact, and the header that they include.

    A design has one of both sides of each of SIDES, and no trace of the other.
    """
    place = folder("rtl")
    files = {f"rtl/{name}": (place / name).read_bytes() for name in (HEADER, *(f"{name}.sv" for name in names))}
    texts = {name: content.decode() for name, content in files.items()}
    for macro in SIDES:
        texts = {name: one_side(text, macro, macro in defined) for name, text in texts.items()}
    return {name: text.encode() for name, text in texts.items()}


def one_side(text: str, name: str, defined: bool) -> str:
    """Return a text as it is where a macro is defined, or is not; all other conditions stay."""
    if name not in text:
        return text
    lines: list[str] = []
    sides: list[bool | None] = []
    for line in text.splitlines(keepends=True):
        word, *of = line.split()[:2] or [""]
        if word in ("`ifdef", "`ifndef"):
            sides.append((word == "`ifdef") == defined if of == [name] else None)
            own = sides[-1] is not None
        elif word in ("`else", "`endif") and sides:
            own = sides[-1] is not None
            if own and word == "`else":
                sides[-1] = not sides[-1]
            elif word == "`endif":
                sides.pop()
        else:
            own = False
        if not own and False not in sides:
            lines.append(line)
    return "".join(lines)
