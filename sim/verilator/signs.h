// What a cycle of the design shows, beside its streams.
#pragma once

#include <cstdint>

struct Signs {
    bool counts;          // a cycle of the computation
    bool done;            // of a pass
    int64_t broadcasts, stalls;  // over all groups
};

inline int64_t ones(uint64_t bits) { return __builtin_popcountll(bits); }

template <class Top>
Signs signs(const Top& top) {
    return {static_cast<bool>(top.run_o), static_cast<bool>(top.step_done_o), ones(top.bcast_o), ones(top.stall_o)};
}
