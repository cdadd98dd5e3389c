/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels: one function a kind of step of emcc's Program, and what follows every sum.
 *
 * Included by the file of one model, behind its numbers (emcc_NAME_config.h: widths, sizes, emcc_step, emcc_port) and
 * its tables (static const arrays emcc_codes, emcc_words ...; of weights that come from outside, memories that are
 * filled before each call). Functions are static: two models in one program do not
 * meet. C99; arrays, counted loops, integers of stated widths; nothing is allocated, and nothing points into an array.
 *
 * mem holds every tensor, position after position, slot after slot: a step has offsets into it. What integers mean is
 * said by compiler/emcc/eie/reference.py and ops/fixed.py, and this gives the same ones. Right shifts of negative
 * numbers are arithmetic, as with every compiler that this is for.
 */
#ifndef EMCC_KERNELS_H
#define EMCC_KERNELS_H

#include "emcc_pragmas.h"

#define EMCC_ACT_MAX ((1 << (EMCC_ACT_W - 1)) - 1)
#define EMCC_ACT_MIN (-EMCC_ACT_MAX - 1)

/* `forms` is what the steps of one kernel have: of one form alone nothing is asked at run time. */
#define EMCC_FORM(s, forms, which) (((forms) & (which)) != 0 && ((forms) == (which) || (s).form == (which)))

/* Weight `at` of a step: two's complement of 8 or 16 bits, or looked up in its codebook by a code of 8 or 4 bits. */
EMCC_INLINED int32_t emcc_weight(const emcc_step s, int32_t forms, int32_t at) {
  EMCC_INLINE
  int32_t weight = 0;
  if (EMCC_FORM(s, forms, EMCC_BYTE)) {
    weight = emcc_bytes[s.weights + at];
  } else if (EMCC_FORM(s, forms, EMCC_WORD)) {
    weight = emcc_words[s.weights + at];
  } else if (EMCC_FORM(s, forms, EMCC_BOOK)) {
    weight = emcc_books[s.book + emcc_codes[s.weights + at]];
  } else if (EMCC_FORM(s, forms, EMCC_NIBBLE)) {
    weight = emcc_books[s.book + ((emcc_codes[s.weights + (at >> 1)] >> ((at & 1) << 2)) & 15)];
  }
  return weight;
}

/* y = saturate(coarse[i] + fine[j]) of z: ir/program.py, Table. */
EMCC_INLINED int32_t emcc_look_up(const emcc_step s, int32_t z) {
  EMCC_INLINE
  const int32_t u = z - EMCC_ACT_MIN;
  const int32_t low = u & ((1 << EMCC_LO_BITS) - 1);
  int32_t y = emcc_coarse[s.coarse + (u >> EMCC_LO_BITS)];
  y += emcc_fine[s.fine + (((u >> (EMCC_ACT_W - EMCC_HI_BITS)) << EMCC_LO_BITS) | low)];
  if (y > EMCC_ACT_MAX) y = EMCC_ACT_MAX;
  if (y < EMCC_ACT_MIN) y = EMCC_ACT_MIN;
  return y;
}

/* What follows a sum, its bias included: multiplier, half, shift, saturation, function. */
EMCC_INLINED emcc_act emcc_finish(const emcc_step s, int32_t row, emcc_acc sum) {
  EMCC_INLINE
  emcc_wide v = sum;
  int32_t z = 0;
  if (EMCC_HAS_SCALE && s.scale >= 0) v *= emcc_scales[s.scale + row];
  if (s.shift > 0) v = (v + ((emcc_wide)1 << (s.shift - 1))) >> s.shift;
  if (v > EMCC_ACT_MAX) v = EMCC_ACT_MAX;
  if (v < EMCC_ACT_MIN) v = EMCC_ACT_MIN;
  z = (int32_t)v;
  if (s.function == EMCC_RELU && z < 0) z = 0;
  if (EMCC_HAS_TABLE && s.function == EMCC_TABLE) z = emcc_look_up(s, z);
  return (emcc_act)z;
}

