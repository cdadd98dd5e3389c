"""Help that says every default, and completion."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from emcc.cli import app

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
START = "import sys; sys.argv[0] = {name!r}; from emcc.cli import main; main()"


def shown(command: str) -> str:
    """What --help prints, on one line, without its frame."""
    result = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert result.exit_code == 0
    return " ".join(re.sub("[│╭╮╰╯─]", " ", result.stdout).split())


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_every_default(command: str) -> None:
    text = shown(command)
    names = [param.opts[0] for param in COMMANDS[command].params if param.param_type_name == "option"]
    parts = re.split(rf" (?=(?:{'|'.join([*names, '--help'])}) )", text.partition(" Options ")[2])
    by_name = {part.split()[0]: part for part in parts if part.startswith("--")}
    assert set(names) <= set(by_name)
    for name in names:
        assert re.search(r"\[default: [^]]+\]|\[required\]", by_name[name]), by_name[name]


def test_help_is_as_it_was_written() -> None:
    """Nothing in brackets is taken for markup and left out."""
    text = shown("compile")
    assert "[default: (the recipe's, 8)]" in text
    assert "Follow the recipe and no goal: prune to 10 %, fine-tune." in text
    assert "--max-drop 0.3" in shown("compress")


@pytest.mark.parametrize(("name", "variable"), [("emcc", "_EMCC_COMPLETE"), ("emcc-fpga", "_EMCC_FPGA_COMPLETE")])
def test_a_shell_completes(name: str, variable: str) -> None:
    def complete(words: str) -> list[str]:
        asked = {variable: "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
        command = [sys.executable, "-c", START.format(name=name)]
        done = subprocess.run(command, capture_output=True, text=True, env={**ENVIRONMENT, **asked})
        assert done.stderr == ""
        return done.stdout.split()

    assert complete(f"{name} comp") == ["compile", "compress", "compare"]
    assert "--max-drop" in complete(f"{name} compile --max")


def test_completion_can_be_installed(tmp_path: Path) -> None:
    place = {**ENVIRONMENT, "HOME": str(tmp_path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "True"}
    command = [sys.executable, "-c", START.format(name="emcc"), "--install-completion", "bash"]
    done = subprocess.run(command, capture_output=True, text=True, env=place)
    assert done.returncode == 0, done.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file() and "_EMCC_COMPLETE" in path.read_text()]
    assert written


def test_both_commands_are_installed_by_the_package() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == dict.fromkeys(("emcc", "emcc-fpga"), "emcc.__main__:main")
