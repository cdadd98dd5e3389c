"""VGG-16 (Simonyan and Zisserman, ICLR 2015) with random weights, at the densities of Deep Compression's table 4."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from emcc.ir.graph import Graph, Node, Tensor

SIDE = 224


@dataclass(frozen=True)
class VggLayer:
    """A layer; pooled: whether a 2 x 2 pooling comes before it. density: weights kept, of Han et al. 2016, table 4."""

    name: str
    out: int
    density: float
    pooled: bool = False

    @property
    def is_conv(self) -> bool:
        """3 x 3, stride 1, padded; otherwise fully connected."""
        return self.name.startswith("conv")

    @property
    def bits(self) -> int:
        """Bits a code: the paper's 8 for convolutions; 4 for the others, as the nearest narrower to its 5."""
        return 8 if self.is_conv else 4


LAYERS = (
    VggLayer("conv1_1", 64, 0.58),
    VggLayer("conv1_2", 64, 0.22),
    VggLayer("conv2_1", 128, 0.34, pooled=True),
    VggLayer("conv2_2", 128, 0.36),
    VggLayer("conv3_1", 256, 0.53, pooled=True),
    VggLayer("conv3_2", 256, 0.24),
    VggLayer("conv3_3", 256, 0.42),
    VggLayer("conv4_1", 512, 0.32, pooled=True),
    VggLayer("conv4_2", 512, 0.27),
    VggLayer("conv4_3", 512, 0.34),
    VggLayer("conv5_1", 512, 0.35, pooled=True),
    VggLayer("conv5_2", 512, 0.29),
    VggLayer("conv5_3", 512, 0.36),
    VggLayer("fc6", 4096, 0.04, pooled=True),
    VggLayer("fc7", 4096, 0.04),
    VggLayer("fc8", 1000, 0.23),
)
PARAMETERS = 138_357_544
CONV = {"dilations": (1, 1), "pads": (1, 1, 1, 1), "strides": (1, 1), "group": 1}
POOL = {"dilations": (1, 1), "pads": (0, 0, 0, 0), "strides": (2, 2), "ceil_mode": 0, "kernel_shape": (2, 2)}


def vgg16(narrower: int = 1, seed: int = 0) -> Graph:
    """The folded graph, its layers `narrower` times narrower; weights are normal, of variance 2 / inputs."""
    rng = np.random.default_rng(seed)
    tensors = {"x": Tensor("x", (None, 3, SIDE, SIDE))}
    nodes: list[Node] = []
    constants: dict[str, Any] = {}

    def add(name: str, op: str, shape: tuple[int, ...], *values: str, **attrs: Any) -> None:
        """A node after the last one."""
        source = nodes[-1].outputs[0] if nodes else "x"
        tensors[f"{name}.out"] = Tensor(f"{name}.out", (None, *shape))
        nodes.append(Node(name, op, (source, *values), (f"{name}.out",), attrs))

    shape: tuple[int, ...] = (3, SIDE, SIDE)
    for layer in LAYERS:
        if layer.pooled:
            shape = (shape[0], shape[1] // 2, shape[2] // 2)
            add(f"{layer.name}.pool", "MaxPool", shape, **POOL)
        if not layer.is_conv and len(shape) > 1:
            shape = (int(np.prod(shape)),)
            add("flatten", "Flatten", shape, axis=1)
        out = layer.out // narrower
        kernel = (out, shape[0], 3, 3) if layer.is_conv else (out, shape[0])
        weight = rng.standard_normal(kernel, np.float32)
        weight *= np.float32(np.sqrt(2 / np.prod(kernel[1:])))
        names = (f"{layer.name}.weight", f"{layer.name}.bias")
        constants |= {names[0]: weight, names[1]: np.zeros(out)}
        shape = (out, *shape[1:])
        add(layer.name, "Conv" if layer.is_conv else "Linear", shape, *names, **(CONV if layer.is_conv else {}))
        if layer.name != "fc8":
            add(f"{layer.name}.relu", "Relu", shape)
    return Graph("vgg16", ("x",), (nodes[-1].outputs[0],), tuple(nodes), tensors, constants)