EMCC_INLINED emcc_acc emcc_bias_of(const emcc_step s, int32_t row) {
  EMCC_INLINE
  return s.bias >= 0 ? emcc_biases[s.bias + row] : 0;
}

/* Where a window's taps lie along one axis: the first at place `from`; those from `begin` to `end` are on the map. */
typedef struct {
  int32_t from;
  int32_t begin;
  int32_t end;
} emcc_span;

/* How many of a window's taps, `step` apart from `begin` on, lie before place `end`. */
EMCC_INLINED int32_t emcc_taps(int32_t taps, int32_t begin, int32_t step, int32_t end) {
  EMCC_INLINE
  int32_t count = 0;
  for (int32_t t = 0; t < taps; ++t) {
    if (begin + t * step < end) ++count;
  }
  return count;
}

EMCC_INLINED emcc_span emcc_rows_of(const emcc_step s, int32_t y) {
  EMCC_INLINE
  const int32_t top = y * s.stride_y - s.before_y;
  const int32_t begin = emcc_taps(s.kernel_y, top, s.step_y, 0);
  const emcc_span span = { top, begin, emcc_taps(s.kernel_y, top, s.step_y, s.in_h) };
  return span;
}

EMCC_INLINED emcc_span emcc_columns_of(const emcc_step s, int32_t x) {
  EMCC_INLINE
  const int32_t left = x * s.stride_x - s.before_x;
  const int32_t begin = emcc_taps(s.kernel_x, left, s.step_x, 0);
  const emcc_span span = { left, begin, emcc_taps(s.kernel_x, left, s.step_x, s.in_w) };
  return span;
}

/* The position of the source that tap (i, j) of a window reads. */
EMCC_INLINED int32_t emcc_place(const emcc_step s, const emcc_span v, const emcc_span h, int32_t i, int32_t j) {
  EMCC_INLINE
  return (v.from + i * s.step_y) * s.in_w + h.from + j * s.step_x;
}

/* A window's values side by side, taps by slots; those of taps beyond the map are 0. */
EMCC_INLINED void emcc_gather(const emcc_act mem[EMCC_MEM], emcc_value window[EMCC_WINDOW], const emcc_step s,
    const emcc_span v, const emcc_span h) {
  EMCC_INLINE
  const int32_t taps = (v.end - v.begin) * (h.end - h.begin);
  const int32_t cleared = taps == s.kernel_y * s.kernel_x ? 0 : s.kernel_y * s.kernel_x * s.slots;
  /* Where the taps of a row of the window lie side by side they are one run. */
  const int32_t runs = s.joined ? 1 : h.end - h.begin;
  const int32_t length = s.joined ? (h.end - h.begin) * s.slots : s.slots;
  for (int32_t n = 0; n < cleared; ++n) {
    EMCC_PIPELINE
    window[n] = 0;
  }
  for (int32_t i = v.begin; i < v.end; ++i) {
    for (int32_t j = h.begin; j < h.begin + runs; ++j) {
      const int32_t from = s.source + emcc_place(s, v, h, i, j) * s.pitch;
      const int32_t to = (i * s.kernel_x + j) * s.slots;
      for (int32_t n = 0; n < length; ++n) {
        EMCC_PIPELINE
        window[to + n] = mem[from + n];
      }
    }
  }
}

/* A row, or, beyond the last one, the last, of which nothing comes then. */
EMCC_INLINED int32_t emcc_or_last(const emcc_step s, int32_t row) {
  EMCC_INLINE
  return row < s.rows ? row : s.rows - 1;
}

