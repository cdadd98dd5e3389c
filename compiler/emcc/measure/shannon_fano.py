"""Shannon-Fano codes: what Huffman's are held against."""

import numpy as np

from emcc.container.huffman import LIMIT, write_table
from emcc.ir.graph import Array


def code_lengths(counts: Array) -> Array:
    """Lengths, int64, of Fano's code (1949): symbols by falling count, parted again and again where halves are nearest.

    0 for unused symbols and a lone one, as of `huffman.code_lengths`; of equal partings the first.
    """
    lengths = np.zeros(len(counts), np.int64)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    sums = np.concatenate([[0], np.cumsum(counts[order])])
    parts = [(0, len(order))]
    while parts:
        begin, end = parts.pop()
        if end - begin < 2:
            continue
        cuts = np.arange(begin + 1, end)
        cut = int(cuts[np.argmin(np.abs(2 * sums[cuts] - sums[begin] - sums[end]))])
        lengths[order[begin:end]] += 1
        parts += [(begin, cut), (cut, end)]
    return lengths


def coded_bits(counts: Array) -> tuple[int, int]:
    """Bits that symbols with these counts take: the table, as Huffman's is written, and the codewords.

    Where a codeword is longer than that table can say, the table has a byte a symbol of the alphabet.
    """
    lengths = code_lengths(counts)
    lone = int(np.argmax(counts)) if counts.any() else None
    table = len(write_table(lengths, lone)) if lengths.max(initial=0) <= LIMIT else len(counts)
    return 8 * table, int((lengths * counts).sum())
