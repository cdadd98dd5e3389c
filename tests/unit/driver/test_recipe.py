"""The recipe: defaults round-trip, and every mistake is said, at once, with what was probably meant."""

import tomllib

import pytest

from emcc.base.errors import EmccError
from emcc.compress.finetune import Finetune
from emcc.driver.recipe import Recipe, default_text, options, sections
from emcc.eie.options import LowerOptions
from emcc.passes.calibrate import Calibrate
from emcc.passes.quantise import Quantise

ALL_WRONG = """\
depth = 1
share = 4
[prun]
a = 1
[prune]
sparsty = 0.3
sparsity = 1.5
score = "lmp"
layers = 3
[finetune]
epochs = 1.5
data = "a.npz"
steps = 0
batch = true
[calibrate]
bits = 12
headroom = nan
seed = -1
[lower]
trim = "yes"
"""

ALL_SAID = """\
my.toml: 15 mistakes in the recipe
  depth is in no section; the sections are scale, equalise, compress, filters, svd, \
spatial-svd, tucker-2, cp, binary-activations, prune, share, uniform, power-of-two, ternary, binary, product, \
finetune, distil, calibrate, quantise, lower, encode, emit, search
  share is a section: write [share], and its options below
  no section [prun], did you mean prune?
  [prune] sparsty: no such option, did you mean sparsity?
  [prune] sparsity is 1.5, not from 0.0 to 1.0
  [prune] score is "lmp", did you mean lamp?
  [prune] layers is 3, not a table of values by layer
  [finetune] epochs is 1.5, not a whole number
  [finetune] data: no such option; its options are epochs, steps, learning_rate, shared_epochs, \
shared_learning_rate, batch, least_steps, distil, temperature, soft, holdout, threads, seed, weight_decay, l1, \
group, exclusive, top_gradients
  [finetune] steps is 0, not from 1 to 100
  [finetune] batch is true, not a whole number
  [calibrate] bits is 12; it can be 8, 16
  [calibrate] headroom is nan, not from 1.0 to 256.0
  [calibrate] seed is -1, not at least 0
  [lower] trim is "yes", not true or false
  hint: `emcc recipe` prints every option with its default"""


def test_the_default_text_parses_to_the_defaults_and_shows_every_option():
    text = default_text()
    assert Recipe.parse(text).effective() == Recipe().effective()
    written = tomllib.loads(text)
    assert {section: set(values) for section, values in written.items()} == {
        section: {entry.name for entry in options(section)} for section in sections()
    }
    assert list(written) == list(sections())
    assert all(
        line.startswith("#") for line in text.splitlines() if line and line[0] not in "[abcdefghijklmnopqrstuvwxyz"
    )
    assert default_text() == text


def test_the_steps_take_their_values():
    recipe = Recipe.parse('[prune]\nsparsity = 1\n[prune.layers]\n"/fc1/Gemm" = 0.5\n[lower]\npes = 4\n')
    assert recipe.given == {"prune", "lower"}
    assert (recipe.zeros.sparsity, recipe.zeros.layers) == (1, {"/fc1/Gemm": 0.5})
    assert recipe.of(LowerOptions).pes == 4
    assert recipe.codebooks.bits == 4
    assert recipe.of(Finetune).data is None
    assert (recipe.of(Calibrate).bits, recipe.of(Quantise).table_error) == (16, 2.0)
    assert recipe.effective()["prune"] == {
        "sparsity": 1,
        "score": "lamp",
        "layers": {"/fc1/Gemm": 0.5},
        "balance_pes": 0,
    }


def test_all_mistakes_at_once():
    with pytest.raises(EmccError) as error:
        Recipe.parse(ALL_WRONG, "my.toml")
    assert str(error.value) == ALL_SAID


def test_mistakes_within_a_table_of_layers():
    with pytest.raises(EmccError) as error:
        Recipe.parse('[share.layers]\n"fc\\u001b1" = 3\nfc2 = 2.0\nfc3 = 4\n[prune.layers]\nfc1 = 2\n')
    assert error.value.details == (
        "[share] layers.'fc\\x1b1' is 3; it can be 0, 1, 2, 4, 8",
        "[share] layers.'fc2' is 2.0, not a whole number",
        "[prune] layers.'fc1' is 2, not from 0.0 to 1.0",
    )


def test_one_mistake_is_one():
    with pytest.raises(EmccError, match=r"^a mistake in the recipe\n  no section \[x\]"):
        Recipe.parse("[x]")


def test_files(tmp_path):
    path = tmp_path / "r.toml"
    with pytest.raises(EmccError) as error:
        Recipe.read(path)
    assert str(error.value) == f"{path}: no such file"
    path.write_bytes(b"\xff")
    with pytest.raises(EmccError, match="not TOML: not UTF-8 at byte 0"):
        Recipe.read(path)
    path.write_text("[prune\n")
    with pytest.raises(EmccError, match=r"r\.toml: not TOML: .* line 1"):
        Recipe.read(path)
    with pytest.raises(EmccError, match="cannot be read"):
        Recipe.read(tmp_path)
    path.write_text("[prune]\nsparsity = 0.25\n")
    assert Recipe.read(path).zeros.sparsity == 0.25
