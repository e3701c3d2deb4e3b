#include "engine/codes_journal.h"

#include "core/error.h"
#include "formats/digest.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

namespace heart::engine {

namespace {

constexpr std::chrono::seconds kSyncEvery(1);
constexpr std::int64_t kMostFrames = 1'000'000;  // 22 hours of song

Error refused(const std::filesystem::path& file, const char* what) {
    return Error(ErrorCode::io, fmt::format("cannot {} the journal of codes '{}'", what, printable(file.string())))
        .found(std::generic_category().message(errno));
}

void append_number(std::string& out, std::uint32_t number) {
    for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(number >> shift & 0xFFU);
}

std::uint32_t number_at(const std::string& text, std::size_t at) {
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < 4; ++i)
        out |= static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i])) << (8 * i);
    return out;
}

std::string read_all(int descriptor, std::size_t most) {
    std::string out;
    std::array<char, 1 << 16> block{};
    while (out.size() < most) {
        const ssize_t got = ::read(descriptor, block.data(), std::min(block.size(), most - out.size()));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;  // what cannot be read is composed again
        out.append(block.data(), static_cast<std::size_t>(got));
    }
    return out;
}

}  // namespace

CodesJournal::CodesJournal(std::filesystem::path file, const JournalSubject& subject)
    : file_(std::move(file)), codebooks_(subject.codebooks), synced_(std::chrono::steady_clock::now()) {
    descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (descriptor_ < 0) throw refused(file_, "open");
    const std::string head = fmt::format("heart codes 1 {} {}\n", codebooks_, subject.key);
    const std::size_t record = static_cast<std::size_t>(codebooks_ + 1) * 4;
    const std::string text = read_all(descriptor_, head.size() + record * static_cast<std::size_t>(kMostFrames));
    try {
        if (text.starts_with(head)) {
            take_known(text, head.size());
        } else {
            if (::ftruncate(descriptor_, 0) != 0) throw refused(file_, "empty");
            put(head, 0);
            end_ = static_cast<std::int64_t>(head.size());
        }
        if (::ftruncate(descriptor_, end_) != 0) throw refused(file_, "shorten");
    } catch (...) {
        ::close(descriptor_);
        throw;
    }
}

CodesJournal::~CodesJournal() {
    ::close(descriptor_);
}

std::string CodesJournal::record_of(std::int64_t number, const heartmula::Frame& frame) const {
    std::string out;
    append_number(out, static_cast<std::uint32_t>(number));
    for (const std::int32_t code : frame) append_number(out, static_cast<std::uint32_t>(code));
    const uLong sum = ::crc32(0, reinterpret_cast<const Bytef*>(out.data()), static_cast<uInt>(out.size()));
    out.erase(0, 4);  // the number is where the record stands
    append_number(out, static_cast<std::uint32_t>(sum));
    return out;
}

/// Frames behind byte `at`, up to the first that is torn.
void CodesJournal::take_known(const std::string& text, std::size_t at) {
    const std::size_t record = static_cast<std::size_t>(codebooks_ + 1) * 4;
    for (; at + record <= text.size(); at += record) {
        heartmula::Frame frame;
        for (std::size_t q = 0; q < static_cast<std::size_t>(codebooks_); ++q) {
            frame.push_back(static_cast<std::int32_t>(number_at(text, at + 4 * q)));
        }
        if (text.compare(at, record, record_of(frames_, frame)) != 0) break;
        known_.push_back(std::move(frame));
        ++frames_;
    }
    end_ = static_cast<std::int64_t>(at);
}

void CodesJournal::put(const std::string& bytes, std::int64_t at) {
    for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t wrote =
            ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done, at + static_cast<std::int64_t>(done));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) throw refused(file_, "write");
        done += static_cast<std::size_t>(wrote);
    }
}

void CodesJournal::append(const heartmula::Frame& frame) {
    ensure(static_cast<std::int64_t>(frame.size()) == codebooks_, "a frame has one code of each codebook");
    const std::string record = record_of(frames_, frame);
    put(record, end_);
    end_ += static_cast<std::int64_t>(record.size());
    ++frames_;
    const auto now = std::chrono::steady_clock::now();
    if (now - synced_ >= kSyncEvery) {
        if (::fdatasync(descriptor_) != 0) throw refused(file_, "sync");
        synced_ = now;
    }
}

namespace {

std::string hash_of(std::string_view text) {
    return formats::sha256(formats::Bytes::borrow(std::as_bytes(std::span(text))));
}

/// Sizes of the weights, and what stands at places that are spread evenly over them.
std::string sample_of(const formats::Checkpoint& checkpoint) {
    constexpr std::size_t kPlaces = 1024, kBytes = 64;
    std::string out;
    for (const auto& file : checkpoint.weight_files()) {
        const std::string_view text = file.bytes.text();
        out += fmt::format("{} {}\n", file.name, text.size());
        const std::size_t step = std::max(text.size() / kPlaces, kBytes);
        for (std::size_t at = 0; at < text.size(); at += step) out += text.substr(at, kBytes);
        file.bytes.release(file.bytes.view());
    }
    return out;
}

}  // namespace

JournalSubject journal_subject(const CheckpointSet& set, const EngineOptions& options, const std::string& device,
                               const SongRequest& request) {
    const formats::Checkpoint model = set.language_model();
    const auto config = heartmula::Config::parse(model.config(), model.describe() + "/config.json");
    nlohmann::ordered_json what{{"lyrics", request.lyrics},
                                {"tags", request.tags},
                                {"max_audio_length_ms", request.max_audio_length_ms},
                                {"topk", request.topk},
                                {"temperature", request.temperature},
                                {"cfg_scale", request.cfg_scale},
                                {"seed", request.seed.value_or(0)},
                                {"take", request.take},
                                {"mula_dtype", type_label(options.language_model_type)},
                                {"kv_dtype", type_label(cache_type_of(options))},
                                {"device", device},
                                {"config", model.config()},
                                {"weights", hash_of(sample_of(model))}};
    // Only where there is one: journals of songs without are those that they were.
    if (request.reference && request.reference->has_effect()) {
        what["reference"] = embedding_sha256(entering(*request.reference));
    }
    return {hash_of(what.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)), config.codebooks};
}

}  // namespace heart::engine
