// Whose turn it is on the streams: so many beats in, so many out, and so on round an inference.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

class Turns {
public:
    Turns() = default;
    // "+12,-3,+3,-2": 12 beats in, 3 out (what a part of the host reads), 3 in (what it answers), 2 out.
    explicit Turns(const std::string& text) {
        const char* at = text.c_str();
        for (bool more = true; more;) {
            char* end = nullptr;
            const bool into = *at == '+';
            const uint64_t beats = into || *at == '-' ? std::strtoull(at + 1, &end, 10) : 0;
            if (!beats || (*end && *end != ',') || (turns_.empty() ? !into : into == turns_.back().into)) {
                throw std::invalid_argument("--turns wants numbers with + and - in turn, + first, not " + text);
            }
            turns_.push_back({into, beats});
            (into ? in_ : out_) += beats;
            more = *end == ',';
            at = end + 1;
        }
        if (turns_.back().into) throw std::invalid_argument("--turns ends with beats in: " + text);
    }

    uint64_t in() const { return in_; }    // beats in of an inference
    uint64_t out() const { return out_; }  // beats out of an inference
    size_t count() const { return turns_.size(); }
    bool into() const { return turns_[turn_].into; }
    // Whether the next beat in is known: it is none that answers what is still to come out.
    bool known() const { return into() || turn_ + 1 == turns_.size(); }
    // A beat of this turn was taken.
    void taken() {
        if (++beats_ < turns_[turn_].beats) return;
        beats_ = 0;
        turn_ = (turn_ + 1) % turns_.size();
    }

private:
    struct Turn {
        bool into;
        uint64_t beats;
    };
    std::vector<Turn> turns_;
    size_t turn_ = 0;
    uint64_t beats_ = 0, in_ = 0, out_ = 0;
};
