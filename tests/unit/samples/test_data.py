"""Data: what is read, and what is said where it is not as it should be."""

import zipfile

import numpy as np
import pytest
from graphs import folded

from emcc.base.errors import EmccError
from emcc.samples.load import HINT, load_data

GRAPH = folded([6, 4])
SEEN = np.random.default_rng(0).standard_normal((10, 6)).astype(np.float32)


def write(path, compress=False, **arrays):
    (np.savez_compressed if compress else np.savez)(path, **arrays)
    return path


@pytest.fixture
def npz(tmp_path):
    return tmp_path / "d.npz"


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", "<f2"])
def test_x_and_y_as_written(npz, compress, order, dtype):
    x = np.asarray(SEEN, dtype, order=order)
    y = np.arange(10, dtype=np.uint8) % 4
    data = load_data(write(npz, compress, x=x, y=y, other=np.array(["ignored"])), GRAPH)
    assert (data.x.dtype, data.y.dtype, len(data)) == (np.float32, np.int64, 10)
    np.testing.assert_array_equal(data.x, x.astype(np.float32))
    np.testing.assert_array_equal(data.y, y)
    assert not data.x.flags.writeable
    assert isinstance(data.x.base, np.memmap) == (not compress and order == "C" and dtype == "<f4")


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16"])
def test_small_integers_as_they_are(npz, dtype):
    x = np.random.default_rng(0).integers(np.iinfo(dtype).min, np.iinfo(dtype).max, (5, 6), dtype)
    data = load_data(write(npz, x=x), GRAPH)
    np.testing.assert_array_equal(data.x, x)
    assert data.y is None


def test_a_vector_of_labels_is_only_checked_against_a_vector_of_outputs(npz):
    from dataclasses import replace

    tensors = {**GRAPH.tensors, "z0": replace(GRAPH.tensors["z0"], shape=(None, 2, 2))}
    data = load_data(write(npz, x=SEEN, y=np.full(10, 7)), GRAPH.with_(tensors=tensors))
    assert data.y[0] == 7


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint64", "bool"])
def test_integers_of_any_size_are_rounded_as_the_models_input_is(npz, dtype):
    x = np.random.default_rng(0).integers(0, 1 << 40, (5, 6)).astype(dtype)
    np.testing.assert_array_equal(load_data(write(npz, x=x), GRAPH).x, x.astype(np.float32))


CLASSES = np.arange(10) % 4


@pytest.mark.parametrize("name", ["y", "Y", "y_z0"])
@pytest.mark.parametrize(
    "y",
    [
        *(CLASSES.astype(dtype) for dtype in ("int8", "uint64", "float32", "float64")),
        *(np.eye(4)[CLASSES].astype(dtype) for dtype in ("float32", "int64", "bool")),
        CLASSES[:, None],
    ],
    ids=lambda y: f"{y.dtype}-{y.ndim}",
)
def test_class_numbers_as_people_write_them(npz, name, y):
    data = load_data(write(npz, X=SEEN, **{name: y}), GRAPH)
    assert data.y.dtype == np.int64
    np.testing.assert_array_equal(data.y, CLASSES)
    assert data.unread == ()


@pytest.mark.parametrize("place", [0, 1])
def test_rows_that_are_no_choice_of_one_class_are_targets(npz, place):
    y = np.eye(4, dtype=np.float32)[CLASSES]
    y[3] = [[1, 0, 1, 0], [0, 0.5, 0.5, 0]][place]
    np.testing.assert_array_equal(load_data(write(npz, x=SEEN, y=y), GRAPH).y, y)


def test_arrays_that_may_be_labels_and_are_not_read(npz):
    data = load_data(write(npz, x=SEEN, labels=EVEN, names=np.array(["a"])), GRAPH)
    assert (data.y, data.unread, data.first(3).unread) == (None, ("labels", "names"), ("labels", "names"))


