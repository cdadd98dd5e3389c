"""The networks that boards.py puts onto boards, the clock that is asked for there, and what others published."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import mnist
from benchmarks.common.cnn.problems import PROBLEMS

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "digits"
STEPS = 300

TINY: Mapping[str, tuple[int | None, float]] = {
    "kws": (32, 100),
    "ic": (None, 100),
    "vww": (None, 110),
    "ad": (32, 100),
}
"""By network, the PEs on `ulx3s-85f`, None for as many as `--board` chooses (of the others those would be 64), and the
clock, in MHz, that is asked for: VWW's goal takes 102. For 150 nextpnr had not ended AD with 64 PEs after 36 minutes of
a processor."""

PRUNED = ("lenet300100_dns_sparse", "lenet5_dns_sparse")

MHZ: Mapping[str, float] = {"ulx3s-85f": 100, "ulx3s-12f": 75, "icebreaker": 24, "tang-nano-20k": 108}
"""The clock that nextpnr aims at for these, which each board's PLL can make."""

STREAMED = ("icebreaker",)
"""Boards on which these networks' weights are streamed: its single-port RAMs hold what its 30 block RAMs cannot."""

GOALS: Mapping[str, float] = {"ulx3s-85f/ic": 2.3, "ulx3s-85f/kws": 0.6, "ulx3s-85f/vww": 2.0, "ulx3s-85f/ad": 0.1}
"""Milliseconds an inference, at nextpnr's clock."""

PUBLISHED: Mapping[str, Mapping[str, float]] = {
    "ic": {"hls4ml, PYNQ-Z2": 7.64, "fpgaConvNet, ZyBo": 3.15, "Syntiant NDP9120": 5.1, "STM32H7A3": 41},
    "kws": {"fpgaConvNet, ZyBo": 2.15, "Syntiant NDP9120": 1.5, "STM32H7A3": 11},
    "vww": {"Syntiant NDP9120": 4.1, "STM32H7A3": 24},
    "ad": {"STM32H7A3": 1.2},
}
"""Milliseconds an inference in MLPerf Tiny's published results: measured, on parts that are there."""


@dataclass(frozen=True)
class Row:
    """A network on a board.

    Attributes:
        mhz: the clock that is asked for. pes: None for as many as `--board` chooses.
        streamed: whether weights come as a boot image, which can fill memories that a bitstream cannot.
    """

    board: str
    network: str
    mhz: float
    pes: int | None = None
    streamed: bool = False

    @property
    def name(self) -> str:
        """Its name in the file."""
        return f"{self.board}/{self.network}"


ROWS = (
    *(Row("ulx3s-85f", network, mhz, pes) for network, (pes, mhz) in TINY.items()),
    *(Row(board, net, mhz, streamed=board in STREAMED) for net in PRUNED for board, mhz in MHZ.items()),
    Row("ulx3s-12f", "digits", 75, 4),
    Row("icebreaker", "digits-24", 24, 2),
)

Source = Callable[[Path, Path], dict[str, Any]]
"""From the folder of data and one to work in to what `emcc.compile` takes beside the board."""


def tiny(name: str) -> Source:
    """One of MLPerf Tiny's networks, quantised to 8 bits, its weights as they are."""

    def source(data: Path, folder: Path) -> dict[str, Any]:
        problem = PROBLEMS[f"{name}/qdq"](data)
        return {
            **{"model": problem.model, "data": problem.seen},
            **{"keep_weights": True, "recipe": {"calibrate": {"bits": 8}}},
        }

    return source


def pruned(name: str) -> Source:
    """A LeNet that Dynamic Network Surgery pruned, its weights as they are; activations of 16 bits."""

    def source(data: Path, folder: Path) -> dict[str, Any]:
        x = mnist.read(data / "mnist", "train")[0][:1000]
        return {"model": data / f"models/{name}.onnx", "data": x, "keep_weights": True}

    return source


def digits(data: Path, folder: Path) -> dict[str, Any]:
    """Return examples/digits, 64-300-100-10, which loses no more than a point."""
    train = np.load(DIGITS / "train.npz")
    return {"model": DIGITS / "digits.onnx", "data": (train["x"], train["y"]), **_COMPRESSED}


def digits_24(data: Path, folder: Path) -> dict[str, Any]:
    """Return a perceptron of one hidden layer of 24, trained here, likewise."""
    from skl2onnx import to_onnx
    from sklearn.neural_network import MLPClassifier

    train = np.load(DIGITS / "train.npz")
    x = train["x"].reshape(len(train["x"]), -1)
    trained = MLPClassifier((24,), max_iter=1000, random_state=0).fit(x, train["y"])
    model = to_onnx(trained, x[:1], options={id(trained): {"zipmap": False, "nocl": True}}, target_opset=17)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    return {"model": folder / "model.onnx", "data": (x, train["y"]), **_COMPRESSED}


_COMPRESSED: Mapping[str, Any] = {
    **{"max_drop": 1, "steps": STEPS},
    "recipe": {"lower": {"groups": 2, "queue_depth": 16}},
}

NETWORKS: Mapping[str, Source] = {
    **{name: tiny(name) for name in TINY},
    **{name: pruned(name) for name in PRUNED},
    **{"digits": digits, "digits-24": digits_24},
}
