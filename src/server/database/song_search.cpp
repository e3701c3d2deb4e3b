#include "server/database/song_search.h"

#include "core/utf8.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

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

std::string name_of(std::size_t word) {
    return fmt::format("word{}", word);
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
    std::string sql;
    bool indexed = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (characters(words[i]) >= 3) {
            indexed = true;
        } else {
            sql += fmt::format(" AND instr(t.text, :{}) > 0", name_of(i));
        }
    }
    if (indexed) sql += " AND t.number IN (SELECT rowid FROM song_search WHERE song_search MATCH :pieces)";
    return sql;
}

void bind(Query& query, const std::vector<std::string>& words) {
    std::string pieces;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (characters(words[i]) < 3) {
            query.with(name_of(i).c_str(), words[i]);
            continue;
        }
        // In quotes nothing but the quotation mark, which is doubled, means anything to the index.
        pieces += pieces.empty() ? "\"" : " \"";
        for (const char c : words[i]) pieces += c == '"' ? "\"\"" : std::string(1, c);
        pieces += '"';
    }
    if (!pieces.empty()) query.with("pieces", pieces);
}

void create(soci::session& session) {
    // Numbers are never given twice: what the index still holds of a song that went with its user matches nothing.
    Query(session,
          "CREATE TABLE song_texts (number INTEGER PRIMARY KEY AUTOINCREMENT, "
          "song_id TEXT NOT NULL UNIQUE REFERENCES generations (id) ON DELETE CASCADE, title TEXT NOT NULL, "
          "text TEXT NOT NULL)")
        .run();
    Query(session,
          "CREATE VIRTUAL TABLE song_search USING fts5(text, content = 'song_texts', content_rowid = 'number', "
          "tokenize = 'trigram case_sensitive 1')")
        .run();
}

void remove(soci::session& session, std::string_view song_id) {
    Query(session,
          "INSERT INTO song_search (song_search, rowid, text) "
          "SELECT 'delete', number, text FROM song_texts WHERE song_id = :id")
        .with("id", song_id)
        .run();
    Query(session, "DELETE FROM song_texts WHERE song_id = :id").with("id", song_id).run();
}

void put(soci::session& session, std::string_view song_id, std::string_view title, std::string_view tags,
         std::string_view lyrics) {
    remove(session, song_id);
    // Words never hold a line's end, so none is found across the parts.
    const std::string folded_title = fold(title);
    Query(session, "INSERT INTO song_texts (song_id, title, text) VALUES (:id, :title, :text)")
        .with("id", song_id)
        .with("title", folded_title)
        .with("text", folded_title + "\n" + fold(tags) + "\n" + fold(lyrics))
        .run();
    Query(session, "INSERT INTO song_search (rowid, text) SELECT number, text FROM song_texts WHERE song_id = :id")
        .with("id", song_id)
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
                    "LEFT JOIN song_texts t ON t.song_id = g.id WHERE t.number IS NULL LIMIT 500",
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
