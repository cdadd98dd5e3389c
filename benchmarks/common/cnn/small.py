"""Small networks for digits of 8 x 8 pixels, each in the manner of a well-known one; needs torch, the extra `train`."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import nn

EPOCHS, BATCH, RATE, DECAY = 40, 64, 5e-3, 1e-4


def _conv(inner: int, outer: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: bool = True) -> nn.Sequential:
    conv = nn.Conv2d(inner, outer, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outer), *([nn.ReLU()] if act else []))


def _head(channels: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


class Residual(nn.Module):
    """Two convolutions beside a short cut (He et al. 2016)."""

    def __init__(self, inner: int, outer: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(_conv(inner, outer, 3, stride), _conv(outer, outer, act=False))
        self.short = nn.Identity() if inner == outer else _conv(inner, outer, 1, stride, act=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        return torch.relu(self.body(x) + self.short(x))


class Fire(nn.Module):
    """A 1x1 convolution, then 1x1 and 3x3 side by side (Iandola et al. 2016)."""

    def __init__(self, inner: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze, self.one, self.three = _conv(inner, squeeze, 1), _conv(squeeze, expand, 1), _conv(squeeze, expand)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        x = self.squeeze(x)
        return torch.cat([self.one(x), self.three(x)], 1)


class Shuffled(nn.Module):
    """Grouped 1x1, channels shuffled, depthwise 3x3, grouped 1x1, a short cut (Zhang et al. 2018)."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.first = _conv(channels, channels, 1, groups=groups)
        self.deep = _conv(channels, channels, 3, groups=channels, act=False)
        self.last = _conv(channels, channels, 1, groups=groups, act=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        y = self.first(x)
        y = (
            y.reshape(-1, self.groups, y.shape[1] // self.groups, *y.shape[2:])
            .transpose(1, 2)
            .reshape(-1, *y.shape[1:])
        )
        return torch.relu(x + self.last(self.deep(y)))


class Excited(nn.Module):
    """1x1, depthwise 3x3, squeeze and excite, 1x1, with hard swishes (Howard et al. 2019)."""

    def __init__(self, inner: int, wide: int, outer: int) -> None:
        super().__init__()
        self.into = nn.Sequential(_conv(inner, wide, 1, act=False), nn.Hardswish())
        self.deep = nn.Sequential(_conv(wide, wide, 3, groups=wide, act=False), nn.Hardswish())
        gate = [nn.AdaptiveAvgPool2d(1), nn.Conv2d(wide, wide // 4, 1), nn.ReLU(), nn.Conv2d(wide // 4, wide, 1)]
        self.gate = nn.Sequential(*gate, nn.Hardsigmoid())
        self.out = _conv(wide, outer, 1, act=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        y = self.deep(self.into(x))
        y = self.out(y * self.gate(y))
        return x + y if x.shape == y.shape else y


def _separable(inner: int, outer: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(_conv(inner, inner, 3, stride, inner), _conv(inner, outer, 1))


NETS: Mapping[str, Callable[[], nn.Module]] = {
    "mobilenet": lambda: nn.Sequential(_conv(1, 24), _separable(24, 48), _separable(48, 96, 2), _head(96)),
    "shufflenet": lambda: nn.Sequential(_conv(1, 96), Shuffled(96, 4), nn.MaxPool2d(2), Shuffled(96, 4), _head(96)),
    "resnet": lambda: nn.Sequential(_conv(1, 24), Residual(24, 24), Residual(24, 48, 2), _head(48)),
    "squeezenet": lambda: nn.Sequential(_conv(1, 24), Fire(24, 12, 24), nn.MaxPool2d(2), Fire(48, 18, 36), _head(72)),
    "mobilenetv3": lambda: nn.Sequential(
        _conv(1, 24), Excited(24, 48, 24), nn.MaxPool2d(2), Excited(24, 72, 36), _head(36)
    ),
}


def trained(name: str, x: np.ndarray, y: np.ndarray, seed: int = 0) -> nn.Module:
    """Train a network with AdamW, rates rising and falling once, images moved by up to a pixel; return it for use."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    net, images, labels = NETS[name](), torch.from_numpy(x), torch.from_numpy(y)
    steps = len(x) // BATCH
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, EPOCHS * steps)
    for _ in range(EPOCHS):
        order = torch.randperm(len(x), generator=generator)
        for rows in order[: steps * BATCH].reshape(steps, BATCH):
            down, right = torch.randint(-1, 2, (2,), generator=generator).tolist()
            loss = nn.functional.cross_entropy(net(torch.roll(images[rows], (down, right), (2, 3))), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return net.eval()
