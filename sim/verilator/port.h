// Bytes in and out of a Verilator port of any width.
//
// CData, SData, IData, QData and VlWide all keep bit 0 in the lowest byte on a little-endian host.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

template <class Port>
void check_port(const char* name, const Port& port, size_t bytes) {
    const size_t need = bytes <= 1 ? 1 : bytes <= 2 ? 2 : bytes <= 4 ? 4 : bytes <= 8 ? 8 : (bytes + 3) / 4 * 4;
    if (sizeof(port) != need) {
        throw std::invalid_argument(std::string(name) + " holds " + std::to_string(sizeof(port))
                                    + " bytes; --lanes and --act-bytes need " + std::to_string(need));
    }
}

template <class Port>
void put_port(Port& port, const uint8_t* bytes, size_t count) {
    std::memcpy(static_cast<void*>(&port), bytes, count);  // the bytes above stay 0
}

template <class Port>
void get_port(const Port& port, uint8_t* bytes, size_t count) {
    std::memcpy(bytes, static_cast<const void*>(&port), count);
}

template <class Port>
bool same_port(const Port& port, const uint8_t* bytes, size_t count) {
    return std::memcmp(static_cast<const void*>(&port), bytes, count) == 0;
}
