"""What a command aims at, and how long it may train."""

from pathlib import Path

from graphs import folded

from emcc.driver.goals import search_of
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompressOptions


def test_minutes_that_are_given_win_over_the_recipes_steps(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("[search]\nsteps = 5\n")
    recipe, graph = Recipe.read(tmp_path / "my.toml"), folded((4, 6, 2))
    asked = CompressOptions(Path("model.onnx"))
    assert search_of(asked, recipe, graph, 3.0).steps == 5
    given = search_of(CompressOptions(Path("model.onnx"), minutes=0.5), recipe, graph, 3.0).steps
    assert given == search_of(CompressOptions(Path("model.onnx"), minutes=0.5), Recipe(), graph, None).steps > 5
    assert search_of(CompressOptions(Path("model.onnx"), steps=7, minutes=None), recipe, graph, 3.0).steps == 7
