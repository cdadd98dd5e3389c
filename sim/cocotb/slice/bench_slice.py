"""emcc_slice, with the modules in it, against sums in a list: every accumulator, and in which cycle what is held.

The bench is the group's words and the drain in one, as impatient as those may be: an activation emitted in cycle t
names its column in t+3 and has its value in t+5; emission stops a cycle after near_full_o; a tile drains as soon as the
PE has let go of it, while the other tile accumulates.
"""

import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same

COLUMN, VALUE, QUEUED = 3, 5, 7
HELD_TO_DRAIN, DRAIN_TO_SUM, DRAIN_TO_EMIT = 8, 3, 5
"""From the last cycle of a tile's last entry to its first drained row; from a row to its sum; to the next emission."""
MARGIN = 8
OUTPUTS = ("near_full_o", "holds_o", "drained_o", "ptr_addr_o", "spmat_addr_o")
OF_STEP = ("local", "direct", "largest", "ident")
KINDS = ("broadcast", "own code", "local", "direct", "product", "largest")
IDLE = dict.fromkeys(("valid_i", "drain_i", "drain_bank_i", "drain_row_i", "load_i", "use_i", "tag_i"), 0)
TILES, COLUMNS, DENSE, BEHIND = 45, 24, 8, 1


def signed(value: int, width: int) -> int:
    """Two's complement of `width` bits."""
    return value - (value >> (width - 1) << width)


class Memories:
    """Pointers and entries made up here, some columns of each code width, and the codebook as emitted."""

    def __init__(self, numbers: dict[str, int], random: Random) -> None:
        lines = Path("rom/codebook.hex").read_text(encoding="utf-8").splitlines()
        self.book = [signed(int(line, 16), 16) for line in lines if not line.startswith("//")]
        self.widths = [k for k in range(5) if numbers["CodeWidths"] >> k & 1]
        self.own = [k for k in self.widths if numbers["IdentWidths"] >> k & 1]
        self.count_w = numbers["CountW"]
        self.entries = [random.getrandbits(1 << k) for k in self.widths for _ in range(DENSE)]
        self.columns: dict[int, list[int]] = defaultdict(list)
        self.pointers: list[int] = []
        for column in range(min(COLUMNS, numbers["Columns"])):
            k = self.widths[column % len(self.widths)]
            room = min((1 << self.count_w) - 1, 6, numbers["Entries"] - len(self.entries))
            count = random.randrange(room + 1)
            self.pointers.append(len(self.entries) << self.count_w | count)
            runs = min(1, (1 << numbers["EntryW"] - (1 << k)) - 1)
            self.entries += [random.randrange(runs + 1) << (1 << k) | random.getrandbits(1 << k) for _ in range(count)]
            self.columns[k].append(column)

    def column(self, number: int) -> list[int]:
        """The entries of a column."""
        start, count = self.pointers[number] >> self.count_w, self.pointers[number] & (1 << self.count_w) - 1
        return self.entries[start : start + count]

    def weight(self, step: dict[str, int], code: int) -> int:
        """What a code stands for."""
        return signed(code, 1 << step["code_sel"]) if step["ident"] else self.book[step["book_base"] | code]


@dataclass
class Tile:
    """A tile under way: its step, what its rows have to be, and how many emissions it has yet to come."""

    tag: int
    kind: str
    step: dict[str, int]
    left: int
    rows: dict[int, int] = field(default_factory=dict)
    busy_to: int = 0


