"""What a simulation found, and what a run answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emcc.eie.saturation import Saturation
from emcc.ir.graph import Array
from emcc.runtime.final import Worth


@dataclass(frozen=True)
class Difference:
    """The first integer that came out and is not the reference's.

    `element` counts in the flattened tensor that it belongs to; -1 is a lane beyond it, which should hold 0. `place`
    says which tensor that is, and what wrote it.
    """

    inference: int
    element: int
    expected: int
    got: int
    place: str

    def __str__(self) -> str:
        return f"inference {self.inference}, {self.place}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True)
class SimulationResult:
    """What the RTL did, against the reference model and the cycle model.

    Attributes:
        inferences: that were asked for; all arrays have that many rows. Rows of inferences that did not complete
            (see `failure`) are 0.
        pes: processing elements.
        mismatches: integers that came out (outputs, and what the host's parts read) and differ from the reference,
            those that never came included.
        mismatched_bits: bits in which they differ; an integer that never came counts as all its bits.
        difference: the first of them.
        failure: why the simulation stopped early (a failed assertion, a stream that broke its protocol, a design
            that hangs), or "".
        cycles: int64 [n], in which the array runs: from its start, with the input in its buffer, to its last write.
        transfer: int64 [n], cycles between running in which inputs, outputs and what the host reads and answers cross.
        between: int64 [n - 1 at most], cycles from an answer to the next one; empty where inputs do not come while
            others run.
        predicted_cycles: int64 [n].
        cycle_mismatches: inferences whose cycles, of running, transfer and all completions, are not the predicted ones;
            None with random stalls, where the prediction does not hold.
        layer_cycles: int64 [n, passes], the cycle in which each pass was complete.
        steps: names of the Program's steps.
        step_cycles: int64 [n, steps], cycles from the completion of the step before to this one's.
        step_products: int64 [n, steps], see work.by_step.
        broadcasts, stalls: int64 [n]: activations broadcast; cycles in which a full queue held one back.
        utilisation: products / (PEs * cycles) over all inferences that completed.
        outputs: float64 [n, ...], the integers that came out as numbers, before the host's operators; several outputs
            side by side, see ir.batch.
        final: by key, what `emcc run` writes of these outputs: after the host's operators (see runtime.final).
        worth: of the outputs, by labels or targets.
        saturation: what saturates in the reference, over all inferences asked for.
        build_seconds, run_seconds: wall time.
    """

    inferences: int
    pes: int
    mismatches: int
    mismatched_bits: int
    difference: Difference | None
    failure: str
    cycles: Array = field(repr=False)
    transfer: Array = field(repr=False)
    between: Array = field(repr=False)
    predicted_cycles: Array = field(repr=False)
    cycle_mismatches: int | None
    layer_cycles: Array = field(repr=False)
    steps: tuple[str, ...] = field(repr=False)
    step_cycles: Array = field(repr=False)
    step_products: Array = field(repr=False)
    broadcasts: Array = field(repr=False)
    stalls: Array = field(repr=False)
    utilisation: float
    outputs: Array = field(repr=False)
    final: Mapping[str, Array] = field(repr=False)
    worth: Worth
    saturation: Saturation = field(repr=False)
    build_seconds: float
    run_seconds: float

    @property
    def ok(self) -> bool:
        """Whether the RTL gave the reference's bits in the predicted cycles."""
        return not (self.mismatches or self.failure or self.cycle_mismatches)

    @property
    def products(self) -> Array:
        """Useful operations of each inference: int64 [n]."""
        return np.asarray(self.step_products.sum(axis=1))

    @property
    def complete(self) -> bool:
        """Whether every inference gave an output."""
        return bool((self.cycles > 0).all())

    @property
    def complaint(self) -> str:
        """Why the RTL's outputs are not to be believed, or ""."""
        if self.failure:
            return f"stopped early: {self.failure}"
        if self.difference:
            return f"first difference: {self.difference}"
        return "" if self.ok else f"{self.cycle_mismatches} inferences off the predicted cycles"

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON values, without the outputs and without seconds, which differ from run to run."""
        completed = self.cycles[self.cycles > 0]
        return {
            "ok": self.ok,
            "inferences": self.inferences,
            "pes": self.pes,
            "mismatches": self.mismatches,
            "mismatched_bits": self.mismatched_bits,
            "first_difference": str(self.difference) if self.difference else None,
            "failure": self.failure or None,
            "cycles": self.cycles.tolist(),
            "transfer_cycles": self.transfer.tolist(),
            **({"between_cycles": self.between.tolist()} if self.between.size else {}),
            "predicted_cycles": self.predicted_cycles.tolist(),
            "cycle_mismatches": self.cycle_mismatches,
            "mean_cycles": float(np.mean(completed)) if completed.size else None,
            **self.worth.to_json(),
            "saturation": self.saturation.to_json(),
            "utilisation": self.utilisation,
            "layer_cycles": self.layer_cycles.tolist(),
            "broadcasts": self.broadcasts.tolist(),
            "stalls": self.stalls.tolist(),
            "products": self.products.tolist(),
            "steps": [
                {"name": name, "cycles": self.step_cycles[:, i].tolist(), "products": self.step_products[:, i].tolist()}
                for i, name in enumerate(self.steps)
            ],
        }


@dataclass(frozen=True)
class Timing:
    """How long a board took.

    Attributes:
        cycles: int64 [n], in which the array ran. clock: of the board, in Hz.
        seconds: wall time of all inferences, the line's and the host's included.
        again: inferences that were begun again. silences, damaged: questions without an answer, and what was no frame.
        loaded: bytes of weights that the board was given, which had none or others.
    """

    cycles: Array = field(repr=False)
    clock: int
    seconds: float
    again: int = 0
    silences: int = 0
    damaged: int = 0
    loaded: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, without seconds, which differ from run to run."""
        mended = {"again": self.again, "silences": self.silences, "damaged": self.damaged}
        return {"cycles": self.cycles.tolist(), "clock_hz": self.clock, "loaded": self.loaded, **mended}


@dataclass(frozen=True)
class Answers:
    """What `emcc run` got from an engine.

    Attributes:
        samples: rows of every array.
        final: the answers by key, see runtime.final.
        worth: of the outputs, by labels or targets.
        saturation: None where the artefact computes in floats, or a board does.
        failure: why the answers are not to be believed, or "".
        timing: of a board; None of other engines.
    """

    samples: int
    final: Mapping[str, Array] = field(repr=False)
    worth: Worth
    saturation: Saturation | None
    failure: str = ""
    timing: Timing | None = None

    def to_json(self) -> dict[str, Any]:
        """Return all but the answers as JSON values."""
        return {
            "samples": self.samples,
            "outputs": {
                key: {"shape": list(value.shape), "dtype": str(value.dtype)} for key, value in self.final.items()
            },
            **self.worth.to_json(),
            "saturation": self.saturation and self.saturation.to_json(),
            "failure": self.failure or None,
            **({"board": self.timing.to_json()} if self.timing else {}),
        }
