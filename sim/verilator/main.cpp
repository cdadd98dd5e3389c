// emcc_sim: runs inferences through an emitted emcc_top.
//
// Runs in the artefact's folder, where the ROM images are found. --input holds count * in_words * lanes
// little-endian integers of act_bytes each, --output receives count * out_words * lanes of them, --stats one row of
// little-endian int64 an inference: cycles, broadcasts, stalls, then the cycle in which each layer completed. Rows
// and outputs of completed inferences are there even when the run fails. Prints "progress <inferences done>".
//
// Exit codes: 0 all inferences ran, 2 wrong use, 3 nothing came out in --max-cycles, 4 a stream broke its protocol,
// 5 an assertion of the design failed.

#include <cstdio>
#include <exception>

#include "bench.h"

int main(int argc, char** argv) {
    try {
        Bench bench(parse_options(argc, argv));
        bench.run();
        return 0;
    } catch (const Failure& failure) {
        std::fprintf(stderr, "emcc_sim: %s\n", failure.what());
        return failure.code;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "emcc_sim: %s\n", error.what());
        return Failure::kUsage;
    }
}
