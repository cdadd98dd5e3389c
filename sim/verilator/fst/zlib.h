// What Verilator's FST writer calls of zlib's interface, so that traces need no library: a zlib stream of stored blocks
// (RFC 1950, RFC 1951). It does not compress; the bulk of a trace goes through lz4.h.
#pragma once

#include <cstdint>
#include <cstring>

using uLong = unsigned long;
using uLongf = unsigned long;
using Bytef = unsigned char;

constexpr int Z_OK = 0;
constexpr int Z_BUF_ERROR = -5;
constexpr uLong kStoredBlock = 65535;

inline uLong compressBound(uLong size) { return size + 5 * (size / kStoredBlock + 1) + 6; }

inline int compress2(Bytef* target, uLongf* target_size, const Bytef* source, uLong size, int) {
    if (*target_size < compressBound(size)) return Z_BUF_ERROR;
    Bytef* out = target;
    *out++ = 0x78;
    *out++ = 0x01;
    uint32_t low = 1, high = 0;
    for (uLong at = 0; at < size || at == 0;) {
        const uLong count = size - at < kStoredBlock ? size - at : kStoredBlock;
        *out++ = at + count == size;
        *out++ = static_cast<Bytef>(count & 255);
        *out++ = static_cast<Bytef>(count >> 8);
        *out++ = static_cast<Bytef>(~count & 255);
        *out++ = static_cast<Bytef>(~count >> 8 & 255);
        std::memcpy(out, source + at, count);
        out += count;
        for (uLong i = at; i < at + count; ++i) {
            low = (low + source[i]) % 65521;
            high = (high + low) % 65521;
        }
        at += count;
        if (!count) break;
    }
    for (int shift = 24; shift >= 0; shift -= 8) *out++ = static_cast<Bytef>((high << 16 | low) >> shift & 255);
    *target_size = static_cast<uLongf>(out - target);
    return Z_OK;
}
