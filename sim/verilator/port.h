// Bytes in and out of a Verilator port of one activation.
//
// CData and SData keep bit 0 in the lowest byte on a little-endian host.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

template <class Port>
void check_port(const char* name, const Port& port, size_t bytes) {
    if (sizeof(port) != bytes) {
        throw std::invalid_argument(std::string(name) + " holds " + std::to_string(sizeof(port))
                                    + " bytes; --act-bytes is " + std::to_string(bytes));
    }
}

template <class Port>
void put_port(Port& port, const uint8_t* bytes, size_t count) {
    std::memcpy(&port, bytes, count);
}

template <class Port>
void get_port(const Port& port, uint8_t* bytes, size_t count) {
    std::memcpy(bytes, &port, count);
}

template <class Port>
bool same_port(const Port& port, const uint8_t* bytes, size_t count) {
    return std::memcmp(&port, bytes, count) == 0;
}
