#include "server/database/song_search.h"

#include "core/utf8.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>

namespace heart::server::database::search {
namespace {

/// Marks that people leave out when they search, and that the writing can do without. Those of other scripts are vowels.
bool is_optional_mark(utf8proc_int32_t code) {
    const auto within = [code](utf8proc_int32_t first, utf8proc_int32_t last) { return code >= first && code <= last; };
    return within(0x0300, 0x036f) || within(0x0591, 0x05c7) || within(0x064b, 0x065f) || code == 0x0670 ||
           within(0x1ab0, 0x1aff) || within(0x1dc0, 0x1dff) || within(0x20d0, 0x20ff);
}

bool is_space(utf8proc_int32_t code) {
    switch (utf8proc_category(code)) {
        case UTF8PROC_CATEGORY_ZS:
        case UTF8PROC_CATEGORY_ZL:
        case UTF8PROC_CATEGORY_ZP:
        case UTF8PROC_CATEGORY_CC: return true;
        default: return false;
    }
}

std::string valid_utf8(std::string_view text) {
    std::string valid;
    valid.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const Utf8Char c = decode_utf8(text, i);
        append_utf8(valid, c.length == 0 ? 0xfffd : c.code);
        i += std::max<std::size_t>(c.length, 1);
    }
    return valid;
}

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// A word or text in pieces that an index of whole tokens can hold: every character and every pair of neighbours within a
/// line's words, as their code points in hexadecimal ("65 65x74 74"), each once.
std::string pairs_of(std::string_view text) {
    std::set<std::string> pairs;
    std::string before;
    for (std::size_t i = 0; i < text.size();) {
        const Utf8Char c = decode_utf8(text, i);
        i += std::max<std::size_t>(c.length, 1);
        if (is_space(static_cast<utf8proc_int32_t>(c.code))) {
            before.clear();
            continue;
        }
        std::string now = fmt::format("{:x}", c.code);
        if (!before.empty()) pairs.insert(fmt::format("{}x{}", before, now));
        before = std::move(now);
        pairs.insert(before);
    }
    return fmt::format("{}", fmt::join(pairs, " "));
}

/// The token of a word of one or two characters.
std::string pair_of(std::string_view word) {
    const Utf8Char first = decode_utf8(word, 0);
    if (first.length == word.size()) return fmt::format("{:x}", first.code);
    return fmt::format("{:x}x{:x}", first.code, decode_utf8(word, first.length).code);
}

std::optional<std::int64_t> number_of(soci::session& session, std::string_view song_id) {
    Query query(session, "SELECT number FROM generations WHERE id = :id", "i");
    query.with("id", song_id);
    if (!query.next()) return {};
    return query.integer();
}

/// Takes a song's text out of both indices: they keep none and must be told what they hold.
void take_out(soci::session& session, std::int64_t number) {
    std::string text;
    {
        Query query(session, "SELECT text FROM song_texts WHERE number = :number", "t");
        query.with("number", number);
        if (!query.next()) return;
        text = query.text();
    }
    Query(session, "INSERT INTO song_pieces (song_pieces, rowid, text) VALUES ('delete', :number, :text)")
        .with("number", number)
        .with("text", text)
        .run();
    Query(session, "INSERT INTO song_pairs (song_pairs, rowid, pairs) VALUES ('delete', :number, :pairs)")
        .with("number", number)
        .with("pairs", pairs_of(text))
        .run();
    Query(session, "DELETE FROM song_texts WHERE number = :number").with("number", number).run();
}

}  // namespace

std::string fold(std::string_view text) {
    const std::string valid = valid_utf8(text);
    const auto options = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
                                                        UTF8PROC_CASEFOLD | UTF8PROC_IGNORE);
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(valid.data());
    const auto size = static_cast<utf8proc_ssize_t>(valid.size());
    std::vector<utf8proc_int32_t> codes(valid.size() + 1);
    utf8proc_ssize_t count = utf8proc_decompose(bytes, size, codes.data(), size, options);
    if (count > size) {
        codes.resize(static_cast<std::size_t>(count) + 1);
        count = utf8proc_decompose(bytes, size, codes.data(), count, options);
    }
    if (count < 0) throw Error(ErrorCode::internal, "text cannot be folded").found(utf8proc_errmsg(count));
    codes.resize(static_cast<std::size_t>(count));

    std::erase_if(codes, is_optional_mark);
    std::replace_if(codes.begin(), codes.end(), is_space, utf8proc_int32_t{' '});
    codes.erase(std::unique(codes.begin(), codes.end(), [](auto a, auto b) { return a == ' ' && b == ' '; }), codes.end());

    const auto kept = static_cast<utf8proc_ssize_t>(codes.size());
    codes.push_back(0);  // room for the end that reencode writes; UTF-8 needs no more bytes than code points did
    const utf8proc_ssize_t length =
        utf8proc_reencode(codes.data(), kept, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    if (length < 0) throw Error(ErrorCode::internal, "text cannot be folded").found(utf8proc_errmsg(length));
    return {reinterpret_cast<const char*>(codes.data()), static_cast<std::size_t>(length)};
}