/* y[pos] = f(W x + b), a row of weights after the other: taps by slots. Four rows at a time share what they read. */
EMCC_KERNEL void emcc_dense(emcc_act mem[EMCC_MEM], emcc_acc acc[EMCC_ROWS], emcc_value window[EMCC_WINDOW],
    const emcc_step s) {
  EMCC_APART
  const int32_t columns = s.kernel_y * s.kernel_x * s.slots;
  for (int32_t y = 0; y < s.out_h; ++y) {
    const emcc_span v = emcc_rows_of(s, y);
    for (int32_t x = 0; x < s.out_w; ++x) {
      emcc_gather(mem, window, s, v, emcc_columns_of(s, x));
      for (int32_t row = 0; row < s.rows; row += 4) {
        const int32_t second = emcc_or_last(s, row + 1);
        const int32_t third = emcc_or_last(s, row + 2);
        const int32_t fourth = emcc_or_last(s, row + 3);
        emcc_acc a = emcc_bias_of(s, row);
        emcc_acc b = emcc_bias_of(s, second);
        emcc_acc c = emcc_bias_of(s, third);
        emcc_acc d = emcc_bias_of(s, fourth);
        for (int32_t n = 0; n < columns; ++n) {
          EMCC_PIPELINE
          const int32_t value = (int32_t)window[n];
          a += (emcc_acc)(value * emcc_weight(s, EMCC_DENSE, row * columns + n));
          b += (emcc_acc)(value * emcc_weight(s, EMCC_DENSE, second * columns + n));
          c += (emcc_acc)(value * emcc_weight(s, EMCC_DENSE, third * columns + n));
          d += (emcc_acc)(value * emcc_weight(s, EMCC_DENSE, fourth * columns + n));
        }
        acc[row] = a;
        acc[row + 1] = b;
        acc[row + 2] = c;
        acc[row + 3] = d;
      }
      for (int32_t row = 0; row < s.rows; ++row) {
        EMCC_PIPELINE
        mem[s.target + (y * s.out_w + x) * s.target_pitch + row] = emcc_finish(s, row, acc[row]);
      }
    }
  }
}

#if EMCC_FULL_CALLS > 8
#define EMCC_FULL_KERNEL EMCC_ONCE
#else
#define EMCC_FULL_KERNEL EMCC_KERNEL
#endif

/* The same of one position whose window is the source as it lies in memory. */
EMCC_FULL_KERNEL void emcc_full(emcc_act mem[EMCC_MEM], const emcc_step s) {
  EMCC_APART
  const int32_t columns = s.kernel_y * s.kernel_x * s.slots;
  for (int32_t row = 0; row < s.rows; row += 4) {
    const int32_t second = emcc_or_last(s, row + 1);
    const int32_t third = emcc_or_last(s, row + 2);
    const int32_t fourth = emcc_or_last(s, row + 3);
    const int32_t rows = s.rows - row < 4 ? s.rows - row : 4;
    emcc_acc a = emcc_bias_of(s, row);
    emcc_acc b = emcc_bias_of(s, second);
    emcc_acc c = emcc_bias_of(s, third);
    emcc_acc d = emcc_bias_of(s, fourth);
    for (int32_t n = 0; n < columns; ++n) {
      EMCC_PIPELINE
      const int32_t value = (int32_t)mem[s.source + n];
      a += (emcc_acc)(value * emcc_weight(s, EMCC_FULL, row * columns + n));
      b += (emcc_acc)(value * emcc_weight(s, EMCC_FULL, second * columns + n));
      c += (emcc_acc)(value * emcc_weight(s, EMCC_FULL, third * columns + n));
      d += (emcc_acc)(value * emcc_weight(s, EMCC_FULL, fourth * columns + n));
    }
    for (int32_t r = 0; r < rows; ++r) {
      const emcc_acc sum = r == 0 ? a : r == 1 ? b : r == 2 ? c : d;
      mem[s.target + row + r] = emcc_finish(s, row + r, sum);
    }
  }
}

