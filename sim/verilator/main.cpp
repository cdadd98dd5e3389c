// emcc_sim: runs inferences through an emitted emcc_top.
//
// Runs in the artefact's folder, where the ROM images are found. A beat is a little-endian integer of act_bytes.
// --turns says how beats in and out follow each other in an inference, see turns.h; --input holds the beats in of
// all inferences, also what parts of the host answer, and --output receives the beats out. --stats receives a row of
// little-endian int64 an inference: cycles, broadcasts, stalls, transfer (cycles from the first beat to the last that do
// not count as cycles), exposed, then the cycle in which each step completed. Rows and outputs of completed inferences are
// there even when the run fails. Prints "progress <inferences done>".
//
// With --next-input the beats in of the next inference are offered while one is under way. Its cycles then begin when the
// one before is complete, where it has a beat by then; "exposed" are those in which its beats in still came, else 0.
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
