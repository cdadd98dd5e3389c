"""The convolutional networks of ../shared/data/models, with what each is calibrated, judged and simulated on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common import mnist
from benchmarks.common.cnn import photographs

CIFAR_MEAN, CIFAR_SPREAD = (0.485, 0.456, 0.406), 0.225
"""How the makers of cifar_base_kw.onnx normalise."""


@dataclass(frozen=True)
class Problem:
    """One network.

    Attributes:
        model: its file.
        seen: float32 [n, ...], what emcc compiles with.
        x: float32 [n, ...], what it is judged on; y: int64 [n] labels, or None.
        rtl: the first so many of x go through Verilator.
        pes: processing elements; groups: column groups, 0 lets emcc choose.
        rebuilds: whether the output is the input again.
        vectors: (input, output) pairs that came with the model, or nothing.
    """

    model: Path
    seen: np.ndarray
    x: np.ndarray
    y: np.ndarray | None
    rtl: int
    pes: int = 32
    groups: int = 0
    rebuilds: bool = False
    vectors: tuple[tuple[np.ndarray, np.ndarray], ...] = ()


def squeezenet(data: Path) -> Problem:
    """Return Deep Compression's SqueezeNet on photographs; 4 groups, the best of 1, 2, 4 and 8."""
    seen, x = photographs.read(photographs.CALIBRATED), photographs.read(photographs.JUDGED)
    return Problem(data / "models/squeezenet_deep_compression.onnx", seen, x, None, rtl=1, pes=64, groups=4)


def tiny(name: str, kind: str) -> Callable[[Path], Problem]:
    """Return one of MLPerf Tiny's networks, "float" or "qdq", calibrated on its own inputs: there are no others."""

    def problem(data: Path) -> Problem:
        folder = data / "models/mlperf_tiny"
        with np.load(folder / f"{name}.npz") as file:
            x = file["x" if kind == "float" else "xq"].astype(np.float32)
            y = file.get("y")
        model = folder / f"{name}_{'float' if kind == 'float' else 'int8_qdq'}.onnx"
        return Problem(model, x, _spread(x, y), y, rtl=24 if y is None else len(x), rebuilds=y is None)

    return problem


def _spread(x: np.ndarray, y: np.ndarray | None) -> np.ndarray:
    """Return unlabelled recordings interleaved, so that the first few are of all of them: six recordings of 40."""
    return x if y is not None else np.ascontiguousarray(x.reshape(6, -1, *x.shape[1:]).swapaxes(0, 1)).reshape(x.shape)


def mnist_8(data: Path) -> Problem:
    """Return the model zoo's MNIST network, pixels 0 to 255, with its three test vectors."""
    folder = data / "models/mnist-8"
    vectors = tuple((_tensor(case / "input_0.pb"), _tensor(case / "output_0.pb")) for case in sorted(folder.glob("t*")))
    return _mnist(data, folder / "model.onnx", np.float32(256), (1, 28, 28), vectors)


def lenet5(data: Path) -> Problem:
    """Return LeNet-5, pruned by Dynamic Network Surgery."""
    return _mnist(data, data / "models/lenet5_dns_sparse.onnx", np.float32(1), (1, 28, 28))


def cnn_max(data: Path) -> Problem:
    """Return a small MNIST network with a max-pool, channels last."""
    return _mnist(data, data / "models/cnn_max_mninst2.onnx", np.float32(1), (28, 28, 1))


def cifar_base(data: Path) -> Problem:
    """Return a small CIFAR-10 network, on the ten images that came with MLPerf Tiny."""
    with np.load(data / "models/mlperf_tiny/ic.npz") as file:
        x, y = file["x"] / np.float32(255), file["y"]
    x = (x - np.array(CIFAR_MEAN, np.float32)[:, None, None]) / np.float32(CIFAR_SPREAD)
    return Problem(data / "models/cifar_base_kw.onnx", x, x, y, rtl=len(x))


def _mnist(
    data: Path, model: Path, scale: np.float32, shape: tuple[int, ...], vectors: tuple[tuple[np.ndarray, ...], ...] = ()
) -> Problem:
    """Calibrate on 1,000 training images, judge on the first 1,000 test images, simulate 10."""
    seen, _ = mnist.read(data / "mnist", "train")
    x, y = mnist.read(data / "mnist", "test")
    shaped = [(images[:1000] * scale).reshape(-1, *shape) for images in (seen, x)]
    return Problem(model, shaped[0], shaped[1], y[:1000], rtl=10, vectors=vectors)  # type: ignore[arg-type]


def _tensor(path: Path) -> np.ndarray:
    import onnx
    from onnx import numpy_helper

    return numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))


PROBLEMS: Mapping[str, Callable[[Path], Problem]] = {
    "squeezenet": squeezenet,
    **{f"{name}/{kind}": tiny(name, kind) for name in ("ic", "kws", "vww", "ad") for kind in ("float", "qdq")},
    "mnist-8": mnist_8,
    "lenet5_dns": lenet5,
    "cnn_max": cnn_max,
    "cifar_base": cifar_base,
}
