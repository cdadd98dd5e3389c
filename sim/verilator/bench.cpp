#include "bench.h"

#include <chrono>
#include <cstdio>

#include "boot.h"
#include "port.h"

namespace {
enum Counter { kCycles, kBroadcasts, kStalls, kTransfer, kExposed, kCounters };  // in a row of the statistics, before the steps
constexpr int kResetCycles = 4;

// The context as the model's constructor wants it: that is where registers get their first values.
VerilatedContext* prepared(VerilatedContext& context, const Options& options) {
    context.fatalOnError(false);
    if (options.random_init) {
        context.randReset(2);
        context.randSeed(static_cast<int>(options.seed % 0x7fffffff) + 1);
    }
    return &context;
}
}  // namespace

Bench::Bench(const Options& options)
    : options_(options),
      top_(prepared(context_, options), "emcc_top"),
      random_(options.seed),
      beat_(options.act_bytes),
      held_(options.act_bytes),
      result_(options.act_bytes * options.turns.out()),
      record_(kCounters + options.steps),
      turns_(options.turns) {
    check_port("s_axis_tdata", top_.s_axis_tdata, options_.act_bytes);
    check_port("m_axis_tdata", top_.m_axis_tdata, options_.act_bytes);
    load_input();
    output_.open(options_.output, std::ios::binary | std::ios::trunc);
    stats_.open(options_.stats, std::ios::binary | std::ios::trunc);
    if (!output_ || !stats_) throw Failure(Failure::kUsage, "cannot write the output files");
    open_trace();
}

Bench::~Bench() { finish(); }

void Bench::finish() {
    if (final_) return;
    final_ = true;
    top_.final();
#if VM_TRACE
    if (trace_) trace_->close();
#endif
}

void Bench::load_input() {
    input_.resize(options_.count * options_.turns.in() * options_.act_bytes);
    std::ifstream file(options_.input, std::ios::binary);
    file.read(reinterpret_cast<char*>(input_.data()), static_cast<std::streamsize>(input_.size()));
    if (!file || file.peek() != std::ifstream::traits_type::eof()) {
        throw Failure(Failure::kUsage, "the input file is not " + std::to_string(input_.size()) + " bytes");
    }
}

void Bench::open_trace() {
    if (options_.trace.empty()) return;
#if VM_TRACE
    context_.traceEverOn(true);
    trace_ = std::make_unique<VerilatedFstC>();
    top_.trace(trace_.get(), 99);
    trace_->open(options_.trace.c_str());
#else
    throw Failure(Failure::kUsage, "built without tracing");
#endif
}

void Bench::fail(Failure::Code code, const std::string& what) const {
    throw Failure(code, "inference " + std::to_string(done_) + ", cycle " + std::to_string(now_ - begun_ + 1) + ": "
                            + what);
}

void Bench::reset() {
    top_.s_axis_tvalid = 0;
    top_.m_axis_tready = 0;
    for (int i = 0; i < kResetCycles; ++i) {
        top_.rst_ni = 0;
        top_.clk_i = 0;
        top_.eval();
        top_.clk_i = 1;
        top_.eval();
        context_.timeInc(2);
    }
    if (top_.m_axis_tvalid) fail(Failure::kProtocol, "m_axis_tvalid is up in reset");
    top_.rst_ni = 1;
}

void Bench::fill() {
    const auto refused = boot(top_, [this](int level) {
        top_.clk_i = level;
        top_.eval();
        context_.timeInc(1);
    });
    if (!refused.empty()) fail(Failure::kProtocol, refused);
    if (context_.gotError()) fail(Failure::kAssertion, "an assertion of the design failed");
}

void Bench::run() {
    reset();
    fill();
    std::printf("progress 0\n");
    std::fflush(stdout);
    auto shown = std::chrono::steady_clock::now();
    for (uint64_t reported = 0; done_ < options_.count;) {
        cycle();
        if (done_ == reported) continue;
        reported = done_;
        const auto time = std::chrono::steady_clock::now();
        if (time - shown < std::chrono::milliseconds(100) && done_ < options_.count) continue;
        shown = time;
        std::printf("progress %llu\n", static_cast<unsigned long long>(done_));
        std::fflush(stdout);
    }
    begun_ = now_;
    for (uint64_t i = 0; i < options_.idle_cycles; ++i) cycle();
    finish();
    output_.close();
    stats_.close();
    if (!output_ || !stats_) throw Failure(Failure::kUsage, "cannot write the output files");
}

void Bench::cycle() {
    drive();
    top_.clk_i = 0;
    top_.eval();
#if VM_TRACE
    if (trace_) trace_->dump(context_.time());
#endif
    sample();
    top_.clk_i = 1;
    top_.eval();
    context_.timeInc(1);
#if VM_TRACE
    if (trace_) trace_->dump(context_.time());
#endif
    context_.timeInc(1);
    if (context_.gotError()) fail(Failure::kAssertion, "an assertion of the design failed");
    if (context_.gotFinish()) fail(Failure::kAssertion, "the design called $finish");
    ++now_;
}