std::vector<std::string> words(std::string_view search) {
    if (search.size() > kMostBytes) {
        throw Error(ErrorCode::limit, "the search is too long")
            .expected(fmt::format("at most {} bytes", kMostBytes))
            .found(fmt::format("{}", search.size()));
    }
    if (search.find('\0') != std::string_view::npos || find_invalid_utf8(search) != std::string_view::npos) {
        throw Error(ErrorCode::usage, "the search is not valid text").expected("UTF-8 without NUL");
    }
    const std::string folded = fold(search);
    std::vector<std::string> found;
    for (std::size_t at = 0; at < folded.size();) {
        const std::size_t end = std::min(folded.find(' ', at), folded.size());
        if (end > at) found.push_back(folded.substr(at, end - at));
        at = end + 1;
    }
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    if (found.size() > kMostWords) {
        throw Error(ErrorCode::limit, "the search has too many words")
            .expected(fmt::format("at most {}", kMostWords))
            .found(fmt::format("{}", found.size()));
    }
    return found;
}

std::string condition(const std::vector<std::string>& words) {
    // The plus keeps the planner on the index that the page is in the order of: it holds all that is asked for.
    std::string sql;
    const auto is_long = [](const std::string& word) { return characters(word) >= 3; };
    if (std::any_of(words.begin(), words.end(), is_long)) {
        sql += " AND +g.number IN (SELECT rowid FROM song_pieces WHERE song_pieces MATCH :pieces)";
    }
    if (!std::all_of(words.begin(), words.end(), is_long)) {
        sql += " AND +g.number IN (SELECT rowid FROM song_pairs WHERE song_pairs MATCH :pairs)";
    }
    return sql;
}

void bind(Query& query, const std::vector<std::string>& words) {
    std::string pieces, pairs;
    for (const std::string& word : words) {
        if (characters(word) < 3) {
            pairs += (pairs.empty() ? "\"" : " \"") + pair_of(word) + '"';
            continue;
        }
        // In quotes nothing but the quotation mark, which is doubled, means anything to the index.
        pieces += pieces.empty() ? "\"" : " \"";
        for (const char c : word) pieces += c == '"' ? "\"\"" : std::string(1, c);
        pieces += '"';
    }
    if (!pieces.empty()) query.with("pieces", pieces);
    if (!pairs.empty()) query.with("pairs", pairs);
}

void create(soci::session& session) {
    for (const char* statement : {
             "CREATE TABLE song_texts (number INTEGER PRIMARY KEY REFERENCES generations (number) ON DELETE CASCADE, "
             "text TEXT NOT NULL)",
             "CREATE VIRTUAL TABLE song_pieces USING fts5(text, content = 'song_texts', content_rowid = 'number', "
             "tokenize = 'trigram case_sensitive 1')",
             "CREATE VIRTUAL TABLE song_pairs USING fts5(pairs, content = '', detail = none, tokenize = 'ascii')",
         }) {
        Query(session, statement).run();
    }
}

void remove(soci::session& session, std::string_view song_id) {
    if (const auto number = number_of(session, song_id)) take_out(session, *number);
}

void put(soci::session& session, std::string_view song_id, std::string_view title, std::string_view tags,
         std::string_view lyrics) {
    const auto number = number_of(session, song_id);
    if (!number) return;
    take_out(session, *number);
    // Words never hold a line's end, so none is found across the parts.
    const std::string folded_title = fold(title);
    const std::string text = folded_title + "\n" + fold(tags) + "\n" + fold(lyrics);
    Query(session, "UPDATE generations SET sort_title = :title WHERE number = :number")
        .with("title", folded_title)
        .with("number", *number)
        .run();
    Query(session, "INSERT INTO song_texts (number, text) VALUES (:number, :text)")
        .with("number", *number)
        .with("text", text)
        .run();
    Query(session, "INSERT INTO song_pieces (rowid, text) VALUES (:number, :text)")
        .with("number", *number)
        .with("text", text)
        .run();
    Query(session, "INSERT INTO song_pairs (rowid, pairs) VALUES (:number, :pairs)")
        .with("number", *number)
        .with("pairs", pairs_of(text))
        .run();
}

void put_missing(soci::session& session) {
    struct Text {
        std::string id, title, tags, lyrics;
    };
    for (;;) {
        std::vector<Text> some;
        Query query(session,
                    "SELECT g.id, CAST(g.title AS TEXT), CAST(g.tags AS TEXT), CAST(g.lyrics AS TEXT) FROM generations g "
                    "LEFT JOIN song_texts t ON t.number = g.number WHERE t.number IS NULL LIMIT 500",
                    "tttt");
        while (query.next()) {
            Text& text = some.emplace_back();
            text.id = query.text();
            text.title = query.text();
            text.tags = query.text();
            text.lyrics = query.text();
        }
        if (some.empty()) return;
        for (const Text& text : some) put(session, text.id, text.title, text.tags, text.lyrics);
    }
}

}  // namespace heart::server::database::search
