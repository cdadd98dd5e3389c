"""What emcc emits for a fixed set of models, to the byte: a change of it is a decision, in a commit of its own."""

import json
from pathlib import Path

import pytest
from golden_cases import CASES, DIGESTS, emit

KNOWN = json.loads(DIGESTS.read_text())


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.shared])
def test_emits_the_same_bytes(name: str, tmp_path: Path) -> None:
    assert dict(emit(CASES[name], tmp_path, None).parts) == KNOWN[name]


@pytest.mark.shared
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.shared])
def test_emits_the_same_bytes_of_real_models(name: str, tmp_path: Path, shared_data: Path) -> None:
    assert dict(emit(CASES[name], tmp_path, shared_data).parts) == KNOWN[name]


def test_every_case_has_its_digests() -> None:
    assert set(KNOWN) == set(CASES)
