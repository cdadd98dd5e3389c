"""Exit codes, and the group of commands that answers a mistake, an interrupt and a machine's refusal with one error."""

import errno
import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from emcc.base.errors import EmccError

MISTAKE = 2
INTERRUPTED = 130
TRACEBACK = "EMCC_TRACEBACK"
"""The environment variable with which what is turned into an error here keeps its traceback."""

_SHOW = f"{TRACEBACK}=1 shows where"


class Guarded(TyperGroup):
    """Turn a user's mistake into its message and exit code 2, an interrupt into 130; a bug keeps its traceback.

    What a machine refuses (memory, a file, depth) and a tool that fails are errors too.

    Every option's help says its default: "off" of a switch and "none" of others, where `show_default` has no words.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        params: Any = [param for command in self.commands.values() for param in command.params]
        for param in params:
            silent = param.param_type_name == "option" and not param.required and param.show_default is True
            if silent and param.default in (None, False):
                param.show_default = "off" if param.is_flag else "none"

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            result = super().invoke(ctx)
            if sys.stdout:
                sys.stdout.flush()
            return result
        except KeyboardInterrupt as error:
            print("emcc: interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from error
        except Exception as error:
            mistake = _mistake(error)
            if mistake is None or (mistake is not error and os.environ.get(TRACEBACK)):
                raise
            print(f"emcc: error: {mistake}", file=sys.stderr)
            raise typer.Exit(MISTAKE) from error


def _mistake(error: Exception) -> EmccError | None:
    """Return the error that the user is shown; None for a bug, and for a reader of a pipe that has gone."""
    from emcc.tools.process import ToolError

    match error:
        case EmccError():
            return error
        case MemoryError():
            hint = f"close other programs, give fewer samples or a smaller model; {_SHOW}"
            return EmccError("there is not enough memory", hint=hint)
        case RecursionError():
            return EmccError("something in the input is nested too deeply", hint=_SHOW)
        case ToolError():
            cause, *rest = str(error).splitlines()
            hint = "is the artefact as it was compiled? is there room on the disk? If so, please report this"
            return EmccError(cause, details=[line.removeprefix("  ") for line in rest], hint=hint)
        case OSError() if error.errno != errno.EPIPE:
            return EmccError(f"{error.strerror or error}", file=error.filename, hint=_SHOW)
    return None


def give_up_stdout() -> None:
    """Let nothing more be written to a standard output that is full or closed: Python would complain at its end."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except (OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
