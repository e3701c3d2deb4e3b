#include "formats/pickle.h"

#include "core/error.h"
#include "core/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <variant>

namespace heart::formats {

namespace {

// Limits of a pickle from a stranger. PyTorch writes about 300 bytes and 26 values for each tensor, a thousand tensors at a
// time, and nests four deep.
constexpr std::size_t kMaxBytes = 64'000'000;
constexpr std::size_t kMaxValues = 1 << 21;  // made by all instructions together
constexpr std::size_t kMaxStack = 1 << 18;
constexpr std::size_t kMaxMarks = 256;
constexpr std::size_t kMaxMemo = 1 << 20;
constexpr std::size_t kMaxTextBytes = 65'535;
constexpr std::size_t kMaxNameBytes = 256;  // of a global name's line
constexpr std::size_t kMaxPickledTensors = 65'536;
constexpr std::size_t kMaxPickledRank = 8;
constexpr unsigned kLeastProtocol = 2, kLastProtocol = 5;  // later ones add instructions, which are refused one by one

/// The instructions that occur, by their byte.
enum Op : std::uint8_t {
    kMark = '(',
    kStop = '.',
    kBinInt = 'J',
    kBinInt1 = 'K',
    kBinInt2 = 'M',
    kNone = 'N',
    kBinPersId = 'Q',
    kReduce = 'R',
    kBinUnicode = 'X',
    kEmptyTuple = ')',
    kEmptyDict = '}',
    kBuild = 'b',
    kGlobal = 'c',
    kBinGet = 'h',
    kLongBinGet = 'j',
    kBinPut = 'q',
    kLongBinPut = 'r',
    kSetItem = 's',
    kTuple = 't',
    kSetItems = 'u',
    kProto = 0x80,
    kTuple1 = 0x85,
    kTuple2 = 0x86,
    kTuple3 = 0x87,
    kNewTrue = 0x88,
    kNewFalse = 0x89,
    kLong1 = 0x8a,
};

/// A name that a pickle may use. None is ever looked up anywhere but here.
struct KnownName {
    enum class Kind { ordered_dict, rebuild_tensor, storage };
    std::string_view module, name;
    Kind kind;
    DType dtype = DType::f32;  ///< of a storage's elements
};

constexpr std::array<KnownName, 9> kNames{{{"collections", "OrderedDict", KnownName::Kind::ordered_dict},
                                           {"torch._utils", "_rebuild_tensor_v2", KnownName::Kind::rebuild_tensor},
                                           {"torch", "FloatStorage", KnownName::Kind::storage, DType::f32},
                                           {"torch", "HalfStorage", KnownName::Kind::storage, DType::f16},
                                           {"torch", "BFloat16Storage", KnownName::Kind::storage, DType::bf16},
                                           {"torch", "DoubleStorage", KnownName::Kind::storage, DType::f64},
                                           {"torch", "LongStorage", KnownName::Kind::storage, DType::i64},
                                           {"torch", "IntStorage", KnownName::Kind::storage, DType::i32},
                                           {"torch", "BoolStorage", KnownName::Kind::storage, DType::boolean}}};

// What stands on the stack. Values that hold others are numbers into the machine's lists, so that copies are cheap, and a
// tuple that holds another one twice, and so on, sixty times over, takes sixty tuples' memory.
struct None {};
struct Text {
    std::string_view text;
};
struct Global {
    const KnownName* known;
};
struct Tuple {
    std::uint32_t first, count;  ///< among `elements_`
};
struct Dict {
    std::uint32_t number;  ///< among `dicts_`
};
struct Storage {
    std::uint32_t number;  ///< among `storages_`
};
struct Tensor {
    std::uint32_t number;  ///< among `tensors_`
};
/// std::monostate: nothing is there, in the memo.
using Value = std::variant<std::monostate, None, bool, std::int64_t, Text, Global, Tuple, Dict, Storage, Tensor>;

struct DictContents {
    bool is_ordered;
    std::vector<std::pair<std::string_view, Value>> items;
};

struct StorageContents {
    DType dtype;
    std::string_view key;
    std::uint64_t elements;
};

class Machine {
public:
    Machine(std::span<const std::byte> pickle, std::string_view what) : bytes_(pickle), what_(printable(what)) {}

    std::map<std::string, PickledTensor> run() {
        if (bytes_.size() > kMaxBytes) throw limit("the pickle", kMaxBytes, "bytes");
        if (number<std::uint8_t>() != kProto) throw malformed("not a pickle").expected("a protocol number at its start");
        const unsigned protocol = number<std::uint8_t>();
        if (protocol < kLeastProtocol || protocol > kLastProtocol) {
            throw unsupported("a pickle of another protocol")
                .expected(fmt::format("protocol {} to {}", kLeastProtocol, kLastProtocol))
                .found(std::to_string(protocol));
        }
        while (true) {
            instruction_ = position_;
            const auto op = number<std::uint8_t>();
            if (op == kStop) return result();
            step(op);
        }
    }

private:
    void step(std::uint8_t op);
    void step_of_containers(std::uint8_t op);
    std::map<std::string, PickledTensor> result();

