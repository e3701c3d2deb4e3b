#pragma once

#include "formats/json.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heart::formats {

/// Reads typed fields of a model's config.json. Every error names the file, the field, what was expected and what stands
/// there (ErrorCode::malformed); a value outside its range is ErrorCode::limit.
class ConfigReader {
public:
    /// `where` is for messages ("HeartMuLa-oss-3B/config.json"). `object` must outlive the reader.
    ConfigReader(const Json& object, std::string where);

    [[nodiscard]] bool has(const char* key) const;
    /// Whether it stands there and is not null.
    [[nodiscard]] bool has_value(const char* key) const;
    [[nodiscard]] std::int64_t integer(const char* key, std::int64_t least, std::int64_t most) const;
    [[nodiscard]] std::int64_t integer_or(const char* key, std::int64_t otherwise, std::int64_t least,
                                          std::int64_t most) const;
    [[nodiscard]] double number(const char* key, double least, double most) const;
    [[nodiscard]] double number_or(const char* key, double otherwise, double least, double most) const;
    [[nodiscard]] bool boolean(const char* key) const;
    [[nodiscard]] std::string string(const char* key) const;
    [[nodiscard]] std::vector<std::int64_t> integers(const char* key, std::size_t max_count, std::int64_t least,
                                                     std::int64_t most) const;
    /// A nested object.
    [[nodiscard]] ConfigReader object(const std::string& key) const;

    [[nodiscard]] const std::string& where() const noexcept { return where_; }

private:
    [[nodiscard]] const Json& value(const char* key, std::string_view expected) const;
    [[nodiscard]] std::int64_t in_range(const Json& value, const char* key, std::int64_t least, std::int64_t most) const;

    const Json* object_;
    std::string where_;
};

}  // namespace heart::formats
