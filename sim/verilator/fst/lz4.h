// The two functions of lz4's interface that Verilator's FST writer calls, so that traces need no library: the LZ4 block
// format, by greedy matching over a table of 4,096 positions.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

namespace emcc_lz4 {

constexpr int kMinMatch = 4;
constexpr int kLastLiterals = 5;      // the format's: a block ends with this many literals,
constexpr int kMatchBeforeEnd = 12;   // and no match starts closer to the end than this
constexpr int kMaxOffset = 65535;
constexpr int kTableBits = 12;

inline uint32_t word(const uint8_t* at) {
    uint32_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

inline uint8_t* put_length(uint8_t* out, int rest) {
    for (; rest >= 255; rest -= 255) *out++ = 255;
    *out++ = static_cast<uint8_t>(rest);
    return out;
}

// `match` is 0 for the literals that end a block.
inline uint8_t* put_sequence(uint8_t* out, const uint8_t* literals, int count, int match, int offset) {
    const int low = match ? match - kMinMatch : 0;
    *out++ = static_cast<uint8_t>((count < 15 ? count : 15) << 4 | (low < 15 ? low : 15));
    if (count >= 15) out = put_length(out, count - 15);
    if (count) std::memcpy(out, literals, static_cast<size_t>(count));
    out += count;
    if (!match) return out;
    *out++ = static_cast<uint8_t>(offset & 255);
    *out++ = static_cast<uint8_t>(offset >> 8);
    return low >= 15 ? put_length(out, low - 15) : out;
}

}  // namespace emcc_lz4

// `capacity` must be LZ4_compressBound(size) at least; returns the bytes written, 0 where it is not.
inline int LZ4_compress_default(const char* source, char* target, int size, int capacity) {
    using namespace emcc_lz4;
    if (size < 0 || capacity < LZ4_compressBound(size)) return 0;
    const auto* in = reinterpret_cast<const uint8_t*>(source);
    auto* out = reinterpret_cast<uint8_t*>(target);
    std::vector<int> table(1u << kTableBits, -1);
    int literals = 0;
    for (int at = 0; at <= size - kMatchBeforeEnd - 1;) {
        int& slot = table[(word(in + at) * 2654435761u) >> (32 - kTableBits)];
        const int before = slot;
        slot = at;
        if (before < 0 || at - before > kMaxOffset || word(in + before) != word(in + at)) {
            ++at;
            continue;
        }
        int match = kMinMatch;
        while (at + match < size - kLastLiterals && in[before + match] == in[at + match]) ++match;
        out = put_sequence(out, in + literals, at - literals, match, at - before);
        at += match;
        literals = at;
    }
    out = put_sequence(out, in + literals, size - literals, 0, 0);
    return static_cast<int>(out - reinterpret_cast<uint8_t*>(target));
}
