"""An artefact that all tests of boards copy: compiling it takes seconds."""

import shutil
from pathlib import Path

import artefacts
import pytest
from stands import Tools

from emcc.tools import nextpnr, packer, yosys


@pytest.fixture(scope="session")
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = artefacts.compiled(tmp_path_factory.mktemp("boards"))
    artefacts.echoing(folder)
    return folder


@pytest.fixture
def artefact(_compiled: Path, tmp_path: Path) -> Path:
    """The artefact's folder, a copy of the test's own; its serial port gives back what comes in."""
    return Path(shutil.copytree(_compiled, tmp_path / "net"))


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Tools:
    """The stand-ins, in place."""
    stands = Tools()
    monkeypatch.setattr(yosys, "synthesise", stands.synthesise)
    monkeypatch.setattr(nextpnr, "place_and_route", stands.place_and_route)
    monkeypatch.setattr(packer, "pack", stands.pack)
    return stands
