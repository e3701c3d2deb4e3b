#pragma once

#include "server/database/query.h"
#include "server/database/songs.h"
#include "server/database/users.h"

#include <string_view>

namespace heart::server::database {

// How rows become structs and back; each list of columns stands beside the function that reads it, in the same order.

void insert_user(soci::session& session, const User& user);
void insert_song(soci::session& session, const Song& song);

/// The columns title, lyrics, tags, max_audio_length_ms, temperature, topk, cfg_scale, seed and take ("tttiririi"), which
/// jobs and songs share, and the values :title, :lyrics, :tags, :length, :temperature, :topk, :cfg, :seed and :take.
[[nodiscard]] SongSettings read_settings(Query& query);
Query& bind_settings(Query& query, const SongSettings& settings);

constexpr std::string_view kSongColumns =
    "g.id, g.user_id, g.request_id, g.title, g.lyrics, g.tags, g.max_audio_length_ms, g.temperature, g.topk, g.cfg_scale, "
    "g.seed, g.take, g.audio_path, g.thumbnail_path, g.duration_ms, g.frames, g.recipe, g.favourite, g.rating, "
    "g.created_at, g.deleted_at, g.tag_similarity";
constexpr std::string_view kSongKinds = "ttttttiririittiitiitir";
[[nodiscard]] Song read_song(Query& query);

/// The part of a WHERE that holds rows of generations (as `g`) to an owner, bound as :user; an empty one is nobody.
[[nodiscard]] std::string_view owned_by(std::string_view user_id);
void bind_owner(Query& query, std::string_view user_id);

}  // namespace heart::server::database
