"""Adam's steps are torch's, bit for bit, whichever leaves have a gradient and however often training stops."""

import numpy as np
import pytest

from emcc.compress.adam import BETAS, EPSILON, Adam

SHAPES = {"a": (7, 13), "b": (7,), "c": (3, 7), "d": (3,)}
DECAYS = ("a", "c")


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_bits_are_torchs(decay: float) -> None:
    torch = pytest.importorskip("torch")
    from torch.optim.adamw import adamw

    rng = np.random.default_rng(0)
    values = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}
    leaves, wanted = ({name: torch.from_numpy(value.copy()) for name, value in values.items()} for _ in range(2))
    held = {name: (torch.zeros(shape), torch.zeros(shape), torch.tensor(0.0)) for name, shape in SHAPES.items()}
    moments: dict[str, np.ndarray] = {}
    for step in range(40):
        if step % 10 == 0:
            adam = Adam(torch, leaves, DECAYS, decay, moments, step)
        adam.clear()
        moving = [name for name in SHAPES if name != "d" or step >= 35]  # "d" is still while stages begin
        rate = 1e-3 * (1 + step)
        for name in moving:
            gradient = rng.standard_normal(SHAPES[name]) * 10.0 ** rng.integers(-9, 3)
            leaves[name].grad = torch.from_numpy(gradient.astype(np.float32))
            first, second, count = held[name]
            adamw(
                *([wanted[name]], [leaves[name].grad.clone()], [first], [second], [], [count]),
                **{"foreach": True, "amsgrad": False, "maximize": False, "eps": EPSILON, "lr": rate},
                **{"beta1": BETAS[0], "beta2": BETAS[1], "weight_decay": decay if name in DECAYS else 0.0},
            )
        adam.step(rate)
        moments = adam.moments()
        assert sorted(moments) == sorted(f"{kind}:{name}" for name in moving for kind in "mv")
        for name in moving:
            assert leaves[name].numpy().tobytes() == wanted[name].numpy().tobytes()
            assert moments[f"m:{name}"].tobytes() == held[name][0].numpy().tobytes()
            assert moments[f"v:{name}"].tobytes() == held[name][1].numpy().tobytes()
