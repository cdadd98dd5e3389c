// The bench: drives emcc_top's streams, checks their protocol, counts cycles.
#pragma once

#include <cstdint>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vemcc_top.h"
#include "options.h"
#include "signs.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_fst_c.h"
#endif

// Why a run ended early; `code` is the exit code of the program.
struct Failure : std::runtime_error {
    enum Code { kUsage = 2, kWatchdog = 3, kProtocol = 4, kAssertion = 5 };
    Failure(Code code_, const std::string& what) : std::runtime_error(what), code(code_) {}
    Code code;
};

// Inferences follow each other without a reset. A cycle is one rising edge of clk_i. An inference lasts from its first
// s_axis handshake to the m_axis handshake of its tlast beat, both counted; signs.h says which of its cycles count.
class Bench {
public:
    explicit Bench(const Options& options);
    ~Bench();

    // Runs all inferences, then watches that nothing more comes out. Throws Failure.
    void run();
    // Ends the model; run() does it unless it threw.
    void finish();

private:
    void load_input();
    void open_trace();
    void reset();
    void fill();
    void cycle();
    void drive();
    void sample();
    void sample_input();
    bool may_take() const;
    uint64_t due_in() const { return (done_ + 1) * options_.turns.in(); }  // beats in before the next answer
    void sample_signs(const Signs& seen);
    void sample_output();
    void complete();
    [[noreturn]] void fail(Failure::Code code, const std::string& what) const;
    bool chance(double probability) { return probability > 0.0 && uniform_(random_) < probability; }

    const Options options_;
    VerilatedContext context_;
    Vemcc_top top_;
#if VM_TRACE
    std::unique_ptr<VerilatedFstC> trace_;
#endif
    std::ofstream output_, stats_;
    std::mt19937_64 random_;
    std::uniform_real_distribution<double> uniform_{0.0, 1.0};

    std::vector<uint8_t> input_;      // all beats in
    std::vector<uint8_t> beat_;       // what is driven, or was last seen
    std::vector<uint8_t> held_;       // m_axis_tdata while stalled
    std::vector<uint8_t> result_;     // beats out of the inference under way
    std::vector<int64_t> record_;     // its row of the statistics, see main.cpp
    Turns turns_;                     // of the inference under way
    uint64_t now_ = 0;                // cycles since reset
    uint64_t begun_ = 0;              // cycle of the first input handshake of the inference under way
    uint64_t since_ = 0;              // cycle from which the watchdog counts
    uint64_t beats_in_ = 0;           // beats in, over all inferences
    uint64_t beats_out_ = 0;          // beats out of the inference under way
    uint64_t steps_done_ = 0;         // steps completed in the inference under way
    uint64_t done_ = 0;               // inferences completed
    bool offered_ = false;            // s_axis_tvalid is up and waits
    bool loaded_ = false;             // s_axis_tdata holds the next beat
    bool stalled_ = false, held_last_ = false;
    bool final_ = false;
};
