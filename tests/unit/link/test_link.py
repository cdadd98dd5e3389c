"""The link without hardware: frames, the host's end against the model of the board's, and what is rendered."""

import random
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.common import serial
from emcc.base.errors import EmccError
from emcc.link import device, protocol, session
from emcc.link.device import Device
from emcc.link.faults import Bad, Direct
from emcc.link.frames import Decoder, framed
from emcc.link.render import documented, header, info_at, memory, package
from emcc.link.session import Lost, Session
from emcc.link.stream import Image, Stream

ROOT = Path(__file__).resolve().parents[3]
DIGEST = "7e7d" * 16


def board(turns: tuple[int, ...] = (5, -3)) -> Device:
    """A board that adds up what it took."""
    stream = Stream(turns, lambda taken: [sum(taken) & 255] * 3, cycles=100)
    return Device(stream, 1, 25_000_000, bytes.fromhex(memory(8, DIGEST).decode().replace("\n", "")))


@given(st.binary(min_size=1, max_size=300), st.binary(max_size=20), st.integers(1, 7))
def test_what_is_framed_comes_back_behind_any_noise(body: bytes, noise: bytes, piece: int) -> None:
    decoder, data = Decoder(), noise + framed(body) + framed(b"next")
    found = [one for at in range(0, len(data), piece) for one in decoder.feed(data[at : at + piece])]
    assert found[-2:] == [body, b"next"]


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_byte_dropped_doubled_or_flipped_is_no_frame(body: bytes, data: st.DataObject) -> None:
    frame = framed(body)
    at = data.draw(st.integers(1, len(frame) - 2))
    bad = data.draw(st.sampled_from([b"", frame[at : at + 1] * 2, bytes([frame[at] ^ 1 << at % 8])]))
    found = list(Decoder().feed(frame[:at] + bad + frame[at + 1 :]))
    # Two escapes in turn are one.
    assert found == ([body] if bad == b"\x7d\x7d" else [])


def test_a_conversation() -> None:
    talk = Session(Direct(board()))
    about = talk.reset(200)
    assert (about.version, about.size, about.clock, about.digest) == (1, 1, 25_000_000, DIGEST[:32])
    for round_ in range(1, 300):  # Numbers of frames come round
        talk.write(bytes([1, 2, 3, 4, round_ & 255]))
        assert talk.read(3) == bytes([(10 + (round_ & 255)) & 255] * 3)
        assert talk.cycles == 100 * round_
    assert talk.counts == session.Counts()
    assert talk.poll().has("wants")


def test_more_than_a_window_is_asked_for_in_between() -> None:
    size = 200 * protocol.PAYLOAD
    stream = Stream((size, -3), lambda taken: [zlib.crc32(bytes(taken)) & 255] * 3)
    talk = Session(Direct(Device(stream, 1, 1, board().memory)))
    talk.reset(0)
    data = random.Random(1).randbytes(size)
    talk.write(data)
    assert talk.read(3) == bytes([zlib.crc32(data) & 255] * 3)


@pytest.mark.parametrize("rate", [0.0005, 0.003])
def test_no_fault_gives_a_wrong_answer(rate: float) -> None:
    outcome = serial.on_model(400, rate)
    assert outcome.wrong == 0
    assert outcome.right > 50
    assert outcome.noticed.total() > 200
    assert set(outcome.faults) == {"drop", "double", "flip", "pull", "outage"}


def test_a_board_that_does_not_look_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fault injector can fail: a board that takes any CRC gives wrong answers."""
    monkeypatch.setattr(device, "CRC_RESIDUE", Anything())
    assert serial.on_model(300, 0.003).wrong > 0


class Anything:
    """Equal to all."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


def test_a_board_that_lost_its_power_is_not_believed() -> None:
    one = board((500, -3))
    talk = Session(Direct(one))
    talk.reset(255)
    talk.write(bytes(300))
    talk._deliver(0)
    one.power()
    talk.write(bytes(200))
    with pytest.raises(Lost, match="was reset"):
        talk.read(3)


def test_silence_is_one_error() -> None:
    with pytest.raises(EmccError, match="no board answers at a model of a board"):
        Session(Bad(Direct(board()), 1.0, 1, pulls=1.0)).reset(0)


def test_an_echo_is_no_board() -> None:
    class Echo(Direct):
        def send(self, data: bytes) -> None:
            self._out += data

    with pytest.raises(EmccError, match="no board answers"):
        Session(Echo(board())).reset(0)


def test_another_version_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "VERSION", 2)
    with pytest.raises(EmccError, match="speaks version 2 of the link, this emcc 1"):
        Session(Direct(board())).reset(0)


