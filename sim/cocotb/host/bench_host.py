"""emcc_host against its table: what is written where, what is read from where, runs, in this order and nothing else.

The memory is a dictionary that answers four cycles after the address.
"""

import json
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same

RECEIVE, SEND, RUN, END = range(4)
DATA, INFERENCES, WATCHDOG = 4, 4, 100
OUTPUTS = ("s_axis_tready", "m_axis_tdata", "m_axis_tvalid", "m_axis_tlast", "start_o", "we_o", "addr_o", "group_o")
OUTPUTS += ("lane_o", "data_o", "busy_o", "next_addr_o")
IDLE = {"s_axis_tdata": 0, "s_axis_tvalid": 0, "m_axis_tready": 0, "done_i": 0, "data_i": 0}


def events(document: dict[str, Any]) -> Iterator[tuple[int, tuple[int, int, int], bool]]:
    """(op, (word, group, lane), whether it is the last beat to send) of an inference."""
    numbers = document["numbers"]
    lanes, groups, wrap = numbers["Lanes"], numbers["Groups"], (1 << numbers["AddrW"]) - 1
    for row in document["host"]:
        if row["op"] == RUN:
            yield RUN, (0, 0, 0), False
        if row["op"] not in (RECEIVE, SEND):
            continue
        for position in range(row["positions"] + 1):
            for slot in range(row["slots"] + 1):
                k, lane = divmod(slot, lanes)
                last = bool(row["last"]) and position == row["positions"] and slot == row["slots"]
                word = row["base"] + position * row["pitch"] + k // groups & wrap
                yield row["op"], (word, (k + lane) % groups, lane), last


@cocotb.test(timeout_time=20, timeout_unit="ms")
@cocotb.parametrize(gap=[0.0, 0.6])
async def follows_its_table(dut: Any, gap: float) -> None:
    document = json.loads(Path("stimulus.json").read_text(encoding="utf-8"))
    width = document["numbers"]["ActW"]
    random, bench = rng(gap), Stepper(dut, OUTPUTS)
    await bench.start(IDLE)
    memory: defaultdict[tuple[int, int, int], int] = defaultdict(lambda: random.getrandbits(width))
    places: deque[tuple[int, int, int]] = deque([(0, 0, 0)] * DATA)
    todo = deque(event for _ in range(INFERENCES) for event in events(document))
    offered, running, waited, next_addr = None, 0, 0, None
    while todo:
        if offered is None and random.random() >= gap:
            offered = random.getrandbits(width)
        given = {"s_axis_tvalid": int(offered is not None), "s_axis_tdata": random.getrandbits(width)}
        given |= {} if offered is None else {"s_axis_tdata": offered}
        given |= {"m_axis_tready": int(random.random() >= gap), "data_i": memory[places.popleft()], "done_i": 0}
        running -= running > 0
        given["done_i"] = int(running == 1)
        out = await bench.step(given)
        op, place, last = todo[0]
        at = (out["addr_o"], out["group_o"], out["lane_o"])
        places.append(at)
        if next_addr is not None:
            same("addr_o", bench.cycle, out["addr_o"], next_addr)
        next_addr = out["next_addr_o"]
        same("busy_o", bench.cycle, out["busy_o"], int(running == 0))
        wrote = given["s_axis_tvalid"] and out["s_axis_tready"]
        same("we_o", bench.cycle, out["we_o"], wrote)
        waited += 1
        if out["start_o"]:
            same("a run", bench.cycle, RUN, op)
            running = random.randrange(2, 20)
        elif wrote:
            same("a beat in", bench.cycle, (RECEIVE, at), (op, place))
            memory[at], offered = out["data_o"], None
            same("data_o", bench.cycle, out["data_o"], given["s_axis_tdata"])
        elif out["m_axis_tvalid"] and given["m_axis_tready"]:
            sent = (SEND, out["m_axis_tdata"], bool(out["m_axis_tlast"]))
            same("a beat out", bench.cycle, sent, (op, memory[place], last))
        else:
            assert waited < WATCHDOG, f"cycle {bench.cycle}: nothing happened in {WATCHDOG} cycles, {op} is due"
            continue
        todo.popleft()
        waited = 0
