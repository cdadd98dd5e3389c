"""LeNet-300-100 on MNIST: a tenth of the weights, four-bit codes, 16-bit integers, and the accuracy stays."""

import gzip
from dataclasses import replace

import numpy as np
import pytest
from graphs import passed

from emcc.compress.finetune import Finetune, Gradual
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.frontend import load
from emcc.ops.interpret import run
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise
from emcc.samples.dataset import Dataset

pytestmark = [pytest.mark.shared, pytest.mark.slow]


def mnist(folder, kind):
    """Images, pixel / 256, and labels."""
    raw = gzip.decompress((folder / "mnist" / f"{kind}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / "mnist" / f"{kind}-labels-idx1-ubyte.gz").read_bytes())
    images = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 1, 28, 28).astype(np.float32) / 256
    return images, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


@pytest.mark.parametrize(
    ("labels", "options", "every"),
    [(True, {}, 6), (False, {"distil": "distribution", "task": "classify"}, 10)],
    ids=["labels", "kl"],
)
def test_a_tenth_of_the_weights_at_most_three_tenths_of_a_point(shared_data, labels, options, every):
    """By labels, and by the original's scores; its values are learned in test_finetune.

    One image in `every` teaches. The model ends without a softmax: unless told to classify it is a regression, and has
    no distribution to learn.
    """
    pytest.importorskip("torch")
    (x, y), (seen, right) = mnist(shared_data, "train"), mnist(shared_data, "t10k")
    x, y = x[::every], y[::every]
    folded = Fold().apply(load(shared_data / "models" / "lenet300100_dns_original.onnx"))
    finetune = replace(Finetune(**options), data=Dataset(x, y if labels else None), teacher=folded)
    passes = (Gradual(Prune(0.9), finetune), Share(4), finetune, Calibrate(data=x), Quantise())
    quantised = passed(folded, *passes, after="fold")
    original = 100 * float(np.mean(run(folded, seen).argmax(axis=1) == right))
    integers = run(quantised, quantised.tensors[quantised.inputs[0]].fmt.quantise(seen))
    compressed = 100 * float(np.mean(integers.argmax(axis=1) == right))
    assert original == pytest.approx(97.72)
    assert compressed >= original - 0.3
    codes = [quantised.constants[node.inputs[1]] for node in quantised.nodes]
    assert sum(np.count_nonzero(matrix) for matrix in codes) <= 26_620
    assert all(node.attrs["code_w"] == 4 for node in quantised.nodes)
    print(f"labels {labels}, {options}: {original:.2f} % -> {compressed:.2f} %")
