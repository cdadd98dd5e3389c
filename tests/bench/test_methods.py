"""The table of methods: every row is a recipe that the compiler takes, and what the table makes of figures."""

from benchmarks.common import methods
from emcc.compress.method import combined
from emcc.driver.recipe import Recipe


def test_every_row_names_methods_and_a_recipe_that_there_are() -> None:
    rows = methods.rows()
    assert len({row.key for row in rows}) == len(rows)
    for row in rows:
        assert row.model in methods.MODELS
        recipe = Recipe.parse(methods.toml(row.recipe)).naming(row.method)
        assert recipe.named == combined(row.method)
        assert all(recipe.chosen[section] == values for section, values in row.recipe.items())


def test_a_recipe_with_a_table_of_layers() -> None:
    text = methods.toml({"filters": {"layers": {"a b": 0.5}, "keep": 0.25}})
    assert Recipe.parse(text).chosen == {"filters": {"layers": {"a b": 0.5}, "keep": 0.25}}


def test_the_best_is_the_smallest_that_loses_little() -> None:
    rows = {"a": {"error": 1.2, "bytes": 10.0}, "b": {"error": 1.29, "bytes": 8.0}, "c": {"error": 1.5, "bytes": 2.0}}
    assert methods.best(rows, 1.0) == {"methods": "b", "error": 1.29, "bytes": 8.0}
    assert methods.best(rows, 0.5) == {}
    assert methods.means([{"error": 1.0}, {"error": 2.0}]) == {"error": 1.5}
