#pragma once

#include "server/database/database.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::database {

/// What songs may be asked to sound like: the embedding of a sound that a user brought, or of a song. The sound is not kept.
struct KeptReference {
    std::string id, user_id;
    std::string source;             ///< what the user calls it: a file's name, a song's title
    double start = 0, seconds = 0;  ///< the piece of it
    std::string model, licence;     ///< of the model that made the embedding; licence: may be empty
    std::vector<float> embedding;
    TimeMs created = 0;
};

/// What sounds like what: kept references, what songs are in an embedding model's space, and which songs wait to be put
/// there. What is here goes with its song or user.
class Likeness {
public:
    explicit Likeness(Database& database) : db_(database) {}

    // --- references ---
    static constexpr std::int64_t kMostReferences = 50;  ///< of a user
    /// Adds it as the latest used. Beyond the limit the one that was used longest ago goes; never used ones count from when
    /// they were added.
    void add_reference(const KeptReference& reference);
    /// Newest first.
    [[nodiscard]] std::vector<KeptReference> references(std::string_view user_id) const;
    /// None also for somebody else's.
    [[nodiscard]] std::optional<KeptReference> reference(std::string_view user_id, std::string_view id) const;
    void reference_used(std::string_view user_id, std::string_view id);
    bool remove_reference(std::string_view user_id, std::string_view id);

    // --- embeddings of songs ---
    struct SongEmbedding {
        std::vector<float> values;
        std::string model;
        bool compared = false;  ///< with its tags as they are now, also where that gave nothing
    };
    [[nodiscard]] std::optional<SongEmbedding> embedding(std::string_view song_id) const;
    /// Stores the embedding of a song with these tags, and how well they go together; none: it cannot be said. Tags that
    /// are others by now are not taken as compared. False, and nothing done, when the song is gone.
    bool set_embedding(std::string_view song_id, const SongEmbedding& embedding, std::string_view tags,
                       std::optional<double> tag_similarity);

    struct Neighbour {
        std::string song_id;
        double similarity = 0;  ///< cosine
    };
    /// The songs of the user, outside the bin and without this one, whose embeddings by the same model are nearest to its,
    /// nearest first. Every one of them is looked at.
    [[nodiscard]] std::vector<Neighbour> nearest(std::string_view user_id, std::string_view song_id, std::size_t most) const;

    // --- songs that wait for their embedding ---
    struct Order {
        std::string song_id, user_id;
        int attempts = 0;   ///< starts whose process did not live to say how they ended
        std::string fault;  ///< one line for people, of one that failed; it does not wait any more
    };
    struct Limits {
        std::int64_t per_user = 100, all = 1000;  ///< songs that wait
    };
    /// Puts the song behind those that wait, unless it is there; one that failed waits again. False when too many wait.
    /// Nothing happens for a song that is gone. Without limits every song is taken.
    bool order(std::string_view song_id, std::string_view user_id, const std::optional<Limits>& limits);
    [[nodiscard]] std::optional<Order> order_of(std::string_view song_id) const;
    [[nodiscard]] bool orders_wait() const;
    /// The one that waits longest, its attempt counted; none when none waits.
    [[nodiscard]] std::optional<Order> next_order();
    /// It waits again in its old place, the attempt not counted.
    void put_back(std::string_view song_id);
    void order_done(std::string_view song_id);
    void order_failed(std::string_view song_id, std::string_view fault);

private:
    Database& db_;
};

}  // namespace heart::server::database
