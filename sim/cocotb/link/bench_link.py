"""emcc_link against the model of link.device: the same bytes in, the same bytes out, whatever they are.

Commands are random, with numbers that are the next one, the last one or any; bytes of theirs are dropped, doubled and
flipped, and some are noise. The accelerator is a model too, which waits a few cycles now and then; what goes into it is
what the model of the link gives to another one. With "boot" it takes an image before it takes anything else.
"""

import zlib
from pathlib import Path
from random import Random
from typing import Any

import cocotb
from common.stepper import Stepper, rng, same, spec

from emcc.link.device import Device
from emcc.link.frames import framed
from emcc.link.protocol import COMMANDS, PAYLOAD, command
from emcc.link.stream import Image, Stream

OUTPUTS = (
    "tx_data_o",
    "tx_valid_o",
    "core_rst_no",
    "m_axis_tdata",
    "m_axis_tvalid",
    "s_axis_tready",
    "open_o",
    "late_o",
    "sending_o",
    "boot_rst_no",
    "boot_tdata",
    "boot_tvalid",
)
IDLE = {"rx_valid_i": 0, "rx_data_i": 0, "tx_ready_i": 0, "m_axis_tready": 0, "s_axis_tvalid": 0, "run_i": 0}
IDLE |= {"s_axis_tdata": 0, "boot_tready": 0, "boot_done_i": 0, "boot_error_i": 0}
GAP, QUIET, FRAMES = 12, 60, 50
TURNS = (260, -40, 7, -300)
CLOCK = 25_000_000
IMAGE = 300
SURE = {0: "clear", 40: "reset"}
"""Commands that come for certain in every fifty, whatever else comes."""


def stream(act_w: int) -> Stream:
    """An accelerator whose answers depend on all that it took, some of them bytes that are escaped."""

    def answers(taken: list[int]) -> list[int]:
        random = Random(repr(taken))
        count = 40 if len(taken) == TURNS[0] else 300
        return [random.choice((0x7E, 0x7D, random.getrandbits(act_w))) for _ in range(count)]

    return Stream(TURNS, answers)


class Link:
    """The DUT and the accelerator behind it."""

    def __init__(self, dut: Any, act_w: int, random: Random, loader: Image | None) -> None:
        self.core, self.random, self.act_w, self.loader = stream(act_w), random, act_w, loader
        self.bench, self.out, self.moving = Stepper(dut, OUTPUTS), bytearray(), False

    async def step(self, byte: int | None = None) -> bool:
        """A cycle, with a byte from the line or none; whether anything moved."""
        core, random = self.core, self.random
        loader, booted = self.loader, self.loader is None or self.loader.done
        states = (core.wants and booted, core.has and booted, loader is not None)
        ready, valid, takes = (on and not (self.moving and random.random() < 0.3) for on in states)
        beat = core._out[0] if core.has else random.getrandbits(self.act_w)
        inputs = {"rx_valid_i": int(byte is not None), "rx_data_i": random.getrandbits(8) if byte is None else byte}
        inputs |= {"m_axis_tready": int(ready), "s_axis_tvalid": int(valid), "s_axis_tdata": beat}
        inputs["tx_ready_i"] = int(random.random() < 0.3)
        inputs |= {"boot_tready": int(takes), "boot_done_i": int(booted)}
        inputs["boot_error_i"] = int(loader is not None and loader.refused)
        out = await self.bench.step(inputs)
        self.moving = bool(out["m_axis_tvalid"] or out["s_axis_tready"] or out["boot_tvalid"])
        loaded = takes and out["boot_tvalid"]
        if loader and not out["boot_rst_no"]:
            loader.clear()
        elif loader and loaded:
            loader.push(out["boot_tdata"])
        sent = out["tx_valid_o"] and inputs["tx_ready_i"]
        into, taken = ready and out["m_axis_tvalid"], valid and out["s_axis_tready"]
        if sent:
            self.out.append(out["tx_data_o"])
        if not out["core_rst_no"]:
            core.reset()
        elif into:
            core.push(out["m_axis_tdata"])
        elif taken:
            same("a beat", self.bench.cycle, core.pull(), beat)
        return bool(sent or into or taken or loaded or out["sending_o"])


