#include "server/database/query.h"

#include "core/utf8.h"

#include <utility>

namespace heart::server::database {

Query::Query(soci::session& session, const std::string& sql, std::string_view columns) : statement_(session), sql_(sql) {
    statement_.alloc();
    for (const char kind : columns) {
        Value& value = out_.emplace_back();
        value.kind = kind;
        switch (kind) {
            case 't': statement_.exchange(soci::into(value.text, value.state)); break;
            case 'i': statement_.exchange(soci::into(value.integer, value.state)); break;
            case 'r': statement_.exchange(soci::into(value.real, value.state)); break;
            default: throw Error(ErrorCode::internal, "a column of unknown kind");
        }
    }
}

Query::~Query() = default;

Query& Query::with(const char* name, std::string_view text) {
    if (text.find('\0') != std::string_view::npos || find_invalid_utf8(text) != std::string_view::npos) {
        throw Error(ErrorCode::usage, "text for the database is not valid").expected("UTF-8 without NUL");
    }
    Value& value = in_.emplace_back();
    value.text = text;
    statement_.exchange(soci::use(std::as_const(value.text), name));
    return *this;
}

Query& Query::with(const char* name, double number) {
    Value& value = in_.emplace_back();
    value.real = number;
    statement_.exchange(soci::use(std::as_const(value.real), name));
    return *this;
}

Query& Query::with_integer(const char* name, long long number) {
    Value& value = in_.emplace_back();
    value.integer = number;
    statement_.exchange(soci::use(std::as_const(value.integer), name));
    return *this;
}

Query& Query::with(const char* name, const std::optional<TimeMs>& time) {
    Value& value = in_.emplace_back();
    value.integer = time.value_or(0);
    value.state = time ? soci::i_ok : soci::i_null;
    statement_.exchange(soci::use(std::as_const(value.integer), value.state, name));
    return *this;
}

Query& Query::with_or_null(const char* name, std::string_view text) {
    if (!text.empty()) return with(name, text);
    Value& value = in_.emplace_back();
    value.state = soci::i_null;
    statement_.exchange(soci::use(std::as_const(value.text), value.state, name));
    return *this;
}

void Query::bind() {
    statement_.prepare(sql_);
    statement_.define_and_bind();
    bound_ = true;
}

bool Query::next() {
    at_ = 0;
    if (!bound_) {
        bind();
        more_ = statement_.execute(true);
    } else if (more_) {
        more_ = statement_.fetch();
    }
    return more_;
}

Query::Value& Query::column(char kind) {
    ensure(more_ && at_ < out_.size() && out_[at_].kind == kind, "a column is read as it was declared");
    return out_[at_++];
}

std::string Query::text() {
    Value& value = column('t');
    return value.state == soci::i_null ? std::string() : std::exchange(value.text, {});
}

std::int64_t Query::integer() {
    const Value& value = column('i');
    return value.state == soci::i_null ? 0 : value.integer;
}

double Query::real() {
    const Value& value = column('r');
    return value.state == soci::i_null ? 0 : value.real;
}

bool Query::null() const {
    ensure(more_ && at_ < out_.size(), "there is a column to look at");
    return out_[at_].state == soci::i_null;
}

std::optional<TimeMs> Query::time() {
    if (null()) {
        ++at_;
        return {};
    }
    return integer();
}

std::int64_t Query::run() {
    bind();
    statement_.execute(true);
    return statement_.get_affected_rows();
}

}  // namespace heart::server::database
