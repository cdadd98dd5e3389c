"""Exit codes, and the group of commands that answers a mistake and an interrupt with one."""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from emcc.base.errors import EmccError

MISTAKE = 2
INTERRUPTED = 130


class Guarded(TyperGroup):
    """Turn a user's mistake into its message and exit code 2, an interrupt into 130; a bug keeps its traceback.

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
            return super().invoke(ctx)
        except EmccError as error:
            print(f"emcc: error: {error}", file=sys.stderr)
            raise typer.Exit(MISTAKE) from error
        except KeyboardInterrupt as error:
            print("emcc: interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from error
