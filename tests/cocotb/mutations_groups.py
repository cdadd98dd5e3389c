"""Faults to put into the array of column groups: an expression of the RTL and what it becomes.

All faults of a bench are in one design, which is built once, and the number in the file `fault`, where the simulator
runs, switches one of them on.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.simulator import Outcome

PACKAGE = b"""package emcc_fault_pkg;
  function automatic int chosen();
    int file;
    int number;
    number = 0;
    file = $fopen("fault", "r");
    if (file == 0) return 0;
    if ($fscanf(file, "%d", number) != 1) $fatal(1, "fault has no number");
    $fclose(file);
    return number;
  endfunction

  int Fault = chosen();
endpackage
"""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: what is broken. file: the module's.
        old, new: expressions; `before` and `old` stand once in the module, one behind the other.
        says: a regular expression that the run's log must match: it went red for this reason.
    """

    name: str
    file: str
    old: str
    new: str
    says: str
    before: str = ""


def seeded(files: Mapping[str, bytes], faults: Sequence[Fault]) -> dict[str, bytes]:
    """The files that have the faults, numbered from 1, and the package that chooses one."""
    changed: dict[str, bytes] = {"rtl/emcc_fault_pkg.sv": PACKAGE}
    for number, fault in enumerate(faults, 1):
        name = f"rtl/{fault.file}.sv"
        text, place = changed.get(name, files[name]).decode(), fault.before + fault.old
        assert text.count(place) == 1, f"{place!r} stands {text.count(place)} times in {name}"
        choice = f"{fault.before}(emcc_fault_pkg::Fault == {number} ? ({fault.new}) : ({fault.old}))"
        changed[name] = text.replace(place, choice).encode()
    return changed


def not_red(faults: Sequence[Fault], outcomes: Sequence[Outcome]) -> list[str]:
    """What a bench does not see, or sees for another reason."""
    missed = []
    for fault, outcome in zip(faults, outcomes, strict=True):
        if outcome.passed:
            missed.append(f"{fault.name}: the bench is green")
        elif not re.search(fault.says, outcome.log):
            missed.append(f"{fault.name}: red, but not because of {fault.says!r}:\n{outcome.complaint()}")
    return missed
