#include "text/bpe.h"

#include "core/error.h"
#include "core/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>
#include <utility>

namespace heart::text {

namespace {

constexpr bool printable_in_latin1(unsigned byte) {
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/// Printable Latin-1 characters stand for themselves; the other bytes, in order, for U+0100, U+0101, ...
constexpr std::array<std::uint32_t, 256> make_byte_level_alphabet() {
    std::array<std::uint32_t, 256> alphabet{};
    std::uint32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) alphabet[byte] = printable_in_latin1(byte) ? byte : next++;
    return alphabet;
}

constexpr std::array<std::uint32_t, 256> kByteLevelAlphabet = make_byte_level_alphabet();

std::string byte_level_spelling(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const char c : bytes) append_utf8(out, byte_level_character(static_cast<unsigned char>(c)));
    return out;
}

constexpr std::uint32_t kNone = 0xffffffff;

/// A token of the piece so far; a linked list, because merging removes from the middle.
struct Symbol {
    std::int32_t id;
    std::uint32_t previous, next;
};

/// A merge that was possible when it was found. Others may have consumed its symbols since.
struct Candidate {
    std::uint32_t rank, left;
    /// Orders a max-heap so that the lowest rank, then the leftmost place, comes out first.
    [[nodiscard]] bool operator<(const Candidate& o) const noexcept {
        return rank != o.rank ? rank > o.rank : left > o.left;
    }
};

/// One piece while its merges are applied.
class Word {
public:
    Word(std::vector<Symbol> symbols, const MergeTable& merges) : symbols_(std::move(symbols)), merges_(merges) {
        std::vector<Candidate> first;
        for (std::uint32_t i = 0; i + 1 < symbols_.size(); ++i) {
            if (const auto* m = merges_.find(symbols_[i].id, symbols_[i + 1].id)) first.push_back({m->rank, i});
        }
        candidates_ = std::priority_queue<Candidate>({}, std::move(first));
    }

    void merge_all() {
        while (!candidates_.empty()) {
            const Candidate best = candidates_.top();
            candidates_.pop();
            merge(best);
        }
    }

    void append_ids(std::vector<std::int32_t>& ids) const {
        for (std::uint32_t i = 0; i != kNone; i = symbols_[i].next) ids.push_back(symbols_[i].id);
    }

private:
    static constexpr std::int32_t kConsumed = -1;

    void merge(const Candidate& candidate) {
        Symbol& left = symbols_[candidate.left];
        if (left.id == kConsumed || left.next == kNone) return;
        Symbol& right = symbols_[left.next];
        const MergeTable::Merge* rule = merges_.find(left.id, right.id);
        if (rule == nullptr || rule->rank != candidate.rank) return;  // the pair here is no longer the one that was found

        left.id = rule->id;
        left.next = right.next;
        right.id = kConsumed;
        if (left.next != kNone) symbols_[left.next].previous = candidate.left;
        if (left.previous != kNone) consider(left.previous);
        consider(candidate.left);
    }

    void consider(std::uint32_t at) {
        const Symbol& left = symbols_[at];
        if (left.next == kNone) return;
        if (const auto* m = merges_.find(left.id, symbols_[left.next].id)) candidates_.push({m->rank, at});
    }

    std::vector<Symbol> symbols_;
    const MergeTable& merges_;
    std::priority_queue<Candidate> candidates_;
};

}  // namespace

const MergeTable::Merge* MergeTable::find(std::int32_t left, std::int32_t right) const noexcept {
    const auto it = merges_.find(key(left, right));
    return it == merges_.end() ? nullptr : &it->second;
}

std::size_t MergeTable::KeyHash::operator()(std::uint64_t key) const noexcept {
    key = (key ^ (key >> 32)) * 0x9e3779b97f4a7c15ULL;
    return static_cast<std::size_t>(key ^ (key >> 29));
}

std::uint64_t MergeTable::key(std::int32_t left, std::int32_t right) noexcept {
    return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) | static_cast<std::uint32_t>(right);
}

std::uint32_t byte_level_character(unsigned char byte) noexcept {
    return kByteLevelAlphabet[byte];
}

Bpe::Bpe(Vocabulary vocabulary, MergeTable merges, bool ignore_merges)
    : vocabulary_(std::move(vocabulary)), merges_(std::move(merges)), ignore_merges_(ignore_merges) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        const char raw = static_cast<char>(byte);
        byte_ids_[byte] = id_of(byte_level_spelling({&raw, 1})).value_or(-1);
    }
}

std::optional<std::int32_t> Bpe::id_of(std::string_view token) const {
    const auto it = vocabulary_.find(token);
    if (it == vocabulary_.end()) return std::nullopt;
    return it->second;
}

void Bpe::encode(std::string_view piece, std::vector<std::int32_t>& ids) const {
    if (piece.empty()) return;
    ensure(piece.size() < kNone, "a piece is longer than its positions can count");
    if (ignore_merges_) {
        if (const auto whole = id_of(byte_level_spelling(piece))) {
            ids.push_back(*whole);
            return;
        }
    }
    encode_by_merges(piece, ids);
}

void Bpe::encode_by_merges(std::string_view piece, std::vector<std::int32_t>& ids) const {
    std::vector<Symbol> symbols;
    symbols.reserve(piece.size());
    for (std::uint32_t i = 0; i < piece.size(); ++i) {
        const auto byte = static_cast<unsigned char>(piece[i]);
        if (byte_ids_[byte] < 0) {
            throw Error(ErrorCode::unsupported, "the tokenizer cannot spell this text")
                .expected("a token for each of the 256 bytes")
                .found(fmt::format("none for the byte 0x{:02x}", byte));
        }
        symbols.push_back({byte_ids_[byte], i == 0 ? kNone : i - 1, i + 1 == piece.size() ? kNone : i + 1});
    }
    Word word(std::move(symbols), merges_);
    word.merge_all();
    word.append_ids(ids);
}

}  // namespace heart::text