POISONED = SEEN.copy()
POISONED[[3, 7], [0, 5]] = [np.nan, np.inf]
EVEN = np.zeros(10, np.int64)
ARRAYS = [
    ({"images": SEEN, "y": EVEN}, "no array called x, only images, y", HINT),
    ({"x": SEEN[:, :5]}, "x has shape [10, 5], but the model's input 'x' is [n, 6]", None),
    ({"x": SEEN.ravel()}, "x has shape [60], but the model's input 'x' is [n, 6]", None),
    ({"x": SEEN[:0]}, "x has no samples", None),
    ({"x": POISONED}, "x has NaN or infinite values in 2 of 10 samples, the first is sample 3", None),
    (
        {"x": SEEN.astype(float) * 1e300},
        "x has NaN or infinite values in 10 of 10 samples, the first is sample 0",
        None,
    ),
    (
        {"x": SEEN.astype(complex)},
        "x is complex128, not numbers",
        "convert it with x.astype('float32')",
    ),
    (
        {"x": SEEN.astype(str)},
        "x is <U32, not numbers",
        "convert it with x.astype('float32')",
    ),
    ({"x": SEEN.astype(object)}, "x holds Python objects, which are not read", HINT),
    ({"x": SEEN, "y": EVEN[:9]}, "y has shape [9], but x has 10 samples: expected [10]", None),
    (
        {"x": SEEN, "y": EVEN + 0.5},
        "y is float64 of shape [10], but the model's output is [n, 4]",
        "class numbers are whole numbers [n]; leave y out to hold the model against itself",
    ),
    ({"x": SEEN, "y": np.full((10, 4), np.inf)}, "y has NaN or infinite values", None),
    ({"x": SEEN, "y": EVEN + 4}, "y holds class numbers from 4 to 4, but the model's are 0 to 3", None),
    (
        {"x": SEEN, "y": np.array(list("abcdabcdab"))},
        "y is <U1, neither class numbers nor targets",
        "numbers from 0 for names: numpy.unique(y, return_inverse=True)[1], if the model has that order",
    ),
    ({"x": SEEN, "y": EVEN - 1}, "y holds class numbers from -1 to -1, but the model's are 0 to 3", None),
]


@pytest.mark.parametrize(("arrays", "message", "hint"), ARRAYS, ids=[case[1][:40] for case in ARRAYS])
def test_what_is_said_of_wrong_arrays(npz, arrays, message, hint):
    with pytest.raises(EmccError) as error:
        load_data(write(npz, **arrays), GRAPH)
    assert str(error.value) == f"{npz}: {message}" + (f"\n  hint: {hint}" if hint else "")


def test_what_is_said_of_wrong_files(tmp_path, npz):
    with pytest.raises(EmccError) as error:
        load_data(npz, GRAPH)
    assert str(error.value) == f"{npz}: no such file"
    npz.write_bytes(b"not a zip")
    for path in (npz, tmp_path):
        with pytest.raises(EmccError, match=r"not a readable \.npz file"):
            load_data(path, GRAPH)
    np.save(tmp_path / "x.npy", SEEN)
    with pytest.raises(EmccError, match=r"not a readable \.npz file: File is not a zip file\n  hint: write it with"):
        load_data(tmp_path / "x.npy", GRAPH)


def header(shape):
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (117 - len(text)) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (b"", "x is not an array: "),
        (b"\x80\x04pickle......", "x is not an array: "),
        (header((1 << 60, 6)) + b"1234", "x is damaged: its header does not match its size"),
        (header((2, 6)) + bytes(47), "x is damaged: its header does not match its size"),
        (header((-2, -3, 2, 6)) + bytes(4 * 72), "x is not an array: its header is not one of plain numbers"),
        (header((2, 6)).replace(b"<f4", b"<f3") + bytes(48), "x is not an array: there is no type '<f3'"),
        (header((2, 6)).replace(b"'<f4'", b"__x__") + bytes(48), "x is not an array: its header is not one"),
        (header((2, 6)).replace(b"\x01\x00", b"\x04\x00", 1) + bytes(48), "x is not an array: it does not begin as"),
    ],
)
def test_headers_are_checked_before_they_are_believed(npz, member, message):
    with zipfile.ZipFile(npz, "w") as archive:
        archive.writestr("x.npy", member)
    with pytest.raises(EmccError) as error:
        load_data(npz, GRAPH)
    assert message in str(error.value)


@pytest.mark.parametrize("compress", [False, True])
def test_damage_anywhere_is_an_error_or_other_numbers_but_never_a_crash(npz, compress):
    whole = write(npz, compress, x=SEEN, y=EVEN).read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), 3):
            damaged[at] = rng.integers(256)
        npz.write_bytes(bytes(damaged[: rng.integers(1, len(whole) + 1)] if rng.random() < 0.3 else damaged))
        try:
            data = load_data(npz, GRAPH)
        except EmccError:
            continue
        assert data.x.shape[1:] == (6,)
        assert np.isfinite(data.x).all()
