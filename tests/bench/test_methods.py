"""The table of methods: every row is a recipe that the compiler takes, and what the table makes of figures."""

import json
from pathlib import Path

import pytest

from benchmarks.common import methods, methods_file
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


def figures(error: float, size: float, **more: object) -> dict[str, object]:
    return {"ratio": 1000 / size, "error": error, "bytes": size, **more}


def test_the_best_is_the_smallest_that_errs_little_more_than_the_dense() -> None:
    rows = {"a": figures(1.2, 10.0, cycles=7), "b": figures(1.29, 8.0, cycles=7), "c": figures(1.5, 2.0)}
    assert methods_file.best(rows) == {"methods": "c", **figures(1.5, 2.0)}
    dense = {"dense": figures(1.0, 1.0)}
    assert methods_file.best({**rows, **dense}) == {"methods": "b", **figures(1.29, 8.0)}
    assert methods_file.best({"c": rows["c"], **dense}) == {}
    assert methods.means([{"error": 1.0}, {"error": 2.0}]) == {"error": 1.5}


def test_rows_are_put_beside_those_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "methods.json"
    for names in (("surgery", methods.BEST), ("lamp", "dense", "surgery")):
        table = methods_file.read(file)
        for name in names:
            methods_file.put(table, "lenet300100", name, figures(1.0, 9.0 + len(name), pes=16))
        methods_file.write(table, file)
    found = json.loads(file.read_text())
    assert [*found] == ["lenet300100", "lenet5"]
    assert found["lenet5"] == {"best": {}, "methods": {}}
    assert [*found["lenet300100"]["methods"]] == ["dense", "lamp", "surgery", methods.BEST]
    assert found["lenet300100"]["best"] == {"methods": "lamp", **figures(1.0, 13.0)}


@pytest.mark.parametrize("text", ["{", "[]", '{"lenet5": 3}', '{"vgg": {"methods": {"a": {}}}}', "\xff"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "other.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"other\.json: not a file of"):
        methods_file.read(file)