class Model:
    """A PE by its queue's entries: when each comes, leaves, and is done."""

    def __init__(self, document: dict[str, Any], random: Random) -> None:
        self.numbers, self.random = document["numbers"], random
        self.memories = Memories(self.numbers, random)
        self.most = 1 << self.numbers["AccW"] - 2
        self.entries: deque[tuple[int, int, int, int]] = deque()
        self.idle_at, self.factor = 0, 0
        self.kinds: set[str] = set()

    def tile(self, tag: int) -> Tile:
        """A tile of any kind."""
        kind = self.random.choice(KINDS)
        k = self.random.choice(self.memories.own if kind == "own code" else self.memories.widths)
        book = (len(self.memories.book) >> (1 << k)) - 1
        base = self.random.randrange(max(1, min(book, 3))) << (1 << k) if k < 4 else 0
        step = dict.fromkeys(OF_STEP, 0) | {"code_sel": k, "book_base": base}
        step["local"] = int(kind in ("local", "direct", "product", "largest"))
        step["direct"] = int(kind in ("direct", "product", "largest"))
        step["largest"], step["ident"] = int(kind == "largest"), int(kind == "own code")
        self.kinds.add(kind)
        return Tile(tag, kind, step, 2 * self.random.randrange(1, 30))

    def emit(self, now: int, tile: Tile) -> dict[int, dict[str, int]]:
        """An activation: what is driven when."""
        width = self.numbers["ActW"]
        value = signed(self.random.getrandbits(width), width)
        row, info, lane = self.random.randrange(6), 0, self.random.randrange(4) > 0
        load = tile.kind == "product" and tile.left % 2 == 0
        use = tile.kind == "product" and not load
        products: list[tuple[int, int]] = []
        if not tile.step["local"]:
            info = self.random.choice(self.memories.columns[tile.step["code_sel"]])
            products = list(self.of_column(tile, info, row, value))
            lane = True
        elif tile.step["direct"]:
            lane = lane or tile.kind == "product"
            bits = self.numbers["FactorW"]
            weight = self.random.choice((1, -1, self.random.getrandbits(bits)))
            info = (1 if tile.kind == "largest" else weight) & (1 << bits) - 1
            weight = self.factor if use else signed(info, bits)
            products = [(row + BEHIND, value * weight)] * (lane and not load)
        else:
            info = self.memories.widths.index(tile.step["code_sel"]) * DENSE + self.random.randrange(DENSE)
            weight = self.memories.weight(tile.step, self.memories.entries[info])
            products = [(row + BEHIND, value * weight)] * lane
        if any(abs(tile.rows.get(at, 0)) + abs(product) > self.most for at, product in products):
            value, products = 0, [(at, 0) for at, _ in products]
        if load:
            self.factor = value
        for at, product in products:
            before = tile.rows.get(at, None if tile.kind == "largest" else 0)
            if before is None:
                tile.rows[at] = product
            else:
                tile.rows[at] = max(before, product) if tile.step["largest"] else before + product
        self.queue(now, tile, len(products))
        driven = {"valid_i": 1, "word_local_i": tile.step["local"], "tag_i": tile.tag, "row_i": row, "info_i": info}
        driven |= {"load_i": int(load), "use_i": int(use), "lane_i": int(lane)}
        mask = (1 << width) - 1
        junk = self.random.getrandbits(width)
        its, other = ("own_i", "value_i") if tile.step["local"] else ("value_i", "own_i")
        driven |= {its: value & mask, other: junk}
        tile.left -= 1
        return {now + COLUMN: {"col_i": info & (1 << self.numbers["ColW"]) - 1}, now + VALUE: driven}

    def of_column(self, tile: Tile, column: int, row: int, value: int) -> Any:
        """(row, product) of each of a column's entries."""
        bits, row = 1 << tile.step["code_sel"], row - 1
        for entry in self.memories.column(column):
            row += (entry >> bits) + 1
            yield row, value * self.memories.weight(tile.step, entry & (1 << bits) - 1)

    def queue(self, now: int, tile: Tile, products: int) -> None:
        """An emission of so many products is on its way."""
        if products:
            seen = now + QUEUED
            leaves = max(seen, self.idle_at)
            self.idle_at = tile.busy_to = leaves + products
            self.entries.append((tile.tag, seen, leaves, self.idle_at))

    def held(self, before: int) -> tuple[int, int]:
        """(near_full_o, holds_o) in the cycle after `before`."""
        while self.entries and self.entries[0][3] < before:
            self.entries.popleft()
        count = sum(seen <= before <= leaves for _, seen, leaves, _ in self.entries)
        holds, head = 0, True
        for tag, seen, leaves, done in self.entries:
            # What is worked on, and the head of the queue
            if seen <= before <= done and (leaves < before or head):
                holds |= 1 << tag
                head = leaves < before
        return int(count >= (1 << self.numbers["LogQueue"]) - MARGIN), holds


