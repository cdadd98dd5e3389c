"""What the tests that build simulators share: where those are kept, and what happens where a tool is missing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from emcc.base.errors import EmccError


def keep(config: pytest.Config, folders: pytest.TempPathFactory) -> None:
    """Simulators are kept in pytest's own cache, so that a second run does not build them again."""
    kept = getattr(config, "cache", None)  # None with -p no:cacheprovider
    os.environ.setdefault("EMCC_CACHE", str(kept.mkdir("emcc") if kept else folders.mktemp("emcc")))


def build_quickly(patch: pytest.MonkeyPatch) -> None:
    """Let the compiler take no pains over simulators that run a moment.

    Those of the commands that tests start (the demo, the notebook, the wheel) and of the real models are as a user's.
    """
    from emcc.tools import verilator

    patch.setattr(verilator, "HOT", verilator.COLD)


@contextmanager
def skipped_without_tools() -> Iterator[None]:
    """An EmccError in here, a tool that is missing, skips the test; tests/conftest.py makes a failure of that in CI."""
    try:
        yield
    except EmccError as error:
        pytest.skip(str(error).replace("\n", ";"))