    // --- messages -------------------------------------------------------------------------------------------------------

    [[nodiscard]] Error error(ErrorCode code, std::string_view text) const {
        return {code, fmt::format("{}: {} (at byte {})", what_, text, instruction_)};
    }
    [[nodiscard]] Error malformed(std::string_view text) const { return error(ErrorCode::malformed, text); }
    [[nodiscard]] Error unsupported(std::string_view text) const { return error(ErrorCode::unsupported, text); }
    [[nodiscard]] Error limit(std::string_view of, std::size_t most, const char* unit) const {
        return error(ErrorCode::limit, fmt::format("too much for {}", of))
            .expected(fmt::format("at most {} {}", most, unit));
    }

    // --- the program ----------------------------------------------------------------------------------------------------

    std::span<const std::byte> take(std::size_t n) {
        if (n > bytes_.size() - position_) {
            throw malformed("the pickle ends before its end").hint("is the file complete?");
        }
        const auto part = bytes_.subspan(position_, n);
        position_ += n;
        return part;
    }

    template <typename T>
    T number() {
        T value{};
        std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
        return value;
    }

    std::string_view text(std::size_t n) {
        const auto part = take(n);
        return {reinterpret_cast<const char*>(part.data()), part.size()};
    }

    std::string_view line() {
        const auto rest = bytes_.subspan(position_, std::min(bytes_.size() - position_, kMaxNameBytes));
        const auto end = std::find(rest.begin(), rest.end(), std::byte{'\n'});
        if (end == rest.end()) throw malformed("a name without an end");
        const std::string_view out = text(static_cast<std::size_t>(end - rest.begin()));
        take(1);
        return out;
    }

    /// Two's complement, the lowest byte first; bytes beyond 64 bits may only repeat the sign.
    std::int64_t long_number() {
        const auto digits = take(number<std::uint8_t>());
        if (digits.empty()) return 0;
        const std::byte sign = (digits.back() & std::byte{0x80}) != std::byte{} ? std::byte{0xff} : std::byte{0};
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof value; ++i) {
            value |= std::to_integer<std::uint64_t>(i < digits.size() ? digits[i] : sign) << (8 * i);
        }
        const auto out = static_cast<std::int64_t>(value);
        for (std::size_t i = sizeof value; i < digits.size(); ++i) {
            if (digits[i] != sign || (out < 0) != (sign != std::byte{0})) throw limit("a number", 64, "bits");
        }
        return out;
    }

    std::string_view unicode() {
        const auto n = number<std::uint32_t>();
        if (n > kMaxTextBytes) throw limit("a text", kMaxTextBytes, "bytes");
        const std::string_view out = text(n);
        if (find_invalid_utf8(out) != std::string_view::npos) {
            throw malformed("a text is not UTF-8").found(printable(out, 60));
        }
        return out;
    }

    Global global() {
        const std::string_view module = line(), name = line();
        for (const KnownName& known : kNames) {
            if (known.module == module && known.name == name) return {&known};
        }
        throw unsupported("the pickle wants something that is not part of a tensor")
            .expected("dictionaries and tensors")
            .found(fmt::format("'{}.{}'", printable(module), printable(name)))
            .hint("whole models and training states are not read: only their weights");
    }

    // --- the stack ------------------------------------------------------------------------------------------------------

    void push(Value value) {
        if (stack_.size() >= kMaxStack) throw limit("the stack", kMaxStack, "values");
        if (++values_ > kMaxValues) throw limit("the pickle's values", kMaxValues, "of them");
        stack_.push_back(value);
    }

    /// Values above the last mark.
    [[nodiscard]] std::size_t reachable() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }

    [[nodiscard]] Value& top() {
        if (reachable() == 0) throw malformed("the stack is empty");
        return stack_.back();
    }

    Value pop() {
        const Value out = top();
        stack_.pop_back();
        return out;
    }

    template <typename T>
    T pop(const char* expected) {
        const Value value = pop();
        const T* out = std::get_if<T>(&value);
        if (out == nullptr) throw malformed("another kind of value is needed here").expected(expected);
        return *out;
    }

    void mark() {
        if (marks_.size() >= kMaxMarks) throw limit("what is nested", kMaxMarks, "levels");
        marks_.push_back(stack_.size());
    }

    /// Takes the last mark away; how many values were above it.
    std::size_t pop_mark() {
        if (marks_.empty()) throw malformed("there is no mark");
        const std::size_t n = reachable();
        marks_.pop_back();
        return n;
    }

