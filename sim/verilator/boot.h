// Fills a design's memories from its boot image, where it has a port for one.
#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

constexpr const char* kBootImage = "rom/boot.bin";  // in the artefact's folder, as the images that $readmemh reads
constexpr int kBootIdle = 10000;                    // cycles without a byte taken, at most

template <class Top, class = void>
struct HasBoot : std::false_type {};
template <class Top>
struct HasBoot<Top, std::void_t<decltype(std::declval<Top&>().boot_tvalid)>> : std::true_type {};

// Sends the image, one byte a cycle where the design takes it; `edge(level)` sets the clock. Returns what went wrong.
template <class Top, class Edge>
std::string boot(Top& top, Edge edge) {
    if constexpr (HasBoot<Top>::value) {
        std::ifstream file(kBootImage, std::ios::binary);
        const std::vector<char> image((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        if (image.empty()) return std::string(kBootImage) + " is missing";
        top.boot_rst_ni = 1;
        size_t at = 0;
        for (int idle = 0; idle < kBootIdle && !top.boot_done_o && !top.boot_error_o; ++idle) {
            top.boot_tvalid = at < image.size();
            top.boot_tdata = at < image.size() ? static_cast<uint8_t>(image[at]) : 0;
            edge(0);
            const bool taken = top.boot_tvalid && top.boot_tready;
            edge(1);
            if (taken) ++at, idle = 0;
        }
        top.boot_tvalid = 0;
        if (!top.boot_done_o) return std::string("the design refuses ") + kBootImage;
    }
    return "";
}
