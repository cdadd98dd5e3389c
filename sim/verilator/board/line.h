// A serial line at the pins of a design, bit by bit, as what is at a computer's end sees and drives it.
#pragma once

#include <cstdint>
#include <deque>

// Drives rx_i: a byte is a start bit, 8 data bits and a stop bit of `div` clocks each.
class Sender {
public:
    explicit Sender(unsigned div) : div_(div) {}
    bool idle() const { return !left_ && !wait_; }
    void start(uint8_t byte) {
        bits_ = static_cast<unsigned>(byte) << 1 | 1u << 9;
        left_ = 10;
        wait_ = div_;
    }
    // The level in this clock cycle.
    bool cycle() {
        if (!left_) return true;
        const bool level = bits_ & 1;
        if (!--wait_) {
            bits_ >>= 1;
            wait_ = --left_ ? div_ : 0;
        }
        return level;
    }

private:
    unsigned div_, bits_ = 0, left_ = 0, wait_ = 0;
};

// Looks at tx_o in every clock cycle; a byte is seen in the middle of its stop bit.
class Receiver {
public:
    explicit Receiver(unsigned div) : div_(div) {}
    bool idle() const { return !left_; }
    // Whether a byte is complete; it is in `byte`. A byte without a stop bit is none.
    bool cycle(bool level, uint8_t& byte) {
        if (!left_) {
            if (level) return false;
            left_ = 10;
            wait_ = div_ / 2;
            return false;
        }
        if (--wait_) return false;
        wait_ = div_;
        bits_ = bits_ >> 1 | static_cast<unsigned>(level) << 9;
        if (--left_) return false;
        byte = static_cast<uint8_t>(bits_ >> 1);
        return level;
    }

private:
    unsigned div_, bits_ = 0, left_ = 0, wait_ = 0;
};