class Bench:
    """The memories, and inputs by the cycle in which they are due."""

    def __init__(self, dut: Any, model: Model) -> None:
        self.stepper, self.model = Stepper(dut, OUTPUTS), model
        self.inputs: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self.sums: dict[int, tuple[int, str]] = {}
        self.steps = [dict.fromkeys((*OF_STEP, "code_sel", "book_base"), 0)] * 2
        self.was, self.checked, self.full = deque([(0, 0)] * 2), 0, 0

    @property
    def next(self) -> int:
        """The cycle to come."""
        return self.stepper.cycle + 1

    async def step(self) -> int:
        """One cycle: near_full_o."""
        now, numbers, memories = self.next, self.model.numbers, self.model.memories
        ptr, spmat = self.was.popleft()
        given = {"valid_i": 0, "drain_i": 0, **self.inputs.pop(now, {})}
        given["ptr_data_i"] = memories.pointers[ptr] if ptr < len(memories.pointers) else 0
        given["spmat_data_i"] = memories.entries[spmat] if spmat < len(memories.entries) else 0
        for name in OF_STEP:
            given[f"{name}_i"] = self.steps[0][name] | self.steps[1][name] << 1
        for name, width in (("code_sel", 3), ("book_base", numbers["BookAddrW"])):
            given[f"{name}_i"] = self.steps[0][name] | self.steps[1][name] << width
        out = await self.stepper.step(given)
        self.was.append((out["ptr_addr_o"], out["spmat_addr_o"]))
        if now > 0:
            near, holds = self.model.held(now - 1)
            same("near_full_o", now, out["near_full_o"], near)
            same("holds_o", now, out["holds_o"], holds)
        if now in self.sums:
            wanted, what = self.sums.pop(now)
            same(f"drained_o, {what}", now, signed(out["drained_o"], numbers["AccW"]), wanted)
            self.checked += 1
        self.full += out["near_full_o"]
        return out["near_full_o"]

    def drain(self, cycle: int, tag: int, row: int, wanted: int, what: str) -> None:
        """Drain a row, command in `cycle`."""
        self.inputs[cycle] |= {"drain_i": 1, "drain_bank_i": tag, "drain_row_i": row}
        self.sums[cycle + DRAIN_TO_SUM] = wanted, what


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.6])
async def computes_every_row(dut: Any, gap: float) -> None:
    document = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))
    model = Model(document, rng(gap))
    bench, rows = Bench(dut, model), document["numbers"]["AccRows"]
    await bench.stepper.start(IDLE)
    await bench.step()  # a slice is in reset for a cycle more
    for tag in (0, 1):
        for row in range(rows):
            bench.inputs[bench.next] |= {"drain_i": 1, "drain_bank_i": tag, "drain_row_i": row}
            await bench.step()
    free_from, drain_from, stalled = [0, 0], 0, False
    for number in range(TILES):
        tile = model.tile(number & 1)
        while bench.next < free_from[tile.tag]:
            stalled = bool(await bench.step())
        bench.steps[tile.tag] = tile.step
        while tile.left:
            if not stalled and model.random.random() >= gap:
                for cycle, driven in model.emit(bench.next, tile).items():
                    bench.inputs[cycle] |= driven
            stalled = bool(await bench.step())
        first = max(tile.busy_to + HELD_TO_DRAIN, bench.next + HELD_TO_DRAIN, drain_from)
        for row in range(rows):
            what = f"row {row} of tile {number}, {tile.kind}"
            bench.drain(first + row, tile.tag, row, tile.rows.get(row, 0), what)
        drain_from, free_from[tile.tag] = first + rows, first + rows + DRAIN_TO_EMIT
    while bench.sums:
        await bench.step()
    same("rows", bench.next, bench.checked, TILES * rows)
    assert model.kinds == set(KINDS)
    assert gap or bench.full, "no queue was ever nearly full: the stimulus is too weak"