def image(random: Random, at: int) -> bytes:
    """An image, which now and then is none from byte `at` on."""
    body = Random(7).randbytes(IMAGE - 4)
    whole = body + zlib.crc32(body).to_bytes(4, "little")
    return whole if random.random() < 0.8 else whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :]


def traffic(device: Device, random: Random, size: int) -> bytes:
    """A command that the accelerator can follow, or a damaged one, or noise."""
    load, clear = 1.0, 0.4
    if device.loader and not device.loader.done:
        load, clear = (1, 20) if device.loader.refused else (60, 0.4)
    name = random.choices([one.name for one in COMMANDS], [1, 1, 0.4, 12, 12, load, clear])[0]
    number = (device._last + random.choices([1, 0, random.randrange(256)], [10, 3, 1])[0]) & 255
    left = abs(device.core._left) * size
    payload = b""
    if name == "write":
        room = left if device.core.wants else 4
        payload = random.randbytes(min(PAYLOAD, room, random.choice((2 * size, 100, PAYLOAD))) // size * size)
    elif name == "read":
        some = min(left, PAYLOAD, random.choice((0, 2 * size, PAYLOAD))) if device.core.has else 2 * size
        payload = bytes([random.choices([some // size * size, 224], [20, 1])[0]])
    elif name == "load" and device.loader and not device.loader.done and not device.loader.refused:
        at = len(device.loader.taken)
        payload = image(random, at)[at : at + random.choice((1, 60, PAYLOAD))]
    elif random.random() < 0.3:
        payload = random.randbytes(random.randrange(300))
    frame = framed(bytes([command(name), number]) + payload)
    kind = random.choices(["whole", "drop", "double", "flip", "noise", "cut"], [14, 1, 1, 1, 1, 0.5])[0]
    at = random.randrange(len(frame))
    return {
        "whole": frame,
        "drop": frame[:at] + frame[at + 1 :],
        "double": frame[:at] + frame[at : at + 1] + frame[at:],
        "flip": frame[:at] + bytes([frame[at] ^ 1 << random.randrange(8)]) + frame[at + 1 :],
        "noise": random.randbytes(random.randrange(1, 300)),
        "cut": frame[:at],
    }[kind]


@cocotb.test(timeout_time=200, timeout_unit="ms")
async def answers_as_the_model(dut: Any) -> None:
    act_w = spec()["act_w"]
    random, booted = rng("link"), spec().get("boot", False)
    memory = bytes.fromhex(Path("rom/link.hex").read_text().replace("\n", ""))
    loaders = [Image(IMAGE) if booted else None for _ in range(2)]
    link = Link(dut, act_w, random, loaders[0])
    device = Device(stream(act_w), act_w // 8, CLOCK, memory, loaders[1])
    await link.bench.start(IDLE)
    answers = taken = images = refused = 0
    for turn in range(FRAMES * (1 + booted)):
        name = SURE.get(turn % 50)
        data = framed(bytes([command(name), turn])) if name else traffic(device, random, act_w // 8)
        wanted = b""
        for byte in data:
            answer = device.feed(bytes([byte]))
            await link.step(byte)
            for _ in range(GAP):
                await link.step()
            if answer:  # It hears nothing while it sends.
                wanted += answer
                await quiet(link)
        await quiet(link)
        same("the answer", link.bench.cycle, bytes(link.out), wanted)
        same("what is taken", link.bench.cycle, link.core._taken, device.core._taken)
        if booted:
            same("the image", link.bench.cycle, loaders[0].taken, loaders[1].taken)
            images, refused = images + loaders[0].done, refused + loaders[0].refused
        answers, taken = answers + bool(wanted), taken + len(device.core._taken)
        link.out.clear()
    assert answers > FRAMES // 4, "hardly anything was asked"
    assert taken > 8 * FRAMES, "hardly anything was taken"
    assert not booted or (images and refused), "hardly an image was taken, or none refused"


async def quiet(link: Link) -> None:
    """Wait until nothing moves."""
    still = 0
    while still < QUIET:
        still = 0 if await link.step() else still + 1
