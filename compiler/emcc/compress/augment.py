"""Random changes of image inputs that leave their class alone: shifts, and smooth warps."""

import math
from typing import Any

import numpy as np

from emcc.base.errors import EmccError

GRIDS = 1024
SHIFT, TURN, SCALE, SHEAR, ELASTIC = 0.06, 0.15, 0.1, 0.1, 0.05
"""Greatest shift as a share of the image, turn in radians, scale, shear; deviation of bends, of half the image."""


class Augment:
    """Makes of a batch float32 [n, ...] another one. `kind` is one of options.AUGMENT; `shape` is a sample's."""

    def __init__(self, torch: Any, kind: str, shape: tuple[int, ...]) -> None:
        self._torch, self._kind, self._grids = torch, kind, None
        if kind == "none":
            return
        side = math.isqrt(shape[0]) if len(shape) == 1 else 0
        self._image = (1, side, side) if side else (1,) * (3 - len(shape)) + shape
        if len(shape) > 3 or (side and side * side != shape[0]) or min(self._image[1:]) < 4:
            raise EmccError(
                f"augmenting needs images, but an input has shape {list(shape)}",
                hint="leave augment at none, or give a model whose input is [channels, height, width]",
            )

    def begin(self, rng: np.random.Generator) -> None:
        """An epoch begins: draws its warps."""
        if self._kind == "none":
            return
        torch = self._torch
        _, height, width = self._image

        def draw(*size: int) -> Any:
            return torch.from_numpy(np.asarray(rng.uniform(-1, 1, size), np.float32))

        move = draw(GRIDS, 2) * SHIFT * 2
        theta = torch.zeros(GRIDS, 2, 3)
        theta[:, 0, 0] = theta[:, 1, 1] = 1.0
        if self._kind == "warp":
            turn, scale = draw(GRIDS) * TURN, 1 + draw(GRIDS, 2) * SCALE
            theta[:, 0, 0], theta[:, 1, 1] = turn.cos() * scale[:, 0], turn.cos() * scale[:, 1]
            theta[:, 0, 1], theta[:, 1, 0] = -turn.sin() * scale[:, 1] + draw(GRIDS) * SHEAR, turn.sin() * scale[:, 0]
        theta[:, :, 2] = move
        grid = torch.nn.functional.affine_grid(theta, [GRIDS, 1, height, width], align_corners=False)
        if self._kind == "warp":
            bends = torch.from_numpy((rng.standard_normal((GRIDS, 2, 5, 5)) * ELASTIC).astype(np.float32))
            bends = torch.nn.functional.interpolate(bends, size=(height, width), mode="bicubic", align_corners=True)
            grid = grid + bends.permute(0, 2, 3, 1)
        self._grids = grid.contiguous()

    def __call__(self, x: Any, rng: np.random.Generator, clean: float = 0.0) -> Any:
        """The batch, each sample changed by a warp of this epoch; a share `clean` of them is left as it is."""
        if self._grids is None or clean >= 1:
            return x
        if clean > 0:
            changed = self(x, rng)
            left = self._torch.from_numpy(rng.random(len(x)) < clean)
            return self._torch.where(left.reshape(-1, *(1,) * (x.ndim - 1)), x, changed)
        chosen = self._torch.from_numpy(rng.integers(0, GRIDS, len(x)))
        images = x.reshape(len(x), *self._image)
        grid = self._grids.index_select(0, chosen)
        warped = self._torch.nn.functional.grid_sample(images, grid, align_corners=False)
        return warped.reshape(x.shape)
