"""The sentences and number formats that the terminal and the HTML report share."""

from collections.abc import Mapping
from typing import Any

from emcc.base.text import printable

WHERE = {"held out": "held out of training", "all samples": "of the data", "synthetic inputs": "of noise"}
POINT = 1.0
"""That may be lost where no goal says how many."""

SHOWN = 4
"""Names of layers in a line."""


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


def than(ratio: float, more: str, less: str) -> str:
    """Write a ratio so that it is true: 3.1x faster, or 1.3x slower for 0.77."""
    return f"{ratio:.1f}x {more}" if ratio >= 1 or ratio <= 0 else f"{1 / ratio:.1f}x {less}"


def headline(manifest: Mapping[str, Any]) -> str:
    """Say what was compiled for what."""
    design = manifest["design"]
    groups = f" in {design['groups']} column group{'' if design['groups'] == 1 else 's'}"
    return (
        f"{printable(manifest['model']['file'])} for {manifest['target']}, {design['pes']} PEs{groups}, "
        f"{design['act_w']}-bit activations, {design['acc_w']}-bit accumulators"
    )


def worth(quality: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """Say what the model is worth before and after: the one figure of quality, and on which samples."""
    low, high = quality["interval"]
    what = {"labels": "accuracy", "targets": "explained variance of the targets"}.get(quality["against"])
    what = what or f"{quality['measure']} ({quality['against']})"
    lines = [
        f"quality, {what}, on {quality['samples']:,} samples {WHERE.get(quality['source'], quality['source'])}: "
        f"float {quality['float']:.2f} %, compressed {quality['compressed']:.2f} % "
        f"(95 % interval {low:.2f} to {high:.2f} %)"
    ]
    if quality["outputs"] > 1:
        lines.append(f"of the worst output: float {quality['float_worst']:.2f} %, compressed {quality['worst']:.2f} %")
    if quality["labels"]:
        lines.append(f"{quality['agreement_measure']} with the float model: {quality['agreement']:.2f} %")
    elif quality["task"] == "classify":
        lines.append("accuracy is not known: the data has no labels (y)")
    if manifest.get("validation") is None and quality["source"] != "validation data":
        lines.append("the float model may have been trained on these samples: --validate V.npz judges by others")
    return lines


def worth_rows(worth: Any) -> list[tuple[str, str]]:
    """Return the row of a table that says what outputs are worth, or one an output; none without labels or targets."""
    if worth.by_output is not None:
        own = [(name, *worth_rows(each)) for name, each in worth.by_output.items()]
        return [(f"{what} of {printable(name, 40)!r}", share) for name, (what, share) in own]
    if worth.accuracy is not None:
        return [("accuracy", percent(worth.accuracy))]
    return [] if worth.explained is None else [("explained variance of the targets", percent(worth.explained))]


def loss_line(manifest: Mapping[str, Any]) -> str | None:
    """Say first what was lost, where it is more than was allowed, or that weights were rounded; None where neither."""
    loss = manifest["loss"]
    if loss is None:
        return None
    on = f"on {loss['samples']:,} samples {WHERE.get(loss['source'], loss['source'])}"
    text = ""
    if loss["rounded"]:
        names = ", ".join(printable(name, 40) for name in loss["rounded"][:SHOWN])
        more = f" and {len(loss['rounded']) - SHOWN} more" if len(loss["rounded"]) > SHOWN else ""
        text = (
            f"weights were rounded in {names}{more}: "
            f"{loss['by_rounding']:.2f} points of {loss['measure']} {on} went by that alone. "
        )
    if loss["lost"] > loss["allowed"]:
        causes = ", ".join(f"{row['cause']} {row['lost']:.2f}" for row in loss["causes"])
        text += (
            f"LOST {loss['lost']:.2f} points of {loss['measure']} {on}, more than {loss['allowed']:g}. "
            f"By cause: {causes}. Try: {loss['advice']}"
        )
    return text.strip()


def lost_line(manifest: Mapping[str, Any]) -> str | None:
    """Say first what compress lost, where it is more than the goal allows, or than a point; None where it is not."""
    measured = manifest.get("search") or manifest.get("quality")
    allowed = manifest.get("goal", {}).get("max_drop", POINT)
    if measured is None or measured["lost"] <= allowed:
        return None
    cause = "pruning and codebooks" if "search" in manifest else "rounding weights to codebooks"
    return (
        f"LOST {measured['lost']:.2f} points of {measured['measure']}, more than {allowed:g}, by {cause}. Try: a goal "
        "such as --max-drop 1 with --data, or more entries a codebook ([search] entries, [share] kept_bits)"
    )


def bits_line(manifest: Mapping[str, Any]) -> list[str]:
    """Say which bits layers got, where they were chosen; nothing where they were not."""
    if "bits" not in manifest:
        return []
    found, by = manifest["bits"], {"outputs": "outputs on samples", "weights": "weights, without data"}
    size = sum(row["weights"] for row in found["layers"])
    mean = sum(row["bits"] * row["weights"] for row in found["layers"]) / max(1, size)
    own = ", ".join(f"{printable(row['layer'], 40)} {row['bits']}" for row in found["layers"])
    asked = f"mean {mean:.2f} of {found['asked']:g} asked, over {size:,} weights"
    return [f"bits by the error of {by[found['by']]}: {own}; {asked}"]


def throughput(total: Mapping[str, Any]) -> str:
    """Say how many inferences a second there are, of a manifest's totals."""
    clock, alone = total["clock_hz"] / 1e6, 1 / total["seconds"]
    if "throughput" not in total:
        return f"throughput: {alone:,.0f} inferences a second at {clock:.0f} MHz, one behind the other"
    ahead = total["throughput"]
    least = "" if ahead["exact"] else "at least "
    seen = "none of that is seen" if ahead["exact"] else f"at most {ahead['exposed_cycles']:,.0f} cycles of it are seen"
    return (
        f"throughput: {least}{ahead['per_second']:,.0f} inferences a second at {clock:.0f} MHz where the stream keeps "
        f"up, an answer every {ahead['cycles']:,.0f} cycles, {ahead['per_second'] / alone:.2f}x of {alone:,.0f} one "
        f"behind the other: the next input is received while this one runs, and {seen} [estimate]"
    )


def _of_array(manifest: Mapping[str, Any], alone: bool) -> list[str]:
    """Return what is to be said of the array: use of the PEs, transfer, the parts on array and host."""
    design, total, parts = manifest["design"], manifest["totals"], manifest["partition"]
    lines = [
        f"use of the PEs: {percent(total['utilisation'])} of their cycles have a product of a non-zero weight and a "
        "non-zero activation, or what stands for one [estimate]; loading and unloading take "
        f"{total['transfer_cycles']:,} cycles more an inference, which the time has",
        *([throughput(total)] if alone or "throughput" in total else []),
    ]
    if design["tried"]:
        tried = ", ".join(f"{groups:.0f} with {cycles:,.0f}" for groups, cycles in design["tried"])
        lines.append(f"column groups by their cycles, loading and unloading among them: {tried}")
    host = parts["host"]
    text = f"on the array: {parts['array']['steps']} steps, {parts['array']['macs']:,} multiply-accumulates (dense)"
    if host:
        names = ", ".join(f"{printable(row['op'], 40)} ({printable(row['name'], 40)})" for row in host[:SHOWN])
        more = f" and {len(host) - SHOWN} more" if len(host) > SHOWN else ""
        text += f"; on the host between steps, {percent(parts['share'])} of them: {names}{more}"
    else:
        text += "; nothing on the host between steps"
    return [*lines, text]


def _of_c(manifest: Mapping[str, Any]) -> list[str]:
    """Return what the emitted C takes, where there is some."""
    if "c" not in manifest:
        return []
    c = manifest["c"]
    parts = f", {c['segments']} segments with the host between them" if c["segments"] > 1 else ""
    return [
        f"C: RAM {c['scratch']:,} bytes of scratch, and {c['io']:,} of input and output; flash {c['flash']:,} bytes, "
        f"{c['constants']:,} of tables and {c['text']:,} of code [estimate]; {c['instructions']:,} instructions an "
        f"inference of a Cortex-M4, -O2 [estimate]{parts}",
        *_outside(c),
    ]


def _outside(c: Mapping[str, Any]) -> list[str]:
    """Return what is said of weights behind an AXI master."""
    if "external" not in c:
        return []
    outside = c["external"]
    return [
        f"hls/: {outside['bytes']:,} bytes of weights come from outside, through {outside['held']:,} bytes on the chip"
    ]


def notes(manifest: Mapping[str, Any], alone: bool = False) -> list[str]:
    """Return the sentences under the table; with `alone` throughput also where it is the time's inverse."""
    total = manifest["totals"]
    clock = total["clock_hz"] / 1e6
    cycles = total["cycles"]
    lines = [
        f"size: {total['bytes']:,} bytes (model.emc) against {total['dense_bytes']:,} bytes (dense float32 weights and "
        f"biases): {than(total['compression'], 'smaller', 'larger')}",
        f"time: {cycles['mean']:,.0f} cycles an inference ({cycles['min']:,} to {cycles['max']:,}), "
        f"{seconds(total['seconds'])} at {clock:.0f} MHz; dense on the same {manifest['design']['pes']} PEs "
        f"{total['dense_cycles']:,} cycles, {seconds(total['dense_seconds'])}: "
        f"{than(total['speedup'], 'faster', 'slower')} "
        f"[estimate: cycle model over {cycles['samples']} {manifest['samples']}]",
        *_of_array(manifest, alone),
        "dense means: rows dealt to the PEs, one multiply-accumulate a PE and cycle, no zero skipped, no other cost",
    ]
    lines += _of_c(manifest)
    lines += [f"{step['name']}: {step['did']}" for step in manifest["passes"]]
    lines += bits_line(manifest)
    quality = manifest["quality"]
    if quality["measure"] is None:
        lines.append(
            "quality: not measured; give samples with --data DATA.npz (x, and y where labels or targets are known)"
        )
    else:
        lines += worth(quality, manifest)
    lines.append(
        f"float-to-fixed error of the output (same weights, {quality['fixed_samples']} "
        f"{'synthetic ' if quality['synthetic'] else ''}samples): at most {quality['fixed_error_max']:.3g}, "
        f"RMS {quality['fixed_error_rms']:.3g}, output range {quality['output_range']:.3g}"
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
