"""What a student learns of its teacher: the losses of Hinton et al. and Romero et al., and that it helps."""

import numpy as np
import pytest
from graphs import folded

from emcc.base.errors import EmccError
from emcc.compress.distil import Distil, facts
from emcc.compress.finetune import Finetune
from emcc.compress.hints import MATRIX, SHIFT, Guided, Hint, Pair, hidden, matched, up_to
from emcc.compress.problem import outputs
from emcc.compress.state import state_of
from emcc.compress.trainer import Span, deterministic, import_torch, train
from emcc.ir.graph import Array, Graph, Node, Tensor
from emcc.ops.interpret import run
from emcc.samples.dataset import Dataset

SIZES, THIN = [12, 16, 10, 5], [12, 6, 5]


@pytest.fixture(autouse=True)
def _torch() -> None:
    pytest.importorskip("torch")


def data_of(teacher: Graph, seed: int = 0) -> Dataset:
    x = np.random.default_rng(seed).standard_normal((300, SIZES[0])).astype(np.float32)
    return Dataset(x, run(teacher, x).argmax(axis=1))


def tuner_of(teacher: Graph, student: Graph, **changes: object) -> Finetune:
    options = {"batch": 32, "least_steps": 6, "data": data_of(teacher), "teacher": teacher, "network": student}
    return Finetune(**{**options, **changes})


def conv_graph(channels: int) -> tuple[Graph, str]:
    """Two layers, of which the second reads a map of so many channels, and the map's name."""
    rng = np.random.default_rng(channels)
    attrs = {"dilations": (1, 1), "group": 1, "pads": (1, 1, 1, 1), "strides": (1, 1)}
    nodes = (
        Node("conv", "Conv", ("x", "conv.w", "conv.b"), ("c",), attrs),
        Node("act", "Relu", ("c",), ("r",)),
        Node("fc", "Linear", ("r", "fc.w", "fc.b"), ("y",)),
    )
    shapes = {"x": (2, 5, 5), "c": (channels, 5, 5), "r": (channels, 5, 5), "y": (4,)}
    constants = {
        "conv.w": rng.standard_normal((channels, 2, 3, 3)).astype(np.float32),
        "conv.b": rng.standard_normal(channels),
        "fc.w": rng.standard_normal((4, channels * 25)).astype(np.float32),
        "fc.b": rng.standard_normal(4),
    }
    return Graph("n", ("x",), ("y",), nodes, {k: Tensor(k, (None, *v)) for k, v in shapes.items()}, constants), "r"


def softmax(scores: Array, heat: float = 1.0) -> Array:
    exponents = np.exp(scores / heat - (scores / heat).max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("soft", "heat"), [(0.0, 1.0), (0.3, 1.0), (0.6, 4.0), (1.0, 2.0)])
def test_soft_and_hard_targets_by_the_formula(soft: float, heat: float) -> None:
    """(1 - soft) H(y, p) + soft T^2 KL(q at T, p at T)."""
    teacher, student = folded(SIZES), folded(THIN, seed=3)
    problem = tuner_of(teacher, student, soft=soft, temperature=heat).problem
    rows = np.arange(40)
    x = np.asarray(problem.data.x[rows], np.float64)
    given, wanted = run(student, x), run(teacher, x)
    hard = -np.log(softmax(given)[rows, problem.data.of(0)[rows]]).mean()
    q, p = softmax(wanted, heat), softmax(given, heat)
    softened = heat**2 * (q * (np.log(q) - np.log(p))).sum(axis=1).mean()
    torch = problem.torch
    tensors = (torch.from_numpy(np.asarray(array, np.float32)) for array in (given, wanted))
    output, target = tensors
    assert float(problem.loss(output, rows, target)) == pytest.approx((1 - soft) * hard + soft * softened, rel=1e-5)


def test_without_a_share_of_the_teacher_labels_alone_count() -> None:
    teacher, student = folded(SIZES), folded(THIN, seed=3)
    problem = tuner_of(teacher, student).problem
    assert all(wanted is None for _, _, wanted in problem.epoch(0))


def test_hints_by_the_formula() -> None:
    """1/2 |u - (V v + c)|^2, the mean over samples."""
    torch, teacher, student = import_torch(), folded(SIZES), folded(THIN, seed=3)
    pair = matched(teacher, student, "auto")
    hint = Hint(torch, teacher, student, pair, seed=1)
    x = np.random.default_rng(5).standard_normal((7, 12)).astype(np.float32)
    u = np.maximum(x @ teacher.constants["fc0.weight"].T + teacher.constants["fc0.bias"], 0)
    v = np.maximum(x @ student.constants["fc0.weight"].T + student.constants["fc0.bias"], 0)
    assert u.shape[1] == 16
    r = v @ hint.leaves[MATRIX].detach().numpy().T + hint.leaves[SHIFT].detach().numpy()
    got = float(hint.loss(torch.from_numpy(x), dict(hint.leaves)).detach())
    assert got == pytest.approx(0.5 * np.square(u - r).sum(axis=1).mean(), rel=1e-5)


