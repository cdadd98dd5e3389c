"""What ships with a design so that others can use and test it without emcc: a FuseSoC core and a cocotb bench."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from emcc.backends.soc.registers import REGISTERS, Values
from emcc.backends.soc.render import LISTING
from emcc.backends.verilog.library import HEADER
from emcc.base.version import __version__
from emcc.resources import folder, template

CORE, README = "emcc.core", "README.md"
TESTS = ("test_emcc.py", "test_axi.py", "vectors.json")
"""What a simulation reads of tb/."""


@dataclass(frozen=True)
class Inference:
    """What goes in and comes out, in order, and the cycles in which the array runs."""

    into: Sequence[int]
    out: Sequence[int]
    cycles: int


@dataclass(frozen=True)
class Vectors:
    """What the bench holds a design against.

    Attributes:
        act_w: bits of an activation.
        turns: activations as they follow each other: into the design positive, out of it negative.
        transfer: cycles of an inference beside those in which the array runs, when nothing waits.
        inferences: by the reference.
    """

    act_w: int
    turns: Sequence[int]
    transfer: int
    inferences: Sequence[Inference]

    def to_json(self, held: Values) -> dict[str, Any]:
        """Return vectors.json, with the registers and what the constant ones hold."""
        registers = {register.name: {"address": register.address} for register in REGISTERS}
        for name, value in held.items():
            registers[name]["value"] = value
        return {**asdict(self), "registers": registers}


def bench_files() -> dict[str, bytes]:
    """Return the files of tb/ that are the same for all designs."""
    return {f"tb/{file.name}": file.read_bytes() for file in folder("tb").iterdir() if file.is_file()}


def core_files(files: Mapping[str, bytes], digest: bytes) -> dict[str, bytes]:
    """Return the FuseSoC core of a design whose files these are, and a README.

    The core's name has the digest, for no two designs are one core.
    """
    name = f"emcc:design:emcc_{digest.hex()[:12]}:1.0"
    core: str = template("soc/emcc.core.j2").render(
        name=name,
        header=HEADER,
        rtl=_listed(files["rtl/files.f"]),
        axi=_listed(files[LISTING]),
        rom=_inside(files, "rom/"),
        tb=TESTS,
    )
    readme: str = template("soc/README.md.j2").render(name=name, version=__version__)
    return {CORE: core.encode(), README: readme.encode()}


def _listed(listing: bytes) -> list[str]:
    return listing.decode().split()


def _inside(files: Iterable[str], place: str) -> list[str]:
    return sorted(name for name in files if name.startswith(place))
