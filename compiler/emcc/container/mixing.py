"""Decisions whose probabilities are mixed from adaptive ones: integers only, the same on every machine.

A decision has a few *slots* (adaptive probabilities, each chosen by a context) and may have *fixed* inputs (predictions
that the caller makes). All are turned into logits, weighted and summed twice, with two sets of weights that the caller
chooses by two more contexts; the mean of both sums is the logit to code with. A slot's weight depends on how often it
was used. docs/range-coding.md gives every number. (Mahoney, "Adaptive weighing of context models for lossless data
compression", 2005.)
"""

from typing import Any, NamedTuple

import numpy as np

from emcc.base.jit import compiled
from emcc.container.rangecoder import code_bit
from emcc.ir.graph import Array

LOGIT_ONE = 256
LOGIT_TOP = 12 * LOGIT_ONE
MOST_SEEN = 1023
CONFIDENCES = 6
INPUTS = 6


def _squash() -> Array:
    odds = np.exp(-np.arange(-LOGIT_TOP, LOGIT_TOP) / LOGIT_ONE)
    share: Array = np.rint(65536 / (1 + odds)).clip(1, 65535)
    return share.astype(np.int32)


def _stretch() -> Array:
    share = np.arange(65536).clip(1)
    logit: Array = np.rint(LOGIT_ONE * np.log(share / (65536 - share))).clip(1 - LOGIT_TOP, LOGIT_TOP - 1)
    return logit.astype(np.int16)


# The probability in 2**-16 of a logit + LOGIT_TOP, and the logit of a probability. No entry is nearer to a rounding tie
# than a million times what a logarithm is off by, so that they are the same everywhere; a test holds that.
SQUASH, STRETCH = _squash(), _stretch()
# By how often a slot was used: its step in 2**-16, and which of the CONFIDENCES it has.
STEP = (2 * 65536 // (2 * np.arange(MOST_SEEN + 1) + 3)).astype(np.int32)
CONFIDENCE = np.searchsorted([1, 2, 4, 10, 32], np.arange(MOST_SEEN + 1), side="right").astype(np.int8)


# Compiled functions are compiled once for integers and again for literals, which this keeps from them.
I64: Any = np.int64


class Coder(NamedTuple):
    """A range coder, its bytes, and room for a decision, int64.

    slots: which ones it has. logits, sure: of its inputs the logit, which the caller sets for fixed ones (they come
    last), and the confidence.
    """

    state: Array
    data: Array
    slots: Array
    logits: Array
    sure: Array


class Model(NamedTuple):
    """What decisions of one kind have learned.

    inputs, fixed: how many slots, and fixed inputs after them, a decision has.
    share: int32, of each slot the probability of a 1 in 2**-22. seen: int16, how often it was used.
    weight: int32 [sets, INPUTS, CONFIDENCES], in 2**-16; a fixed input has confidence 0. rate: how fast they learn.
    """

    inputs: int
    fixed: int
    share: Array
    seen: Array
    weight: Array
    rate: int


def new_model(inputs: int, fixed: int, slots: int, sets: int, weight: int, grows: int, rate: int) -> Model:
    """Probabilities of a half; the weights are `weight` and `grows` for each confidence."""
    weights = np.empty((sets, INPUTS, CONFIDENCES), np.int32)
    weights[:] = weight + grows * np.arange(CONFIDENCES)
    return Model(inputs, fixed, np.full(slots, 1 << 21, np.int32), np.zeros(slots, np.int16), weights, rate)


@compiled
def level(value: int) -> int:
    """0, 1, 2, 3, then two steps an octave: 4-5, 6-7, 8-11, 12-15, ..."""
    octave = I64(0)
    while value > 3:
        value >>= 1
        octave += 1
    return int(2 * octave + value)


@compiled
def decide(bit: int, coder: Coder, model: Model, set_a: int, set_b: int) -> int:
    """Codes one decision and learns from it; returns it."""
    share, seen, weight = model.share, model.seen, model.weight
    slots, logits, sure = coder.slots, coder.logits, coder.sure
    a, b = I64(0), I64(0)
    for i in range(model.inputs + model.fixed):
        sure[i] = 0
        if i < model.inputs:
            logits[i], sure[i] = STRETCH[share[slots[i]] >> 6], CONFIDENCE[seen[slots[i]]]
        a += logits[i] * weight[set_a, i, sure[i]]
        b += logits[i] * weight[set_b, i, sure[i]]
    a = max(1 - LOGIT_TOP, min(LOGIT_TOP - 1, a >> 16))
    b = max(1 - LOGIT_TOP, min(LOGIT_TOP - 1, b >> 16))
    bit = code_bit(coder.state, coder.data, I64(SQUASH[((a + b) >> 1) + LOGIT_TOP]), bit)
    miss_a = ((bit << 16) - SQUASH[a + LOGIT_TOP]) * model.rate
    miss_b = ((bit << 16) - SQUASH[b + LOGIT_TOP]) * model.rate
    aim = (bit << 22) - bit
    for i in range(model.inputs + model.fixed):
        weight[set_a, i, sure[i]] += (logits[i] * miss_a + (1 << 17)) >> 18
        weight[set_b, i, sure[i]] += (logits[i] * miss_b + (1 << 17)) >> 18
    for slot in slots[: model.inputs]:
        share[slot] += ((aim - share[slot]) * I64(STEP[seen[slot]])) >> 16
        seen[slot] = min(seen[slot] + 1, MOST_SEEN)
    return bit
