// What a cycle of the design shows, beside its streams.
//
// The two arrays' tops differ in it: of the chain of perceptrons every cycle of an inference counts; the array of column
// groups says which ones do, and broadcasts in several groups at a time.
#pragma once

#include <cstdint>

struct Signs {
    bool counts;          // a cycle of the computation
    bool done;            // of a step: a layer of the chain, a pass of the groups
    int64_t broadcasts, stalls;
};

inline int64_t ones(uint64_t bits) { return __builtin_popcountll(bits); }

template <class Top>
auto signs(const Top& top, int) -> decltype((void)top.run_o, Signs{}) {
    return {static_cast<bool>(top.run_o), static_cast<bool>(top.step_done_o), ones(top.bcast_o), ones(top.stall_o)};
}

template <class Top>
Signs signs(const Top& top, long) {
    return {true, static_cast<bool>(top.layer_done_o), ones(top.bcast_o), ones(top.stall_o)};
}