/* The same of weights that are stored by column as {code, run of zeros before it}: columns of a zero cost nothing. */
EMCC_KERNEL void emcc_sparse(emcc_act mem[EMCC_MEM], emcc_acc acc[EMCC_ROWS], const emcc_step s) {
  EMCC_APART
  for (int32_t y = 0; y < s.out_h; ++y) {
    const emcc_span v = emcc_rows_of(s, y);
    for (int32_t x = 0; x < s.out_w; ++x) {
      const emcc_span h = emcc_columns_of(s, x);
      for (int32_t row = 0; row < s.rows; ++row) {
        EMCC_PIPELINE
        acc[row] = emcc_bias_of(s, row);
      }
      for (int32_t i = v.begin; i < v.end; ++i) {
        for (int32_t j = h.begin; j < h.end; ++j) {
          const int32_t from = s.source + emcc_place(s, v, h, i, j) * s.pitch;
          const int32_t column = s.starts + (i * s.kernel_x + j) * s.slots;
          for (int32_t c = 0; c < s.slots; ++c) {
            const int32_t value = (int32_t)mem[from + c];
            if (value != 0) {
              const int32_t end = (int32_t)emcc_starts[column + c + 1];
              int32_t row = -1;
              for (int32_t e = (int32_t)emcc_starts[column + c]; e < end; ++e) {
                EMCC_PIPELINE
                row += emcc_runs[s.runs + e] + 1;
                acc[row] += (emcc_acc)(value * emcc_weight(s, EMCC_SPARSE, e));
              }
            }
          }
        }
      }
      for (int32_t row = 0; row < s.rows; ++row) {
        EMCC_PIPELINE
        mem[s.target + (y * s.out_w + x) * s.target_pitch + row] = emcc_finish(s, row, acc[row]);
      }
    }
  }
}

/* Every slot for itself: sums over sources and taps. The weight is a tap's, or a tap's and slot's (`by_slot` is 1), or
 * one for the sum, of 16 bits, by the number of taps that count (`by_count`). */
EMCC_KERNEL void emcc_local(emcc_act mem[EMCC_MEM], emcc_acc acc[EMCC_ROWS], const emcc_step s) {
  EMCC_APART
  for (int32_t y = 0; y < s.out_h; ++y) {
    const emcc_span v = emcc_rows_of(s, y);
    const int32_t high = emcc_taps(s.kernel_y, v.from, s.step_y, s.in_h + s.bottom);
    const int32_t tall = high - emcc_taps(s.kernel_y, v.from, s.step_y, -s.top);
    for (int32_t x = 0; x < s.out_w; ++x) {
      const emcc_span h = emcc_columns_of(s, x);
      const int32_t far = emcc_taps(s.kernel_x, h.from, s.step_x, s.in_w + s.right);
      const int32_t wide = far - emcc_taps(s.kernel_x, h.from, s.step_x, -s.left);
      const int32_t to = s.target + (y * s.out_w + x) * s.target_pitch;
      for (int32_t row = 0; row < s.rows; ++row) {
        EMCC_PIPELINE
        acc[row] = 0;
      }
      for (int32_t k = 0; k < s.sources; ++k) {
        const int32_t source = k == 0 ? s.source : emcc_places[s.more + 2 * k - 2];
        const int32_t pitch = k == 0 ? s.pitch : emcc_places[s.more + 2 * k - 1];
        for (int32_t i = v.begin; i < v.end; ++i) {
          for (int32_t j = h.begin; j < h.end; ++j) {
            const int32_t from = source + emcc_place(s, v, h, i, j) * pitch;
            const int32_t tap = (k * s.kernel_y + i) * s.kernel_x + j;
            if (s.by_slot) {
              for (int32_t row = 0; row < s.rows; ++row) {
                EMCC_PIPELINE
                acc[row] += (emcc_acc)((int32_t)mem[from + row] * emcc_weight(s, EMCC_LOCAL, tap * s.rows + row));
              }
            } else {
              const int32_t weight = s.by_count ? 1 : emcc_weight(s, EMCC_LOCAL, tap);
              for (int32_t row = 0; row < s.rows; ++row) {
                EMCC_PIPELINE
                acc[row] += (emcc_acc)((int32_t)mem[from + row] * weight);
              }
            }
          }
        }
      }
      const emcc_acc last = s.by_count ? emcc_words[s.weights + tall * wide] : 1;
      for (int32_t row = 0; row < s.rows; ++row) {
        EMCC_PIPELINE
        mem[to + row] = emcc_finish(s, row, (emcc_acc)(acc[row] * last + emcc_bias_of(s, row)));
      }
    }
  }
}