    void remember(std::size_t number) {
        if (number >= kMaxMemo) throw limit("the memo", kMaxMemo, "values");
        const Value value = top();
        if (memo_.size() <= number) memo_.resize(number + 1);
        memo_[number] = value;
    }

    void recall(std::size_t number) {
        if (number >= memo_.size() || std::holds_alternative<std::monostate>(memo_[number])) {
            throw malformed("a value is recalled that was not remembered").found(std::to_string(number));
        }
        push(memo_[number]);
    }

    // --- containers and tensors -----------------------------------------------------------------------------------------

    void make_tuple(std::size_t n) {
        if (reachable() < n) throw malformed("the stack is empty");
        const Tuple out{static_cast<std::uint32_t>(elements_.size()), static_cast<std::uint32_t>(n)};
        elements_.insert(elements_.end(), stack_.end() - static_cast<std::ptrdiff_t>(n), stack_.end());
        stack_.resize(stack_.size() - n);
        push(out);
    }

    void make_dict(bool is_ordered) {
        const Dict out{static_cast<std::uint32_t>(dicts_.size())};
        dicts_.push_back({is_ordered, {}});
        push(out);
    }

    /// The last `n` values, key behind value behind key, go into the dictionary below them.
    void set_items(std::size_t n) {
        if (n % 2 != 0) throw malformed("a key without a value");
        if (reachable() < n + 1) throw malformed("the stack is empty");
        const std::size_t first = stack_.size() - n;
        const Dict* into = std::get_if<Dict>(&stack_[first - 1]);
        if (into == nullptr) throw malformed("items for something else than a dictionary");
        for (std::size_t i = first; i < stack_.size(); i += 2) {
            const Text* key = std::get_if<Text>(&stack_[i]);
            if (key == nullptr) throw unsupported("a dictionary with keys that are not texts");
            dicts_[into->number].items.emplace_back(key->text, stack_[i + 1]);
        }
        stack_.resize(first);
    }

    void build() {
        pop();  // the state: versions of modules
        const Dict* object = std::get_if<Dict>(&top());
        if (object == nullptr || !dicts_[object->number].is_ordered) {
            throw unsupported("a state for something else than an OrderedDict");
        }
    }

    [[nodiscard]] std::span<const Value> elements(Tuple tuple) const {
        return std::span(elements_).subspan(tuple.first, tuple.count);
    }

    void persistent_id() {
        const auto id = elements(pop<Tuple>("a storage's description"));
        const auto* kind = id.size() == 5 ? std::get_if<Text>(&id[0]) : nullptr;
        if (kind == nullptr || kind->text != "storage") throw unsupported("a reference to something else than a storage");
        const auto* type = std::get_if<Global>(&id[1]);
        const auto *key = std::get_if<Text>(&id[2]), *device = std::get_if<Text>(&id[3]);
        const auto* count = std::get_if<std::int64_t>(&id[4]);
        if (type == nullptr || type->known->kind != KnownName::Kind::storage || key == nullptr || device == nullptr ||
            count == nullptr || *count < 0) {
            throw malformed("a storage that is not described").expected("its type, name, device and number of elements");
        }
        if (!is_plain_file_name(key->text)) {
            throw malformed("a storage's name is no name of a record").found(fmt::format("'{}'", printable(key->text, 60)));
        }
        const Storage out{static_cast<std::uint32_t>(storages_.size())};
        storages_.push_back({type->known->dtype, key->text, static_cast<std::uint64_t>(*count)});
        push(out);
    }

    void reduce() {
        const auto arguments = elements(pop<Tuple>("a tuple of arguments"));
        const KnownName& callee = *pop<Global>("a name").known;
        if (callee.kind == KnownName::Kind::rebuild_tensor) return make_tensor(arguments);
        if (callee.kind != KnownName::Kind::ordered_dict || !arguments.empty()) {
            throw unsupported("a call that is not part of a tensor").found(std::string(callee.name));
        }
        make_dict(true);
    }

    std::vector<std::uint64_t> sizes(const Value& value, const char* what) const {
        const auto refuse = [&] {
            return malformed(fmt::format("a tensor's {} are wrong", what)).expected("a tuple of numbers, none negative");
        };
        const auto* tuple = std::get_if<Tuple>(&value);
        if (tuple == nullptr) throw refuse();
        if (tuple->count > kMaxPickledRank) throw limit("a tensor", kMaxPickledRank, "dimensions");
        std::vector<std::uint64_t> out;
        for (const Value& v : elements(*tuple)) {
            const auto* n = std::get_if<std::int64_t>(&v);
            if (n == nullptr || *n < 0) throw refuse();
            out.push_back(static_cast<std::uint64_t>(*n));
        }
        return out;
    }

