"""What saturates, as `emcc simulate` and `emcc run` print it."""

from rich.console import Console

from emcc.base.text import printable
from emcc.eie.saturation import WARNED, Count, Saturation
from emcc.report.lines import percent
from emcc.report.summary import shown


def saturation_rows(saturation: Saturation) -> list[tuple[str, str]]:
    """Return the rows of the table: inputs, activations with the layer that has most, outputs."""
    inputs = saturation.inputs
    touched = f" ({inputs.samples:,} of {inputs.of_samples:,} samples)" if inputs.saturated else ""
    rows = [("inputs that saturate", counted(inputs) + touched)]
    name, worst = max(saturation.layers, key=lambda row: row[1].share)
    most = f" (most in {printable(name, 40)}: {percent(worst.share)})" if worst.saturated else ""
    rows.append(("activations that saturate", counted(saturation.activations) + most))
    return [*rows, ("outputs that saturate", counted(saturation.outputs))]


def warn_of_saturation(out: Console, saturation: Saturation | None) -> None:
    """Print the warning where more inputs saturate than may be."""
    if saturation is not None and saturation.warned:
        out.print(shown(f"warning: {sentence(saturation)}", style="yellow"))


def sentence(saturation: Saturation) -> str:
    """Say that inputs saturate, and what to do."""
    inputs = saturation.inputs
    shares = percent(inputs.share), percent(inputs.saturated / max(inputs.nonzero, 1)), percent(WARNED, ".1%")
    return (
        f"{shares[0]} of the inputs ({shares[1]} of those that are not zero) saturate: they lie outside of the input's "
        f"format, {inputs.low:.6g} to {inputs.high:.6g}. More than {shares[2]} means data on another scale than what "
        "the formats were made for: scale it as for training, or compile again, calibrated on such data with --data"
    )


def counted(count: Count) -> str:
    """Write a count with its share."""
    return f"{count.saturated:,} of {count.values:,}" + (f", {percent(count.share, '.3%')}" if count.saturated else "")