/* Every slot for itself: the largest of the taps on the map. */
EMCC_KERNEL void emcc_largest(emcc_act mem[EMCC_MEM], emcc_acc acc[EMCC_ROWS], const emcc_step s) {
  EMCC_APART
  for (int32_t y = 0; y < s.out_h; ++y) {
    const emcc_span v = emcc_rows_of(s, y);
    for (int32_t x = 0; x < s.out_w; ++x) {
      const emcc_span h = emcc_columns_of(s, x);
      const int32_t to = s.target + (y * s.out_w + x) * s.target_pitch;
      for (int32_t row = 0; row < s.rows; ++row) {
        EMCC_PIPELINE
        acc[row] = EMCC_ACT_MIN;
      }
      for (int32_t i = v.begin; i < v.end; ++i) {
        for (int32_t j = h.begin; j < h.end; ++j) {
          const int32_t from = s.source + emcc_place(s, v, h, i, j) * s.pitch;
          for (int32_t row = 0; row < s.rows; ++row) {
            EMCC_PIPELINE
            const emcc_acc value = mem[from + row];
            if (value > acc[row]) acc[row] = value;
          }
        }
      }
      for (int32_t row = 0; row < s.rows; ++row) {
        EMCC_PIPELINE
        mem[to + row] = emcc_finish(s, row, acc[row]);
      }
    }
  }
}

/* Every slot for itself: the product of two sources; one of one position has a pitch of 0. */
EMCC_KERNEL void emcc_product(emcc_act mem[EMCC_MEM], const emcc_step s) {
  EMCC_APART
  const int32_t other = emcc_places[s.more];
  const int32_t other_pitch = emcc_places[s.more + 1];
  for (int32_t p = 0; p < s.out_h * s.out_w; ++p) {
    for (int32_t row = 0; row < s.rows; ++row) {
      EMCC_PIPELINE
      const emcc_acc a = mem[s.source + p * s.pitch + row];
      const emcc_acc b = mem[other + p * other_pitch + row];
      mem[s.target + p * s.target_pitch + row] = emcc_finish(s, row, a * b);
    }
  }
}

/* The element of a tensor in the model's order that slot `slot` of position `p` holds, or -1. */
EMCC_INLINED int32_t emcc_element(const emcc_port port, int32_t p, int32_t slot) {
  EMCC_INLINE
  if (EMCC_HAS_ORDER && port.order >= 0) return emcc_orders[port.order + p * port.slots + slot];
  return p * port.by_position + slot * port.by_slot;
}

/* A tensor in the model's order, from x[port.first] on, into memory; what holds nothing of it is 0. */
EMCC_KERNEL void emcc_put(emcc_act mem[EMCC_MEM], const emcc_io x[], const emcc_port port) {
  for (int32_t p = 0; p < port.positions; ++p) {
    for (int32_t slot = 0; slot < port.slots; ++slot) {
      EMCC_PIPELINE
      const int32_t element = emcc_element(port, p, slot);
      mem[port.base + p * port.pitch + slot] = (emcc_act)(element < 0 ? 0 : x[port.first + element]);
    }
  }
}

