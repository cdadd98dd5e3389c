"""emcc's commands, as the tests run them."""

from typer.testing import CliRunner, Result

from emcc.cli import app


def ended(*arguments: str, code: int = 0) -> Result:
    """A command that ended with `code`."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    return result


def run(*arguments: str, code: int = 0) -> str:
    """What it printed, on stdout and stderr."""
    return ended(*arguments, code=code).output


def printed(*arguments: str, code: int = 0) -> str:
    """What it printed on stdout."""
    return ended(*arguments, code=code).stdout
