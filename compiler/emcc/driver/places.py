"""What an artefact may hold beside the array (--target), and where the weights of its hls/ may be (--weights)."""

from emcc.base.errors import EmccError
from emcc.base.text import printable

TARGETS = ("eie", "hls", "c")
WEIGHTS = ("rom", "external")


def targets_of(text: str) -> tuple[str, ...]:
    """Return the targets that a text names, "c,hls" for several, in their order. EmccError where there is none such."""
    named = {name.strip() for name in text.split(",")}
    unknown = sorted(named - set(TARGETS))
    if unknown:
        raise EmccError(f"no target {printable(unknown[0])!r}", hint=f"there is {', '.join(TARGETS)}")
    return tuple(name for name in TARGETS if name in named)


def check_weights(weights: str, targets: tuple[str, ...]) -> None:
    """EmccError where there is no such place for the weights of hls/, or no hls/."""
    if weights not in WEIGHTS:
        raise EmccError(f"no weights {printable(weights)!r}", hint=f"there is {', '.join(WEIGHTS)}")
    if weights == "external" and "hls" not in targets:
        raise EmccError(
            "--weights external is of the C for synthesis alone",
            hint='take --target hls; [emit] weights = "boot" in a recipe is what the array has',
        )
