// The command line of emcc_sim, as a struct.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "turns.h"

struct Options {
    std::string input, output, stats, trace;
    Turns turns;                    // beats of an inference
    uint64_t count = 0, act_bytes = 0, steps = 0;
    uint64_t max_cycles = 1000000;  // an inference, and the wait for the next one's first beat
    uint64_t idle_cycles = 1000;    // watched after the last inference
    uint64_t seed = 0;
    double stall_in = 0.0, stall_out = 0.0;
    bool next_input = false;        // the next inference's beats in may come while one is under way
    bool random_init = false;       // registers and memories start with random bits
};

inline uint64_t parse_integer(const std::string& name, const char* text) {
    char* end = nullptr;
    const uint64_t value = std::strtoull(text, &end, 10);
    if (end == text || *end) throw std::invalid_argument(name + " wants an integer, not " + text);
    return value;
}

inline double parse_probability(const std::string& name, const char* text) {
    char* end = nullptr;
    const double value = std::strtod(text, &end);
    if (end == text || *end || !(value >= 0.0 && value < 1.0)) {
        throw std::invalid_argument(name + " wants a number from 0 to below 1, not " + text);
    }
    return value;
}

inline Options parse_options(int argc, char** argv) {
    Options o;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--random-init") {
            o.random_init = true;
            continue;
        }
        if (name == "--next-input") {
            o.next_input = true;
            continue;
        }
        if (++i == argc) throw std::invalid_argument(name + " wants a value");
        const char* const value = argv[i];
        if (name == "--input") o.input = value;
        else if (name == "--output") o.output = value;
        else if (name == "--stats") o.stats = value;
        else if (name == "--trace") o.trace = value;
        else if (name == "--count") o.count = parse_integer(name, value);
        else if (name == "--turns") o.turns = Turns(value);
        else if (name == "--act-bytes") o.act_bytes = parse_integer(name, value);
        else if (name == "--steps") o.steps = parse_integer(name, value);
        else if (name == "--max-cycles") o.max_cycles = parse_integer(name, value);
        else if (name == "--idle-cycles") o.idle_cycles = parse_integer(name, value);
        else if (name == "--seed") o.seed = parse_integer(name, value);
        else if (name == "--stall-in") o.stall_in = parse_probability(name, value);
        else if (name == "--stall-out") o.stall_out = parse_probability(name, value);
        else throw std::invalid_argument("unknown option " + name);
    }
    if (o.input.empty() || o.output.empty() || o.stats.empty()) {
        throw std::invalid_argument("--input, --output and --stats are needed");
    }
    if (!o.turns.in() || !o.act_bytes || !o.steps) {
        throw std::invalid_argument("--turns, --act-bytes and --steps are needed");
    }
    if (o.next_input && o.turns.count() != 2) {
        throw std::invalid_argument("--next-input is for inferences of one turn in and one out");
    }
    return o;
}