def test_equal_widths_have_no_regressor() -> None:
    torch, teacher = import_torch(), folded(SIZES)
    hint = Hint(torch, teacher, teacher, Pair("y0", "y0"), seed=0)
    assert hint.leaves == {}
    assert float(hint.loss(torch.ones(3, 12), {})) == 0


def test_hints_of_maps_are_over_channels() -> None:
    torch, (teacher, wide), (student, narrow) = import_torch(), conv_graph(6), conv_graph(4)
    pair = matched(teacher, student, "auto")
    assert (pair.teacher, pair.student) == (wide, narrow)
    hint = Hint(torch, teacher, student, pair, seed=2)
    x = np.random.default_rng(0).standard_normal((3, *teacher.tensors["x"].shape[1:])).astype(np.float32)
    u, v = (run(up_to(graph, name), x) for graph, name in ((teacher, wide), (student, narrow)))
    matrix, shift = (hint.leaves[name].detach().numpy() for name in (MATRIX, SHIFT))
    assert matrix.shape == (6, 4)
    r = np.einsum("oc,nchw->nohw", matrix, v) + shift[:, None, None]
    got = float(hint.loss(torch.from_numpy(x), dict(hint.leaves)).detach())
    assert got == pytest.approx(0.5 * np.square(u - r).sum(axis=(1, 2, 3)).mean(), rel=1e-4)


def test_only_what_makes_the_hidden_tensor_learns() -> None:
    teacher, student = folded(SIZES), folded([12, 6, 8, 5], seed=3)
    tuner = tuner_of(teacher, student)
    torch, problem, state = import_torch(), tuner.problem, state_of(student)
    hint = Hint(torch, teacher, student, Pair("y0", "y0"), seed=0)
    guided = Guided(torch, state, hint)
    losses = []
    for _ in range(6):
        state, loss = train(problem, state, guided, Span(0, 1, 0.02, 1.0), lambda x, _, __, given: hint.loss(x, given))
        losses.append(loss)
    assert losses[-1] < 0.5 * losses[0]
    assert not np.array_equal(state.weights["fc0.weight"], student.constants["fc0.weight"])
    for name in ("fc1.weight", "fc2.weight"):
        np.testing.assert_array_equal(state.weights[name], student.constants[name])


@pytest.mark.parametrize("features", ["none", "auto", "y1 = y0"])
def test_a_student_gains_and_the_same_seed_gives_the_same_bits(features: str) -> None:
    teacher, student = folded(SIZES), folded(THIN, seed=3)
    tuner, distil = tuner_of(teacher, student), Distil(epochs=8, hint_epochs=4, learning_rate=0.02, features=features)
    taught, again = distil.apply(student, tuner), distil.apply(student, tuner)
    said = facts(student, taught, tuner)
    assert said["quality"] > said["before"] + 20
    assert said["teacher"] == 100
    for name in ("fc0.weight", "fc1.weight", "fc1.bias"):
        assert taught.constants[name].tobytes() == again.constants[name].tobytes()
    with deterministic(import_torch(), 1):
        assert np.isfinite(float(outputs(import_torch(), taught, import_torch().ones(1, 12)).sum()))


def test_hidden_tensors_are_what_layers_read() -> None:
    assert hidden(folded(SIZES)) == {"y0": (16,), "y1": (10,)}
    assert hidden(folded([12, 5])) == {}


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ("y0", 'write "none", "auto" or "TEACHER=STUDENT"'),
        ("y9=y0", "the teacher has no hidden tensor 'y9'"),
        ("y0=x", "the student has no hidden tensor 'x'"),
    ],
)
def test_names_that_are_not_there(features: str, said: str) -> None:
    with pytest.raises(EmccError, match=said):
        matched(folded(SIZES), folded(THIN), features)


def test_maps_of_other_sizes_do_not_go_together() -> None:
    (teacher, wide), student = conv_graph(6), folded(THIN)
    with pytest.raises(EmccError, match="differ in more than their channels"):
        matched(teacher, student, f"{wide}=y0")
    with pytest.raises(EmccError, match="no hidden tensors"):
        matched(folded([12, 5]), student, "auto")
