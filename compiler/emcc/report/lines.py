"""The sentences and number formats that the terminal and the HTML report share."""

from collections.abc import Mapping
from typing import Any

from emcc.base.text import printable


def percent(fraction: float, form: str = ".2%") -> str:
    """Write a share in percent: 0.1234 -> 12.34 %."""
    return f"{fraction:{form}}".replace("%", " %")


def kilo(count: float) -> str:
    """Write bytes with a unit, in thousands: 1234 -> 1.2 kB."""
    if count < 1000:
        return f"{count:.0f} B"
    return f"{count / 1000:,.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:,.2f} MB"


def seconds(value: float) -> str:
    """Write seconds with a unit."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def headline(manifest: Mapping[str, Any]) -> str:
    """Say what was compiled for what."""
    design = manifest["design"]
    return (
        f"{printable(manifest['model']['file'])} for {manifest['target']}, {design['pes']} PEs, "
        f"{design['act_w']}-bit activations, {design['acc_w']}-bit accumulators"
    )


def notes(manifest: Mapping[str, Any]) -> list[str]:
    """Return the sentences under the table."""
    total = manifest["totals"]
    clock = total["clock_hz"] / 1e6
    cycles = total["cycles"]
    lines = [
        f"size: {total['bytes']:,} bytes (model.emc) against {total['dense_bytes']:,} bytes (dense float32 weights and "
        f"biases): {total['compression']:.1f}x smaller",
        f"time: {cycles['mean']:,.0f} cycles an inference ({cycles['min']:,} to {cycles['max']:,}), "
        f"{seconds(total['seconds'])} at {clock:.0f} MHz; dense on the same {manifest['design']['pes']} PEs "
        f"{total['dense_cycles']:,} cycles, {seconds(total['dense_seconds'])}: {total['speedup']:.1f}x faster "
        f"[estimate: cycle model over {cycles['samples']} {manifest['samples']}]",
        "dense means: rows dealt to the PEs, one multiply-accumulate a PE and cycle, no zero skipped, no other cost",
    ]
    lines += [f"{step['name']}: {step['did']}" for step in manifest["passes"]]
    quality = manifest["quality"]
    tuned = manifest["options"]["fine_tuned"]
    if quality["labels"] and quality["float_accuracy"] is None:
        lines.append("accuracy cannot be told: labels name classes, and the model's output is not a number a class")
    elif quality["labels"]:
        lines.append(
            f"accuracy on {quality['samples']} samples of {printable(manifest['data']['file'])}"
            f"{' (which it was fine-tuned on)' if tuned else ''}: "
            f"float {percent(quality['float_accuracy'])}, compressed {percent(quality['compressed_accuracy'])}"
        )
    if quality["agreement"] is not None:
        same = percent(quality["agreement"])
        lines.append(f"same largest output as the float model on {same} of {quality['samples']} samples")
    lines.append(
        f"float-to-fixed error of the output (same weights, {quality['samples']} samples): "
        f"at most {quality['fixed_error_max']:.3g}, RMS {quality['fixed_error_rms']:.3g}, "
        f"output range {quality['output_range']:.3g}"
    )
    errors = {row["name"]: row["table_error"] for row in manifest["layers"] if row.get("table_error") is not None}
    if errors:
        worst = max(errors, key=lambda name: float(errors[name]))
        lines.append(
            f"function tables of {len(errors)} of {len(manifest['layers'])} layers: off by at most {errors[worst]:.2f} "
            f"units in the last place of the output, over all inputs ({printable(worst, 40)})"
        )
    if manifest["design"]["host"]:
        left = ", ".join(operator["op"] for operator in manifest["design"]["host"])
        lines.append(f"left to the host, not in the hardware: {left}")
    return lines
