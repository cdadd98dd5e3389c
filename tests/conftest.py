"""What all tests share: where the real data is."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("EMCC_DATA", Path(__file__).resolve().parents[1] / ".." / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real models and data; the test is skipped where it is not there."""
    if not (DATA / "models").is_dir():
        pytest.skip("no shared data: set EMCC_DATA to its folder")
    return DATA
