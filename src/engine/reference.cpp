#include "engine/reference.h"

#include "core/error.h"
#include "formats/base64.h"
#include "formats/digest.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>

namespace heart::engine {

namespace {

static_assert(std::endian::native == std::endian::little, "embeddings are kept as the machine has them");

constexpr std::string_view kEmbedding = "reference_embedding", kSha256 = "reference_sha256", kSource = "reference_source",
                           kStrength = "reference_strength", kStart = "reference_start", kSeconds = "reference_seconds",
                           kModel = "reference_model", kLicence = "reference_licence";
constexpr std::size_t kMostText = 255;  // bytes, as of a file's name

/// The last part of a path, whichever system it is from: a recipe tells nobody how somebody's folders are called.
std::string_view last_part(std::string_view path) {
    return path.substr(path.find_last_of("/\\") + 1);  // npos + 1 is 0
}

Error damaged(std::string_view name) {
    return Error(ErrorCode::malformed, fmt::format("the recipe's {} is damaged", name));
}

class Reader {
public:
    explicit Reader(const Settings& settings) : settings_(settings) {}

    [[nodiscard]] const std::string* find(std::string_view name) const {
        for (const auto& [key, value] : settings_) {
            if (key == name) return &value;
        }
        return nullptr;
    }
    [[nodiscard]] std::string text(std::string_view name) const {
        const std::string* value = find(name);
        return value == nullptr ? "" : *value;
    }
    [[nodiscard]] double number(std::string_view name, double otherwise) const {
        const std::string* value = find(name);
        if (value == nullptr) return otherwise;
        double out = 0;
        const char* end = value->data() + value->size();
        const auto [rest, error] = std::from_chars(value->data(), end, out);
        if (error != std::errc() || rest != end || !std::isfinite(out)) {
            throw damaged(name).expected("a number").found(printable(*value, 40));
        }
        return out;
    }

private:
    const Settings& settings_;
};

std::vector<float> floats_of(const std::string& base64) {
    const auto bytes = formats::from_base64(base64);
    if (!bytes || bytes->empty() || bytes->size() % sizeof(float) != 0) {
        throw damaged(kEmbedding).expected("base64 of 32-bit floats");
    }
    std::vector<float> out(bytes->size() / sizeof(float));
    std::memcpy(out.data(), bytes->data(), bytes->size());
    return out;
}

}  // namespace

std::vector<float> entering(const Reference& reference) {
    if (!reference.has_effect()) return {};
    std::vector<float> out = reference.embedding;
    for (float& x : out) x = static_cast<float>(reference.strength * static_cast<double>(x));
    return out;
}

std::string embedding_sha256(std::span<const float> embedding) {
    return formats::sha256(formats::Bytes::borrow(std::as_bytes(embedding)));
}

Settings reference_settings(const Reference& r) {
    Settings out;
    const auto add_known = [&out](std::string_view name, std::string_view text) {
        if (!text.empty()) out.emplace_back(name, printable(text, kMostText));
    };
    add_known(kSource, last_part(r.source));
    if (r.seconds > 0) {
        out.emplace_back(kStart, fmt::format("{}", r.start));
        out.emplace_back(kSeconds, fmt::format("{}", r.seconds));
    }
    add_known(kModel, r.model);
    add_known(kLicence, r.licence);
    out.emplace_back(kStrength, fmt::format("{}", r.strength));
    out.emplace_back(kSha256, embedding_sha256(r.embedding));
    out.emplace_back(kEmbedding, formats::to_base64(std::as_bytes(std::span(r.embedding))));
    return out;
}

std::optional<Reference> reference_of(const Settings& settings) {
    const Reader in(settings);
    const std::string* embedding = in.find(kEmbedding);
    if (embedding == nullptr) return std::nullopt;
    Reference out;
    out.embedding = floats_of(*embedding);
    if (const std::string sum = embedding_sha256(out.embedding); sum != in.text(kSha256)) {
        throw damaged(kEmbedding).expected(fmt::format("SHA-256 {}", in.text(kSha256))).found(sum);
    }
    out.strength = in.number(kStrength, 1);
    out.source = in.text(kSource);
    out.start = in.number(kStart, 0);
    out.seconds = in.number(kSeconds, 0);
    out.model = in.text(kModel);
    out.licence = in.text(kLicence);
    return out;
}

}  // namespace heart::engine
