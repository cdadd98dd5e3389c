"""Random graphs on the array of column groups, in Verilator: the reference's integers, the cycle model's cycles.

    python benchmarks/fuzz_cnn.py [--seed N] [--count 1000] [--arrays 3] [--own 4] [--chains 100]
        [--only K] [--c] [--json FILE]

Convolutions, pools, sums, products, joins, several inputs and outputs and parts on the host, drawn as in
tests/sim/test_grouped_designs.py by another seed, each of `count` on one of a few arrays that are drawn too (PEs,
column groups, queues). Programs of one array that agree in what cycles depend on share a simulator, of hardware that
all of them fit in (tests/sim/shared.py): 1,000 programs take some fifteen builds. Of every other program the layers of
one position are drained in halves, which are drawn as well; `--chains` programs more are such layers alone. `--own`
more are built by themselves, as emcc emits them. Each program runs on three inputs with and without stalls, and the
integers of every output and host part, the cycles of every pass, broadcasts and stalls are compared. `--only K` runs
program K alone, on its own build.
With `--c` each is compiled as C too, as firmware or as the top function of `--target hls` by turns, half a second each.

Exit code 1 where anything differs. Set EMCC_CACHE to a folder that may be thrown away.
"""

import argparse
import json
import os
import secrets
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz  # noqa: F401 (finds the tests' graphs)
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions

from c_programs import mismatches  # isort: skip
from random_halves import chain, halve  # isort: skip
from random_qgraphs import qgraphs  # isort: skip
from shared import Build, Case, case  # isort: skip
from test_grouped_designs import ARRAYS  # isort: skip


def graphs(seed: int, count: int) -> list[Any]:
    """Return (graph, inputs), `count` of them; fewer of a seed are the first of more."""
    drawn: list[Any] = []
    if not count:
        return drawn

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count, derandomize=False, database=None, deadline=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(graph=qgraphs())
    def draw(graph: Any) -> None:
        drawn.append(graph)

    draw()
    return drawn[:count]


def options(seed: int, arrays: int) -> list[LowerOptions]:
    """Return the arrays of a campaign."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(ARRAYS))[:arrays]
    return [
        LowerOptions(
            *ARRAYS[index], balance=str(rng.choice(["none", "entries"])), queue_depth=int(rng.choice([16, 32]))
        )
        for index in chosen
    ]


def batches(cases: Sequence[tuple[int, Case]]) -> list[list[tuple[int, Case]]]:
    """Return the cases by what they must have in common to share a build."""
    kinds: dict[tuple[int, ...], list[tuple[int, Case]]] = {}
    for number, one in cases:
        kinds.setdefault(one.kind, []).append((number, one))
    return list(kinds.values())


def compared(batch: Sequence[tuple[int, Case]], c: bool = False) -> Iterator[tuple[int, str | None]]:
    """Build for a batch and yield (number of the case, what is wrong or None); with `c` compile each as C too."""
    build = Build([one for _, one in batch])
    for number, one in batch:
        with tempfile.TemporaryDirectory(prefix="emcc-fuzz-") as folder:
            try:
                build.compare(one, Path(folder), number)
                if c:
                    wrong = mismatches(one.program, one.inputs, ("-O0",), top=bool(number % 2))
                    assert not wrong, f"{wrong} integers of the C are not the reference's"
            except Exception:  # whatever a comparison raises is what a campaign is for
                yield number, traceback.format_exc()
            else:
                yield number, None


def halving(number: int, given: argparse.Namespace) -> int:
    """Return what halves of a program are drawn by, 0 for none: of every other one, and of all chains."""
    return number * (number % 2 or number >= given.count + given.own)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a program is not as predicted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32), help="of the graphs; else a new one")
    parser.add_argument("--count", type=int, default=1000, help="programs on shared builds (1000)")
    parser.add_argument("--arrays", type=int, default=3, help="arrays that they are dealt to (3)")
    parser.add_argument("--own", type=int, default=4, help="programs built by themselves, after those (4)")
    parser.add_argument("--chains", type=int, default=100, help="chains of layers in halves, after those (100)")
    parser.add_argument("--only", type=int, metavar="K", help="this program alone, on a build of its own")
    parser.add_argument("--c", action="store_true", help="compile every program as C too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE too")
    given = parser.parse_args(arguments)
    begun, arrays = sum(os.times()[:4]), options(given.seed, given.arrays)
    drawn = graphs(given.seed, given.count + given.own)
    drawn += [chain(given.seed + number) for number in range(given.chains)]
    cases = [
        (number, case(halve(lower(graph, arrays[number % len(arrays)]), halving(number, given)), x))
        for number, (graph, x) in enumerate(drawn)
        if given.only in (None, number)
    ]
    alone = range(given.count, given.count + given.own)
    shared = [one for one in cases if one[0] not in alone]
    work = batches(shared) + [[one] for one in cases if one[0] in alone]
    failures: dict[int, str] = {}
    done: Counter[str] = Counter()
    for batch in work:
        for number, failure in compared(batch, given.c):
            done["programs"] += 1
            done["compiled as C"] += given.c
            if failure:
                failures[number] = failure
                print(
                    f"{failure}\nAgain: fuzz_cnn.py --seed {given.seed} --count {given.count} --arrays {given.arrays} "
                    f"--own {given.own} --chains {given.chains} --only {number}",
                    flush=True,
                )
        plans = [one.plan for _, one in batch]
        passes, halved = sum(len(plan.passes) for plan in plans), sum(plan.splits for plan in plans)
        done.update(builds=1, passes=passes, halved=halved)
        print(f"  {done['programs']} of {len(cases)}: {batch[0][1].kind}", file=sys.stderr, flush=True)
    also = " and as C" if given.c else ""
    kept = {"seed": given.seed, **done, "wrong": len(failures), "seconds": round(sum(os.times()[:4]) - begun)}
    print(
        f"seed {given.seed}: {done['programs']} programs of {done['passes']} passes, {done['halved']} with halves, "
        f"on {done['builds']} builds, each on three inputs with and without stalls{also}: "
        f"{len(failures)} not as predicted"
    )
    if given.json:
        given.json.write_text(json.dumps({**kept, "failures": failures}, indent=1) + "\n", encoding="utf-8")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
