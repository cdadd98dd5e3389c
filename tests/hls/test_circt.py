"""A real tool for high-level synthesis makes hardware of what is emitted, and that gives the reference's integers."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import simulators
from circt_models import CASES, held, made
from qgraphs import quantised

from emcc.backends.hls import plain
from emcc.base.errors import EmccError
from emcc.ir.graph import Array
from emcc.tools import cc, circt
from emcc.tools.process import run

pytestmark = pytest.mark.sim

OPERATORS = """
#include <stdint.h>
static const uint8_t bytes[3] = { 200, 7, 128 };
typedef struct { int16_t first; uint8_t second; } pair;
static const pair pairs[2] = { { -300, 9 }, { 5, 255 } };
typedef struct { int32_t kept[3]; } room;
typedef struct { int32_t begin; int16_t end; } span;
static span span_of(int32_t a, int32_t b) {
  const span found = { a + 1, (int16_t)(a + 2 * b) };
  return found;
}
static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }
static int32_t sum_of(const pair p, int32_t k) {
  int32_t sum = p.first;
  for (int32_t i = 0; i < k; ++i) {
    if (i & 1) {
      sum += (int32_t)p.second;
    } else {
      sum -= i;
    }
  }
  return sum;
}
void top(const int16_t x[3], int32_t y[26]) {
  static room kept;
  const int32_t a = x[0];
  const int32_t b = x[1];
  const uint32_t u = (uint32_t)a;
  const int8_t narrow = (int8_t)b;
  const uint16_t wide = (uint16_t)b;
  const int64_t product = (int64_t)a * ((int64_t)b << 20);
  const int32_t at = b & 1;
  int32_t steps = 0;
  y[0] = a + b * 3 - (b >> 2);
  y[1] = (a & b) | (a ^ ~b);
  y[2] = narrow;
  y[3] = wide;
  y[4] = (int32_t)(product >> 17);
  y[5] = (int32_t)(u >> 3);
  y[6] = a >> (b & 15);
  y[7] = (a < b) + (a <= b) * 2 + (a == b) * 4 + (a != b) * 8;
  y[8] = u < (uint32_t)b ? 1 : -1;
  y[9] = a > 0 && b > 0 ? 1 : 0;
  y[10] = a > 0 || !b;
  y[11] = bytes[at] + bytes[at + 1];
  y[12] = larger(a, b);
  y[13] = sum_of(pairs[0], at + 3);
  y[14] = a < 0 ? x[2] : (int16_t)(b + 1);
  for (int32_t i = 0; i < 3; ++i) kept.kept[i] = x[i] - i;
  for (int32_t i = 2; i >= 0; --i) kept.kept[i] += kept.kept[2 - i];
  for (int32_t i = 0; i < 3; i++) y[15 + i] = kept.kept[i];
  for (int32_t i = a & 7; i < 9; i += 2) {
    for (int32_t j = i; j > 0; --j) {
      if (x[2] > j) ++steps;
    }
  }
  y[18] = steps;
  y[19] = -a;
  if (b > 100) y[20] = kept.kept[0];
  else y[20] = 7;
  y[21] = (int32_t)((uint32_t)(a << 16) >> 20);
  for (int32_t i = 0; i < 3; ++i) {
    if (x[i] > kept.kept[1]) kept.kept[1] = x[i]; /* a choice by what it overwrites */
  }
  y[22] = kept.kept[1];
  const int32_t was = kept.kept[0];
  if (was > b) {
    kept.kept[0] = b;
    kept.kept[2] = was;
  }
  y[23] = kept.kept[0];
  y[24] = kept.kept[2];
  const span limits = span_of(a, b);
  y[25] = limits.end - limits.begin;
}
"""
"""All that the reader takes, behind numbers that are not known before."""
MAIN = """
#include <stdio.h>
#include "top.c"
int main(int argc, char **argv) {
  FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
  int16_t x[3];
  int32_t y[26];
  if (in == NULL) return 2;
  while (fread(x, sizeof x[0], 3, in) == 3) {
    top(x, y);
    for (int i = 0; i < 26; ++i) printf("%ld\\n", (long)y[i]);
  }
  return 0;
}
"""
REFUSED = {
    "a struct with other values than one a field": "const row z = { x[0], 1 }; y[0] = z.a;",
    "the operator /": "y[0] = x[0] / 3;",
    "a statement of kind While": "int32_t i = 0; while (i < x[0]) ++i;",
    "a memory or a call to the right of &&": "if (x[0] && x[1]) y[0] = 1;",
    "a variable that is neither an integer nor a scratch": "int32_t z[4]; z[0] = 1;",
    "a return without a value": "if (x[0]) return; y[0] = 1;",
    "the function other": "y[0] = other(3);",
    "a list of values for anything but a struct": "int16_t z[1] = { 4 }; y[0] = z[0];",
    "a struct at a place that is not known": "y[0] = rows[x[0]].a;",
}


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    simulators.build_quickly(monkeypatch)
    if sys.version_info[:2] > (3, 11):
        pytest.skip("no wheel of circt for this Python: the last one is for 3.11")
    with simulators.skipped_without_tools():
        circt.is_there()


def text_of(body: str) -> circt.Module:
    """A function with a body, read."""
    rows = "typedef struct { int8_t a; } row;\nstatic const row rows[2] = { { 1 }, { 2 } };\n"
    code = f"#include <stdint.h>\n{rows}void top(const int16_t x[4], int16_t y[4]) {{ {body} }}\n"
    return circt.module({"top.c": code.encode()}, "top.c", "top")


@pytest.mark.parametrize("name", ["sparse_perceptron", "convolution", "gates"])
def test_hardware_gives_the_references_integers(name: str) -> None:
    found = held(*CASES[name]())
    assert found.wrong == 0
    assert max(found.cycles) < 50 * found.products


def test_operators_give_what_the_c_compiler_gives(tmp_path: Path) -> None:
    x = np.random.default_rng(3).integers(-400, 400, (30, 3))
    x[:6] = [[0, 0, 0], [-32768, 32767, 1], [5, 5, -5], [-1, 128, 9], [32767, -32768, 0], [1, -1, 4]]
    program = circt.build(circt.converted(circt.module({"top.c": OPERATORS.encode()}, "top.c", "top")))
    got, _ = circt.simulated(program, x, 26, 100_000)
    assert np.array_equal(got, compiled(x, tmp_path))


def compiled(x: Array, place: Path) -> Array:
    """What the C compiler makes of OPERATORS."""
    program = cc.built({"top.c": OPERATORS.encode(), "main.c": MAIN.encode()}, ["main.c"], ("-O1",))
    x.astype("<i2").tofile(place / "in")
    told = run("operators", [program, place / "in"], timeout=60).output
    return np.array(told.split(), np.int64).reshape(len(x), -1)


def test_a_wrong_number_in_a_table_is_red() -> None:
    """The tables are what answers depend on."""
    _, module = made(plain(quantised([2, 1], density=1.0)))
    x = np.array([[500, -900], [1200, 700]])
    wrong = [replace(table, values=tuple(value ^ 64 for value in table.values)) for table in module.tables]
    got = [
        circt.simulated(circt.build(circt.converted(replace(module, tables=tuple(tables)))), x, 1, 10_000)[0]
        for tables in (module.tables, wrong)
    ]
    assert not np.array_equal(*got)


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_carried_is_said(what: str) -> None:
    with pytest.raises(EmccError, match=re.escape(what)):
        text_of(REFUSED[what])
