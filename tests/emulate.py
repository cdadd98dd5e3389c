"""What the array of column groups does with its memory images, without cycles: a plain interpreter of docs/array.md.

It knows a Plan only through the images, and of the numbers of the package what the RTL knows.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from emcc.backends.rom import RomImage, core_images
from emcc.eie.groups.exchange import exchanges
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context, Field, unpacked
from emcc.eie.reference import Memory
from emcc.ir.graph import Array
from emcc.ir.program import Program

Row = dict[str, int]
RECEIVE, SEND, RUN, END = range(4)


class Core:
    """The array, for a batch of n inferences at a time: every value is int64 [n].

    `memory` is [word][group][lane]; it holds rubbish at first.
    """

    def __init__(self, context: Context, images: Mapping[str, RomImage], n: int) -> None:
        self.numbers, self.images, self.n = context.numbers, images, n
        tables = {"taps" if name == "tap" else name: fields for name, fields in context.tables.items()}
        self.walk, self.taps, self.drain, self.host = (
            [self._row(context, fields, word) for word in images[name].values] for name, fields in tables.items()
        )
        self.words, self.groups, self.lanes = (self.numbers[name] for name in ("ActWords", "Groups", "Lanes"))
        rubbish = np.random.default_rng(0).integers(-99, 99, (self.words, self.groups, self.lanes, n))
        self.memory = rubbish.astype(np.int64)
        self.next = 0
        # The sums of a pass that splits, for the next one
        self.split: dict[tuple[int, int, int], Array] = {}

    @staticmethod
    def _row(context: Context, fields: Sequence[Field], word: int) -> Row:
        return unpacked(context, fields, int(word))

    def read(self, name: str, at: int, signed: bool = False) -> int:
        """A word of a memory."""
        image = self.images[name]
        value = int(image.values[at])
        return value - (value >> image.width - 1 << image.width) if signed else value

    def inference(self, received: Iterator[Array]) -> Iterator[Array]:
        """Yield what is sent, a buffer each: [n, positions, slots]; take what is received, when its turn comes."""
        second = self.numbers.get("OutRow", 0)
        for row in self.host[: second - 2] + self.host[second:] if second else self.host:
            if row["op"] == RECEIVE:
                self._receive(row, next(received))
            elif row["op"] == SEND:
                yield self._send(row)
            elif row["op"] == RUN:
                self._run()
        assert row["op"] == END
        assert self.next == len(self.walk)
        self.next = 0

    def _places(self, row: Row) -> Iterator[tuple[int, int, int]]:
        for position in range(row["positions"] + 1):
            for slot in range(row["slots"] + 1):
                k, lane = divmod(slot, self.lanes)
                word = (row["base"] + position * row["pitch"] + k // self.groups) % (1 << self.numbers["AddrW"])
                yield word, (k + lane) % self.groups, lane

    def _receive(self, row: Row, values: Array) -> None:
        """Write a buffer, and zeros beyond its slots."""
        assert row["positions"] + 1 == values.shape[1]
        assert row["slots"] + 1 >= values.shape[2]
        padded = np.zeros((self.n, values.shape[1], row["slots"] + 1), np.int64)
        padded[:, :, : values.shape[2]] = values
        for place, value in zip(self._places(row), padded.reshape(self.n, -1).T, strict=True):
            self.memory[place] = value

    def _send(self, row: Row) -> Array:
        values = np.stack([self.memory[place] for place in self._places(row)], axis=1)
        return values.reshape(self.n, row["positions"] + 1, row["slots"] + 1)

    def _run(self) -> None:
        stop, before = 0, frozenset[int]()
        while not stop:
            made = Pass(self, self.walk[self.next], self.drain[self.next], before)
            made.run()
            before, stop = frozenset(made.written), made.walk["stop"]
            self.next += 1
            if self.next == self.numbers.get("InputPasses"):
                self.memory[self.numbers["InputBase"] :] = -1  # The next inputs may be there


class Pass:
    """One pass, after one that wrote the words `before`.

    It reads none of them unless it says so, none that it has written itself, and it writes words in ascending order.
    """

    def __init__(self, core: Core, walk: Row, drain: Row, before: frozenset[int]) -> None:
        self.core, self.walk, self.drain, self.before = core, walk, drain, before
        self.written: list[int] = []
        self.table = core.taps[walk["tap_base"] : walk["tap_base"] + walk["taps"] + 1]
        self.sums, core.split = core.split, {}
        self.loaded: dict[tuple[int, int], Array] = {}

    def run(self) -> None:
        """Walk and drain, tile by tile."""
        walk, positions = self.walk, []
        assert walk["rows"] == self.drain["rows"] + 1
        assert all(walk[name] == self.drain[name] for name in ("out_w", "out_h", "tile"))
        for oy in range(walk["out_h"] + 1):
            for ox in range(walk["out_w"] + 1):
                self._position(oy, ox, len(positions))
                positions.append((oy, ox))
                if len(positions) == walk["tile"] + 1:
                    self._drain(positions)
                    positions = []
        self._drain(positions)
        if split := walk.get("split", 0):
            assert walk["out_w"] == walk["out_h"] == 0
            assert split == self.drain["rows"] + 1
            assert all(row >= split for _, _, row in self.sums)
            self.core.split, self.sums = self.sums, {}
        assert not self.sums

    def _position(self, oy: int, ox: int, j: int) -> None:
        walk, mask = self.walk, (1 << self.core.numbers["AddrW"]) - 1
        for t, tap in enumerate(self.table):
            y = walk["y0"] + oy * walk["step_y"] + tap["dy"]
            x = walk["x0"] + ox * walk["step_x"] + tap["dx"]
            source = "b" if tap["sel"] else "a"
            at = walk[f"{source}_base"] + oy * walk[f"{source}_row"] + ox * walk[f"{source}_x"] + tap["offset"]
            for w in range(walk["words"] + 1):
                if 0 <= y < walk["map_h"] and 0 <= x < walk["map_w"]:
                    address = at + w & mask
                    assert address < self.core.words
                    assert address not in self.written
                    assert walk[f"dep_{source}"] or address not in self.before
                    self._word(self.core.memory[address], t * (walk["words"] + 1) + w, w, j, tap)

    def _word(self, word: Array, index: int, w: int, j: int, tap: Row) -> None:
        core, walk = self.core, self.walk
        for group in range(core.groups):
            for lane in range(core.lanes):
                k = w * core.groups + (group - lane) % core.groups
                if w == walk["words"] and k % core.groups * core.lanes + lane >= walk["lanes"]:
                    continue
                if not walk["is_local"]:
                    self._broadcast(group, walk["col_base"] + index * core.lanes + lane, word[group, lane], j)
                else:
                    self._local(group, lane, word[group, lane], index, j * walk["rows"] + k, tap)

    def _broadcast(self, group: int, column: int, value: Array, j: int) -> None:
        core, walk = self.core, self.walk
        if not value.any():
            return
        for lane in range(core.lanes):
            pe = group * core.lanes + lane
            pointer = core.read(f"pe{pe:03}_ptr", column)
            start, count = pointer >> core.numbers["CountW"], pointer & ((1 << core.numbers["CountW"]) - 1)
            row = walk.get("first", 0) - 1
            for at in range(start, start + count):
                run, weight = self._weight(core.read(f"pe{pe:03}_spmat", at))
                row += run + 1
                self._add(group, lane, j * walk["rows"] + row, value * weight)

    def _weight(self, entry: int) -> tuple[int, int]:
        width = 1 << self.walk["code_sel"]
        code = entry & ((1 << width) - 1)
        if self.walk["ident"]:
            return entry >> width, code - (code >> width - 1 << width)
        return entry >> width, self.core.read("codebook", self.walk["book_base"] + code, signed=True)

    def _local(self, group: int, lane: int, value: Array, index: int, row: int, tap: Row) -> None:
        walk, pe = self.walk, group * self.core.lanes + lane
        if tap["load"]:
            self.loaded[group, lane] = value
        elif walk["largest"]:
            before = self.sums.get((group, lane, row), value)
            self.sums[group, lane, row] = np.maximum(before, value)
        elif walk["direct"]:
            self._add(group, lane, row, value * self.loaded.pop((group, lane), tap["weight"]))
        else:
            run, weight = self._weight(self.core.read(f"pe{pe:03}_spmat", walk["col_base"] + index))
            assert run == 0
            self._add(group, lane, row, value * weight)

    def _add(self, group: int, lane: int, row: int, product: Array) -> None:
        assert row < self.core.numbers["AccRows"]
        self.sums[group, lane, row] = self.sums.get((group, lane, row), np.int64(0)) + product

    def _drain(self, positions: list[tuple[int, int]]) -> None:
        core, drain, first = self.core, self.drain, self.drain.get("first", 0)
        for j, (oy, ox) in enumerate(positions):
            at = drain["dst"] + oy * drain["dst_row"] + ox * drain["dst_x"]
            at &= (1 << core.numbers["AddrW"]) - 1
            assert not self.written or at > self.written[-1]
            self.written += range(at, at + drain["rows"] // core.groups + 1)
            for k in range(drain["rows"] + 1):
                for lane in range(core.lanes):
                    parts = [
                        self.sums.pop((g, lane, first + j * (drain["rows"] + 1) + k), 0) for g in range(core.groups)
                    ]
                    value = self._activation(np.asarray(sum(parts)), k, lane)
                    used = k < drain["full"] or (k == drain["full"] and lane < drain["lanes"])
                    core.memory[at + k // core.groups, (k + lane) % core.groups, lane] = value if used else 0

    def _activation(self, acc: Array, k: int, lane: int) -> Array:
        core, drain, half = self.core, self.drain, 1 << self.core.numbers["ActW"] - 1
        shift = drain["shift"] + core.numbers["ShiftMin"]
        acc = acc + core.read(f"lane{lane:03}_bias", drain["bias_base"] + k, signed=True)
        assert np.all(np.abs(acc) < 1 << core.numbers["AccW"] - 1)
        if drain["scaled"]:
            acc = acc * core.read(f"lane{lane:03}_scale", drain["scale_base"] + k, signed=True) + (1 << shift >> 1)
        z = np.clip(acc >> shift, -half, half - 1)
        if drain["relu"]:
            return np.maximum(z, 0)
        return self._function(z + half) if drain["has_table"] else z

    def _function(self, u: Array) -> Array:
        core, drain, width = self.core, self.drain, self.core.numbers["ActW"]
        lo_bits, hi_bits = core.numbers["LoBits"], core.numbers["HiBits"]
        i, j = u >> lo_bits, (u >> width - hi_bits) << lo_bits | u & ((1 << lo_bits) - 1)
        coarse = [core.read("coarse", drain["coarse_base"] + int(at), signed=True) for at in np.atleast_1d(i)]
        fine = [core.read("fine", drain["fine_base"] + int(at), signed=True) for at in np.atleast_1d(j)]
        return np.clip(np.add(coarse, fine), -(1 << width - 1), (1 << width - 1) - 1)


def emulate(
    program: Program, inputs: Mapping[str, Array], changed: Mapping[str, RomImage] | None = None
) -> dict[str, Array]:
    """Run a batch as `reference.run_ports` does, on the emulated array, with the host's parts between.

    `changed`: images in place of those that are written.
    """
    made = plan(program)
    n = len(next(iter(inputs.values())))
    core = Core(Context(program, made), {**core_images(program, made), **(changed or {})}, n)
    host, sent = Memory(program, n), list[Array]()

    def received() -> Iterator[Array]:
        for port in program.inputs:
            host.write(port, inputs[port.name])
            yield host.values[port.buffer]
        taken = 0
        for own in exchanges(program):
            for port in own.fetched:
                host.values[port.buffer][:] = sent[taken]
                taken += 1
            host.part(own.part)
            if own.answers:
                yield host.values[own.part.target.buffer]

    for values in core.inference(received()):
        sent.append(values)
    for port, values in zip(program.outputs, sent[-len(program.outputs) :], strict=True):
        host.values[port.buffer][:] = values
    return {port.name: host.read(port) for port in program.outputs}