def test_numbers_fit_the_memory() -> None:
    largest = protocol.HEAD + protocol.PAYLOAD + protocol.CRC_BYTES
    assert largest < device.LONG < protocol.RESULT_AT
    assert protocol.RESULT_AT + device.MOST <= protocol.INFO_AT
    assert protocol.PAYLOAD < device.MOST
    assert sum(field.size for field in protocol.INFO) == protocol.MEMORY - protocol.INFO_AT
    assert 2 * protocol.WINDOW <= 128
    assert zlib.crc32(b"abc" + zlib.crc32(b"abc").to_bytes(4, "little")) ^ 0xFFFFFFFF == protocol.CRC_RESIDUE


def test_all_that_is_rendered_has_the_same_numbers() -> None:
    verilog, c = package().decode(), header().decode()
    for one in protocol.COMMANDS:
        assert f"Cmd{one.name.capitalize()} = 3'd{one.code};" in verilog
        assert f"#define EMCC_CMD_{one.name.upper()} {one.code} " in c
    for one in protocol.REPLIES:
        assert f"Reply{one.name.capitalize()} = 2'd{one.code & 3};" in verilog
        assert f"#define EMCC_REPLY_{one.name.upper()} 0x{one.code:02x} " in c
    assert f"InfoAt = {protocol.INFO_AT};" in verilog
    assert f"#define EMCC_INFO_DIGEST {info_at('digest')} " in c


@pytest.mark.parametrize("name", documented())
def test_the_documentation_has_the_table(name: str) -> None:
    assert "\n".join(documented()[name]) in (ROOT / "docs" / "board-link.md").read_text()


def imaged(size: int) -> bytes:
    """An image of so many bytes: noise, and its CRC."""
    body = (bytes(18) + b"weights!" + random.Random(size).randbytes(size))[: size - 4]
    return body + zlib.crc32(body).to_bytes(4, "little")


IMAGE = imaged(930)
STRUCTURE = "7e7d" * 4


def loading(image: bytes = IMAGE) -> Device:
    """A board that takes weights."""
    stream = Stream((5, -3), lambda taken: [sum(taken) & 255] * 3, cycles=100)
    content = memory(8, DIGEST, STRUCTURE).decode().replace("\n", "")
    return Device(stream, 1, 25_000_000, bytes.fromhex(content), Image(len(image)))


def test_weights_over_the_line() -> None:
    one = loading()
    talk = Session(Direct(one))
    about = talk.reset(200)
    assert (about.loads, about.empty, about.digest) == (True, True, STRUCTURE + "00" * 8)
    assert not talk.poll().has("wants")
    for _ in range(2):
        talk.load(IMAGE, 3)
        about = talk.reset(7)  # Weights stay
        assert (about.empty, about.digest) == (False, STRUCTURE + b"weights!".hex())
        talk.write(bytes([1, 2, 3, 4, 5]))
        assert talk.read(3) == bytes([15] * 3)
    one.power()
    assert talk.reset(9).empty


@pytest.mark.parametrize("size", [5, 100, 220, 221, 64 * 220 + 1])
def test_images_of_any_size_in_pieces_that_are_decoded_in_time(size: int) -> None:
    image, sent = imaged(size), list[int]()

    class Watched(Direct):
        def send(self, data: bytes) -> None:
            sent.extend(len(body) - 2 for body in Decoder().feed(data) if body[0] == protocol.command("load"))
            super().send(data)

    talk = Session(Watched(loading(image)))
    talk.load(image, 0)
    assert not talk.info().empty
    assert sum(sent) == size
    assert max(sent) - min(sent) < len(sent)
    assert len(sent) == 1 or min(sent) >= 100


def test_a_damaged_image_is_refused_and_the_next_one_taken() -> None:
    talk = Session(Direct(loading()))
    damaged = bytearray(IMAGE)
    damaged[300] ^= 1
    with pytest.raises(EmccError, match="the board at a model of a board refuses the boot image"):
        talk.load(bytes(damaged), 0)
    assert talk.info().empty
    talk.load(IMAGE, 9)
    assert not talk.info().empty
    with pytest.raises(Lost, match="waits for more of the boot image"):
        talk.load(IMAGE[:-1], 0)


def test_weights_of_which_power_took_some_are_begun_again() -> None:
    one = loading()
    talk = Session(Direct(one, rate=0.0))
    talk.reset(0, "clear")
    talk._pending.append(("load", IMAGE[:200]))
    talk._deliver(0)
    one.power()
    talk._pending.append(("load", IMAGE[200:400]))
    with pytest.raises(Lost, match="was reset"):
        talk._deliver(0)


def test_loads_over_a_bad_line_give_no_wrong_answer() -> None:
    outcome = serial.loads_on_model(300, 0.002)
    assert outcome.wrong == 0
    assert outcome.right > 5
    assert outcome.noticed.total() > 100