    /// _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks). What it may have behind
    /// these marks numbers as negated or conjugated, and is refused.
    void make_tensor(std::span<const Value> arguments) {
        if (arguments.size() != 6) {
            throw unsupported("a tensor of another form")
                .expected("6 arguments of _rebuild_tensor_v2")
                .found(std::to_string(arguments.size()));
        }
        const auto* storage = std::get_if<Storage>(&arguments[0]);
        const auto* offset = std::get_if<std::int64_t>(&arguments[1]);
        const auto* hooks = std::get_if<Dict>(&arguments[5]);
        if (storage == nullptr || offset == nullptr || *offset < 0 || !std::holds_alternative<bool>(arguments[4]) ||
            hooks == nullptr || !dicts_[hooks->number].items.empty()) {
            throw malformed("a tensor that is not described").expected("storage, offset, sizes, strides, a flag, no hooks");
        }
        if (tensors_.size() >= kMaxPickledTensors) throw limit("the pickle", kMaxPickledTensors, "tensors");
        const StorageContents& from = storages_[storage->number];
        PickledTensor tensor{from.dtype, std::string(from.key), from.elements, static_cast<std::uint64_t>(*offset), {}, {}};
        tensor.shape = sizes(arguments[2], "sizes");
        tensor.strides = sizes(arguments[3], "strides");
        if (tensor.shape.size() != tensor.strides.size()) {
            throw malformed("a tensor with a stride too many or too few")
                .expected(std::to_string(tensor.shape.size()))
                .found(std::to_string(tensor.strides.size()));
        }
        const Tensor out{static_cast<std::uint32_t>(tensors_.size())};
        tensors_.push_back(std::move(tensor));
        push(out);
    }

    std::span<const std::byte> bytes_;
    std::string what_;
    std::size_t position_ = 0, instruction_ = 0, values_ = 0;
    std::vector<Value> stack_, memo_, elements_;
    std::vector<std::size_t> marks_;  ///< heights of the stack
    std::vector<DictContents> dicts_;
    std::vector<StorageContents> storages_;
    std::vector<PickledTensor> tensors_;
};

void Machine::step(std::uint8_t op) {
    switch (op) {
        case kNone: return push(None{});
        case kNewTrue: return push(true);
        case kNewFalse: return push(false);
        case kBinInt: return push(std::int64_t{number<std::int32_t>()});
        case kBinInt1: return push(std::int64_t{number<std::uint8_t>()});
        case kBinInt2: return push(std::int64_t{number<std::uint16_t>()});
        case kLong1: return push(long_number());
        case kBinUnicode: return push(Text{unicode()});
        case kGlobal: return push(global());
        case kBinPut: return remember(number<std::uint8_t>());
        case kLongBinPut: return remember(number<std::uint32_t>());
        case kBinGet: return recall(number<std::uint8_t>());
        case kLongBinGet: return recall(number<std::uint32_t>());
        default: return step_of_containers(op);
    }
}

void Machine::step_of_containers(std::uint8_t op) {
    switch (op) {
        case kMark: return mark();
        case kTuple: return make_tuple(pop_mark());
        case kEmptyTuple: return make_tuple(0);
        case kTuple1: return make_tuple(1);
        case kTuple2: return make_tuple(2);
        case kTuple3: return make_tuple(3);
        case kEmptyDict: return make_dict(false);
        case kSetItem: return set_items(2);
        case kSetItems: return set_items(pop_mark());
        case kBuild: return build();
        case kBinPersId: return persistent_id();
        case kReduce: return reduce();
        default: throw unsupported("the pickle has an instruction that no tensor needs").found(fmt::format("{:#04x}", op));
    }
}

/// The dictionary that the program leaves.
std::map<std::string, PickledTensor> Machine::result() {
    if (position_ != bytes_.size()) throw malformed("bytes are left over after the pickle");
    const Dict whole = pop<Dict>("a dictionary from names to tensors");
    if (!stack_.empty() || !marks_.empty()) throw malformed("values are left over after the pickle");
    const auto& items = dicts_[whole.number].items;
    if (items.size() > kMaxPickledTensors) throw limit("the pickle", kMaxPickledTensors, "tensors");
    std::map<std::string, PickledTensor> out;
    for (const auto& [name, value] : items) {
        const auto* tensor = std::get_if<Tensor>(&value);
        if (tensor == nullptr) {
            throw unsupported(fmt::format("'{}' is not a tensor", printable(name)))
                .expected("a dictionary from names to tensors")
                .hint("training states are not read: only weights");
        }
        if (!out.emplace(name, tensors_[tensor->number]).second) {
            throw malformed(fmt::format("tensor '{}' stands there twice", printable(name)));
        }
    }
    return out;
}

}  // namespace

std::map<std::string, PickledTensor> unpickle_tensors(std::span<const std::byte> pickle, std::string_view what) {
    return Machine(pickle, what).run();
}

}  // namespace heart::formats
