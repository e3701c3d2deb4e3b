#pragma once

#include "core/error.h"
#include "server/database/database.h"

#include <soci/soci.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace heart::server::database {

/// One statement with copies of all its parameters, so that nothing that is bound can be gone when it runs. Values are only
/// ever bound (":name" in the text), never written into it.
class Query {
public:
    /// `columns`: what the statement returns, a letter a column: t text, i integer, r real. NULL reads as "", 0, 0.0.
    Query(soci::session& session, const std::string& sql, std::string_view columns = {});
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    ~Query();

    /// Throws ErrorCode::usage for text that is not UTF-8 or holds a NUL: no column ever does.
    Query& with(const char* name, std::string_view text);
    Query& with(const char* name, std::integral auto number) { return with_integer(name, static_cast<long long>(number)); }
    Query& with(const char* name, double number);
    Query& with(const char* name, const std::optional<TimeMs>& time);  ///< none: NULL
    Query& with_or_null(const char* name, std::string_view text);      ///< empty: NULL

    /// The next row; its columns are read from left to right by the three below.
    bool next();
    std::string text();
    std::int64_t integer();
    double real();
    /// Whether the column that will be read next is NULL.
    [[nodiscard]] bool null() const;
    std::optional<TimeMs> time();  ///< an integer column, none for NULL

    /// Runs a statement that returns nothing; how many rows it changed.
    std::int64_t run();

private:
    struct Value {
        char kind = 't';
        std::string text;
        long long integer = 0;
        double real = 0;
        soci::indicator state = soci::i_ok;
    };
    Query& with_integer(const char* name, long long number);
    void bind();
    Value& column(char kind);

    soci::statement statement_;
    std::string sql_;
    std::deque<Value> in_, out_;
    std::size_t at_ = 0;
    bool bound_ = false, more_ = false;
};

}  // namespace heart::server::database
