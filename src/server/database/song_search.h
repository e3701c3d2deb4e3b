#pragma once

#include "server/database/query.h"

#include <string>
#include <string_view>
#include <vector>

namespace heart::server::database::search {

/// Text as it is compared: NFKC, no case, without the marks that Latin, Greek, Cyrillic, Hebrew and Arabic writing may leave
/// out ("Ünï" is "uni"), runs of white space one space. Takes any bytes: invalid ones become U+FFFD.
[[nodiscard]] std::string fold(std::string_view text);

/// The words of a search, folded. Throws ErrorCode::limit for more than kMostWords or kMostBytes, ErrorCode::usage for text
/// that is not UTF-8.
constexpr std::size_t kMostWords = 32, kMostBytes = 1000;
[[nodiscard]] std::vector<std::string> words(std::string_view search);

/// The part of a WHERE that holds generations (as `g`) to all of these words, each as it is.
[[nodiscard]] std::string condition(const std::vector<std::string>& words);
void bind(Query& query, const std::vector<std::string>& words);

/// Makes what searching needs beside the table generations: song_texts, which holds folded text, an index of its pieces of
/// three characters for words at least that long, and one of its characters and pairs for shorter ones. They are not kept by
/// triggers: connections that trust no schema may not run them on such indices. Numbers of songs are never given twice, so
/// what is left of one in an index matches nothing.
void create(soci::session& session);
/// Puts a song's text into both, or the new one in the old one's place.
void put(soci::session& session, std::string_view song_id, std::string_view title, std::string_view tags,
         std::string_view lyrics);
/// Takes it out, before the song is removed.
void remove(soci::session& session, std::string_view song_id);
/// Puts the text of all songs in that have none yet.
void put_missing(soci::session& session);

}  // namespace heart::server::database::search
