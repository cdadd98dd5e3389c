// Inferences of file 1 into file 2 through emcc_hls_top, what CIRCT made of the emitted C. Files hold integers of 32
// bits. Arguments: the files, integers in and out of an inference, most cycles of one. Prints the cycles of each.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "Vemcc_hls_top.h"
#include "verilated.h"

namespace {

void cycle(Vemcc_hls_top &top) {
  top.clock = 0;
  top.eval();
  top.clock = 1;
  top.eval();
}

// Fill, start, wait; returns cycles from go to the end, or -1.
long inference(Vemcc_hls_top &top, const std::vector<int32_t> &x, std::vector<int32_t> &y, long most) {
  top.x_we = 1;
  for (size_t i = 0; i < x.size(); ++i) {
    top.x_at = static_cast<uint32_t>(i);
    top.x_in = static_cast<uint32_t>(x[i]);
    cycle(top);
  }
  top.x_we = 0;
  top.go = 1;
  long cycles = 0;
  for (; cycles < most && !top.busy; ++cycles) cycle(top);
  top.go = 0;
  for (; cycles < most && top.busy; ++cycles) cycle(top);
  for (size_t i = 0; i < y.size(); ++i) {
    top.y_at = static_cast<uint32_t>(i);
    top.eval();
    y[i] = static_cast<int32_t>(top.y_out);
  }
  return cycles < most ? cycles : -1;
}

}  // namespace

int main(int argc, char **argv) {
  FILE *in = argc == 6 ? std::fopen(argv[1], "rb") : nullptr;
  FILE *out = argc == 6 ? std::fopen(argv[2], "wb") : nullptr;
  if (in == nullptr || out == nullptr) return 2;
  std::vector<int32_t> x(std::strtoul(argv[3], nullptr, 10)), y(std::strtoul(argv[4], nullptr, 10));
  // Registers without a reset begin with random bits.
  auto context = std::make_unique<VerilatedContext>();
  context->randReset(2);
  context->randSeed(1);
  auto top = std::make_unique<Vemcc_hls_top>(context.get());
  top->x_we = 0;
  top->go = 0;
  top->reset = 1;
  for (int i = 0; i < 4; ++i) cycle(*top);
  top->reset = 0;
  while (std::fread(x.data(), sizeof x[0], x.size(), in) == x.size()) {
    const long cycles = inference(*top, x, y, std::strtol(argv[5], nullptr, 10));
    if (cycles < 0) return 3;
    std::printf("%ld\n", cycles);
    if (std::fwrite(y.data(), sizeof y[0], y.size(), out) != y.size()) return 4;
  }
  return std::fclose(out) != 0;
}