// A beat that was offered stays until it is taken; between beats tdata is junk.
void Bench::drive() {
    const size_t bytes = options_.act_bytes;
    const bool more = (options_.next_input || turns_.known()) && beats_in_ < options_.count * options_.turns.in();
    if (!offered_ && more && !chance(options_.stall_in)) {
        offered_ = true;
        if (!loaded_) put_port(top_.s_axis_tdata, &input_[beats_in_ * bytes], bytes);
        loaded_ = true;
    } else if (!offered_) {
        for (auto& byte : beat_) byte = static_cast<uint8_t>(random_());
        put_port(top_.s_axis_tdata, beat_.data(), bytes);
        loaded_ = false;
    }
    top_.s_axis_tvalid = offered_;
    top_.m_axis_tready = !chance(options_.stall_out);
}

void Bench::sample() {
    const bool receiving = beats_in_ < due_in();
    const bool due = options_.next_input ? !receiving : !turns_.into();
    sample_input();
    const Signs seen = signs(top_);
    if (beats_in_ > done_ * options_.turns.in()) {
        if (top_.m_axis_tvalid && !due) fail(Failure::kProtocol, "m_axis_tvalid is up while beats in are due");
        sample_signs(seen);
        if (options_.next_input && receiving) ++record_[kExposed];
    } else if (top_.m_axis_tvalid) {
        fail(Failure::kProtocol, "m_axis_tvalid is up with no inference under way");
    } else if (seen.done || seen.broadcasts) {
        fail(Failure::kProtocol, "a step is done or something is broadcast with no inference under way");
    }
    sample_output();
    if (beats_in_ == options_.count * options_.turns.in() && done_ == options_.count) return;
    if (now_ - since_ > options_.max_cycles) {
        fail(Failure::kWatchdog, "nothing completed in " + std::to_string(options_.max_cycles) + " cycles ("
                                     + std::to_string(beats_in_ - done_ * options_.turns.in()) + " beats in, "
                                     + std::to_string(steps_done_) + " steps done, " + std::to_string(beats_out_)
                                     + " beats out)");
    }
}

void Bench::sample_input() {
    if (!top_.s_axis_tready) return;
    if (!may_take()) fail(Failure::kProtocol, "s_axis_tready is up while beats out are due");
    if (!offered_) return;
    if (beats_in_ == done_ * options_.turns.in()) begun_ = since_ = now_;
    ++beats_in_;
    if (!options_.next_input) turns_.taken();
    offered_ = loaded_ = false;
}

// The next inference's beats in may come while one is under way, and no more.
bool Bench::may_take() const {
    return options_.next_input ? beats_in_ < due_in() + options_.turns.in() : turns_.into();
}

void Bench::sample_signs(const Signs& seen) {
    ++record_[seen.counts ? kCycles : kTransfer];
    record_[kBroadcasts] += seen.broadcasts;
    record_[kStalls] += seen.stalls;
    if (!seen.counts && (seen.done || seen.broadcasts)) {
        fail(Failure::kProtocol, "a step is done or something is broadcast in a cycle that does not count");
    }
    if (!seen.done) return;
    if (steps_done_ == options_.steps) fail(Failure::kProtocol, "more steps are done than there are");
    record_[kCounters + steps_done_++] = record_[kCycles];
}

void Bench::sample_output() {
    const size_t bytes = options_.act_bytes;
    const bool valid = top_.m_axis_tvalid, last = top_.m_axis_tlast;
    if (stalled_) {
        if (!valid) fail(Failure::kProtocol, "m_axis_tvalid fell before tready came");
        if (last != held_last_) fail(Failure::kProtocol, "m_axis_tlast changed while stalled");
        if (!same_port(top_.m_axis_tdata, held_.data(), bytes)) {
            fail(Failure::kProtocol, "m_axis_tdata changed while stalled");
        }
    }
    stalled_ = valid && !top_.m_axis_tready;
    if (!valid) return;
    if (stalled_) {
        get_port(top_.m_axis_tdata, held_.data(), bytes);
        held_last_ = last;
        return;
    }
    get_port(top_.m_axis_tdata, &result_[beats_out_++ * bytes], bytes);
    if (last != (beats_out_ == options_.turns.out())) {
        fail(Failure::kProtocol, std::string("m_axis_tlast is ") + (last ? "up" : "down") + " on output beat "
                                     + std::to_string(beats_out_) + " of " + std::to_string(options_.turns.out()));
    }
    if (!options_.next_input) turns_.taken();
    if (last) complete();
}

void Bench::complete() {
    if (steps_done_ != options_.steps) {
        fail(Failure::kProtocol, std::to_string(steps_done_) + " steps were done, there are "
                                     + std::to_string(options_.steps));
    }
    output_.write(reinterpret_cast<const char*>(result_.data()), static_cast<std::streamsize>(result_.size()));
    stats_.write(reinterpret_cast<const char*>(record_.data()),
                 static_cast<std::streamsize>(record_.size() * sizeof(int64_t)));
    record_.assign(record_.size(), 0);
    beats_out_ = steps_done_ = 0;
    since_ = now_;
    if (options_.next_input) begun_ = now_ + 1;
    ++done_;
}
