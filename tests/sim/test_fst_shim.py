"""The stand-ins for lz4 and zlib that the FST writer is compiled with: what they write can be read."""

import subprocess
import zlib
from pathlib import Path

import pytest
from fst import lz4_block

from emcc.resources import folder
from emcc.tools import cxx

pytestmark = pytest.mark.sim

PROGRAM = r"""
#include "lz4.h"
#include "zlib.h"
#include <cstdio>
#include <string>
#include <vector>
int main(int argc, char** argv) {
    std::vector<char> in;
    for (int c; (c = getchar()) != EOF;) in.push_back(static_cast<char>(c));
    std::vector<char> out;
    if (std::string(argv[1]) == "lz4") {
        out.resize(LZ4_compressBound(static_cast<int>(in.size())));
        const int size = static_cast<int>(in.size());
        out.resize(LZ4_compress_default(in.data(), out.data(), size, static_cast<int>(out.size())));
    } else {
        uLongf size = compressBound(in.size());
        out.resize(size);
        if (compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<Bytef*>(in.data()), in.size(), 9))
            return 1;
        out.resize(size);
    }
    fwrite(out.data(), 1, out.size(), stdout);
}
"""

TEXTS = [b"", b"a", b"short text", b"a" * 13, bytes(100_000), b"emcc" * 40_000, bytes(range(256)) * 300]
TEXTS += [bytes((i * i * 2654435761 >> 7) & 255 for i in range(size)) for size in (12, 17, 1000, 70_000)]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that packs its standard input."""
    work = tmp_path_factory.mktemp("fst")
    (work / "pack.cpp").write_text(PROGRAM)
    include = folder("harness") / "fst"
    subprocess.run([*cxx.compiler(), "-std=c++17", f"-I{include}", "pack.cpp", "-o", "pack"], cwd=work, check=True)
    return work / "pack"


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_lz4_and_zlib_streams_are_read_back(pack: Path, text: bytes) -> None:
    packed = subprocess.run([pack, "lz4"], input=text, capture_output=True, check=True).stdout
    assert lz4_block(packed) == text
    assert zlib.decompress(subprocess.run([pack, "zlib"], input=text, capture_output=True, check=True).stdout) == text


def test_lz4_packs_what_repeats(pack: Path) -> None:
    packed = subprocess.run([pack, "lz4"], input=b"emcc" * 40_000, capture_output=True, check=True).stdout
    assert len(packed) < 1000