/* And out of it, to y[port.first] and on. */
EMCC_KERNEL void emcc_get(const emcc_act mem[EMCC_MEM], emcc_io y[], const emcc_port port) {
  for (int32_t p = 0; p < port.positions; ++p) {
    for (int32_t slot = 0; slot < port.slots; ++slot) {
      EMCC_PIPELINE
      const int32_t element = emcc_element(port, p, slot);
      if (element >= 0) y[port.first + element] = (emcc_io)mem[port.base + p * port.pitch + slot];
    }
  }
}

#ifdef EMCC_EXTERNAL
/* Weights of the next call, from words outside into a memory on the chip: the first element of a word is its lowest. */
#define EMCC_BYTE_OF(word, n) (((word) >> (8 * (n))) & 0xffu)

EMCC_KERNEL void emcc_fetch_bytes(const uint32_t outside[EMCC_EXTERNAL], int32_t first, int32_t words) {
  for (int32_t i = 0; i < words; ++i) {
    EMCC_PIPELINE
    const uint32_t word = outside[first + i];
    emcc_bytes[4 * i] = (int8_t)EMCC_BYTE_OF(word, 0);
    emcc_bytes[4 * i + 1] = (int8_t)EMCC_BYTE_OF(word, 1);
    emcc_bytes[4 * i + 2] = (int8_t)EMCC_BYTE_OF(word, 2);
    emcc_bytes[4 * i + 3] = (int8_t)EMCC_BYTE_OF(word, 3);
  }
}

EMCC_KERNEL void emcc_fetch_codes(const uint32_t outside[EMCC_EXTERNAL], int32_t first, int32_t words) {
  for (int32_t i = 0; i < words; ++i) {
    EMCC_PIPELINE
    const uint32_t word = outside[first + i];
    emcc_codes[4 * i] = (uint8_t)EMCC_BYTE_OF(word, 0);
    emcc_codes[4 * i + 1] = (uint8_t)EMCC_BYTE_OF(word, 1);
    emcc_codes[4 * i + 2] = (uint8_t)EMCC_BYTE_OF(word, 2);
    emcc_codes[4 * i + 3] = (uint8_t)EMCC_BYTE_OF(word, 3);
  }
}

EMCC_KERNEL void emcc_fetch_words(const uint32_t outside[EMCC_EXTERNAL], int32_t first, int32_t words) {
  for (int32_t i = 0; i < words; ++i) {
    EMCC_PIPELINE
    const uint32_t word = outside[first + i];
    emcc_words[2 * i] = (int16_t)(word & 0xffffu);
    emcc_words[2 * i + 1] = (int16_t)(word >> 16);
  }
}

EMCC_KERNEL void emcc_fetch_runs(const uint32_t outside[EMCC_EXTERNAL], int32_t first, int32_t words) {
  for (int32_t i = 0; i < words; ++i) {
    EMCC_PIPELINE
    const uint32_t word = outside[first + i];
    emcc_runs[4 * i] = (uint8_t)EMCC_BYTE_OF(word, 0);
    emcc_runs[4 * i + 1] = (uint8_t)EMCC_BYTE_OF(word, 1);
    emcc_runs[4 * i + 2] = (uint8_t)EMCC_BYTE_OF(word, 2);
    emcc_runs[4 * i + 3] = (uint8_t)EMCC_BYTE_OF(word, 3);
  }
}

EMCC_KERNEL void emcc_fetch_starts(const uint32_t outside[EMCC_EXTERNAL], int32_t first, int32_t words) {
  for (int32_t i = 0; i < words; ++i) {
    EMCC_PIPELINE
    emcc_starts[i] = outside[first + i];
  }
}
#endif

/* Zeros: of a tensor with slots that nothing writes. */
EMCC_KERNEL void emcc_clear(emcc_act mem[EMCC_MEM], int32_t base, int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    EMCC_PIPELINE
    mem[base + i] = 0;
  }
}

#endif
