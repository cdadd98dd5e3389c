// emcc_board: a board made of software. emcc_uart_top, with a serial line at its pins that ends in a pseudo-terminal.
//
//   emcc_board --div N                       opens a pseudo-terminal and prints "port NAME"; runs until it is killed
//   emcc_board --div N --lockstep            for tests, on standard input and output: takes {length, 4 bytes, lowest
//                                            first; bytes}, lets the design run until the line is idle, and gives what
//                                            came, in the same form. No time passes meanwhile, so nothing depends on it.
//
// Runs in the artefact's folder, where the ROM images are found. The design's clock runs as fast as it can, and stands
// still while nothing crosses the line and the array does not run. Exit codes: 2 wrong use, 3 an assertion failed.

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vemcc_uart_top.h"
#include "line.h"
#include "verilated.h"

namespace {
constexpr int kResetCycles = 16, kUse = 2, kAssertion = 3;
constexpr unsigned kQuietBytes = 64;  // of line time without a change after which nothing more is expected

struct Options {
    unsigned div = 0;
    bool lockstep = false;
};

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--lockstep") options.lockstep = true;
        else if (name == "--div" && i + 1 < argc) options.div = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
        else throw std::invalid_argument("unknown option " + name);
    }
    if (options.div < 4) throw std::invalid_argument("--div wants the clocks of a bit, 4 or more");
    return options;
}

class Board {
public:
    explicit Board(unsigned div) : div_(div), sender_(div), receiver_(div) {
        context_.fatalOnError(false);
        context_.randReset(2);
        context_.randSeed(1);
        top_ = new Vemcc_uart_top(&context_, "emcc_uart_top");
        top_->rx_i = 1;
        top_->rst_ni = 0;
        for (int i = 0; i < kResetCycles; ++i) clock();
        top_->rst_ni = 1;
    }
    ~Board() {
        top_->final();
        delete top_;
    }
    Board(const Board&) = delete;
    Board& operator=(const Board&) = delete;

    bool ready() const { return sender_.idle(); }
    void send(uint8_t byte) {
        sender_.start(byte);
        quiet_ = 0;
    }
    // Nothing has crossed the line for a while, and the array does not run.
    bool quiet() const { return quiet_ >= kQuietBytes * 10 * div_; }
    // One clock cycle; whether a byte came.
    bool cycle(uint8_t& byte) {
        top_->rx_i = sender_.cycle();
        clock();
        const bool busy = !sender_.idle() || !receiver_.idle() || !top_->tx_o;
        quiet_ = busy ? 0 : quiet_ + 1;
        return receiver_.cycle(top_->tx_o, byte);
    }
    bool runs() const { return top_->led_o >> 1 & 1; }

private:
    void clock() {
        top_->clk_i = 0;
        top_->eval();
        top_->clk_i = 1;
        top_->eval();
        context_.timeInc(2);
        if (context_.gotError()) throw std::runtime_error("an assertion of the design failed");
    }

    VerilatedContext context_;
    Vemcc_uart_top* top_;
    unsigned div_;
    Sender sender_;
    Receiver receiver_;
    uint64_t quiet_ = 0;
};

bool read_all(uint8_t* data, size_t size) {
    while (size) {
        const ssize_t got = read(STDIN_FILENO, data, size);
        if (got <= 0) return false;
        data += got;
        size -= static_cast<size_t>(got);
    }
    return true;
}

void write_all(int file, const uint8_t* data, size_t size) {
    // Where nobody reads, a line loses what it carries.
    for (int patience = 100; size && patience;) {
        const ssize_t put = write(file, data, size);
        if (put <= 0) {
            --patience;
            pollfd wait{file, POLLOUT, 0};
            poll(&wait, 1, 10);
            continue;
        }
        data += put;
        size -= static_cast<size_t>(put);
    }
}

void lockstep(Board& board) {
    uint8_t head[4];
    while (read_all(head, sizeof head)) {
        std::vector<uint8_t> in(head[0] | head[1] << 8 | head[2] << 16 | static_cast<size_t>(head[3]) << 24), out(4);
        if (!read_all(in.data(), in.size())) return;
        size_t at = 0;
        uint8_t byte = 0;
        do {
            if (at < in.size() && board.ready()) board.send(in[at++]);
            if (board.cycle(byte)) out.push_back(byte);
        } while (at < in.size() || !board.quiet());
        const size_t size = out.size() - 4;
        for (int i = 0; i < 4; ++i) out[static_cast<size_t>(i)] = static_cast<uint8_t>(size >> 8 * i);
        write_all(STDOUT_FILENO, out.data(), out.size());
    }
}

int open_terminal() {
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master)) throw std::runtime_error("there is no pseudo-terminal");
    const char* const name = ptsname(master);
    // Raw from the first byte on, and held open: it would report the end of a host's use as an error.
    const int slave = open(name, O_RDWR | O_NOCTTY);
    termios raw;
    if (slave < 0 || tcgetattr(slave, &raw)) throw std::runtime_error("there is no pseudo-terminal");
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    fcntl(master, F_SETFL, O_NONBLOCK);
    std::printf("port %s\n", name);
    std::fflush(stdout);
    return master;
}

void terminal(Board& board, int file) {
    uint8_t byte = 0, buffer[256];
    ssize_t have = 0, at = 0;
    std::vector<uint8_t> out;
    for (;;) {
        if (at == have && board.ready()) {
            const bool still = board.quiet() && !board.runs();
            if (still) {
                pollfd wait{file, POLLIN, 0};
                poll(&wait, 1, -1);
            }
            have = read(file, buffer, sizeof buffer);
            at = 0;
            if (have < 0) have = 0;
        }
        if (at < have && board.ready()) board.send(buffer[at++]);
        // A few bits' worth of cycles between looks at the terminal: a system call costs more than they do.
        for (int i = 0; i < 64 && (i == 0 || !board.ready() || at == have); ++i) {
            if (board.cycle(byte)) out.push_back(byte);
        }
        if (!out.empty()) {
            write_all(file, out.data(), out.size());
            out.clear();
        }
    }
}
}  // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse(argc, argv);
        Board board(options.div);
        if (options.lockstep) lockstep(board);
        else terminal(board, open_terminal());
        return 0;
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "emcc_board: %s\n", error.what());
        return kUse;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "emcc_board: %s\n", error.what());
        return kAssertion;
    }
}
