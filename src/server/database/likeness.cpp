#include "server/database/likeness.h"

#include "formats/base64.h"
#include "server/database/query.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>

namespace heart::server::database {
namespace {

constexpr const char* kReference =
    "SELECT id, user_id, source, start_seconds, seconds, model, licence, created_at, embedding FROM kept_references ";
constexpr const char* kReferenceKinds = "tttrrttit";
constexpr const char* kOrder = "SELECT song_id, user_id, attempts, fault FROM embedding_orders ";
constexpr const char* kOrderKinds = "ttit";

std::string stored(std::span<const float> values) {
    return formats::to_base64(std::as_bytes(values));
}

std::vector<float> floats_of(const std::string& text) {
    const auto bytes = formats::from_base64(text);
    if (!bytes || bytes->size() % sizeof(float) != 0) {
        throw Error(ErrorCode::malformed, "the database has a damaged embedding");
    }
    std::vector<float> out(bytes->size() / sizeof(float));
    if (!out.empty()) std::memcpy(out.data(), bytes->data(), bytes->size());
    return out;
}

KeptReference read_reference(Query& query) {
    KeptReference out;
    out.id = query.text();
    out.user_id = query.text();
    out.source = query.text();
    out.start = query.real();
    out.seconds = query.real();
    out.model = query.text();
    out.licence = query.text();
    out.created = query.integer();
    out.embedding = floats_of(query.text());
    return out;
}

Likeness::Order read_order(Query& query) {
    Likeness::Order out;
    out.song_id = query.text();
    out.user_id = query.text();
    out.attempts = static_cast<int>(query.integer());
    out.fault = query.text();
    return out;
}

std::optional<Likeness::Order> find_order(soci::session& session, std::string_view song_id) {
    Query query(session, std::string(kOrder) + "WHERE song_id = :song", kOrderKinds);
    query.with("song", song_id);
    if (!query.next()) return {};
    return read_order(query);
}

std::optional<Likeness::SongEmbedding> find_embedding(soci::session& session, std::string_view song_id) {
    Query query(session, "SELECT embedding, model, compared FROM song_embeddings WHERE song_id = :song", "tti");
    query.with("song", song_id);
    if (!query.next()) return {};
    Likeness::SongEmbedding out;
    out.values = floats_of(query.text());
    out.model = query.text();
    out.compared = query.integer() != 0;
    return out;
}

/// The song's tags as they are now; none: it is gone.
std::optional<std::string> find_tags(soci::session& session, std::string_view song_id) {
    Query query(session, "SELECT tags FROM generations WHERE id = :song", "t");
    query.with("song", song_id);
    if (!query.next()) return {};
    return query.text();
}

/// Songs that wait, of one user or (empty) of all.
std::int64_t waiting(soci::session& session, std::string_view user_id) {
    Query query(session,
                std::string("SELECT COUNT(*) FROM embedding_orders WHERE fault = ''") +
                    (user_id.empty() ? "" : " AND user_id = :user"),
                "i");
    if (!user_id.empty()) query.with("user", user_id);
    return query.next() ? query.integer() : 0;
}

double dot(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return sum;
}

void set_similarity(soci::session& session, std::string_view song_id, std::optional<double> similarity) {
    Query update(session, similarity ? "UPDATE generations SET tag_similarity = :similarity WHERE id = :song"
                                     : "UPDATE generations SET tag_similarity = NULL WHERE id = :song");
    if (similarity) update.with("similarity", *similarity);
    update.with("song", song_id).run();
}

/// The latest use of a user's references, and one more.
std::int64_t next_use(soci::session& session, std::string_view user_id) {
    Query query(session, "SELECT COALESCE(MAX(last_use), 0) + 1 FROM kept_references WHERE user_id = :user", "i");
    query.with("user", user_id);
    return query.next() ? query.integer() : 1;
}

}  // namespace

void Likeness::add_reference(const KeptReference& reference) {
    db_.write([&](soci::session& session) {
        Query(session,
              "INSERT INTO kept_references (id, user_id, source, start_seconds, seconds, model, licence, last_use, "
              "created_at, embedding) VALUES (:id, :user, :source, :start, :seconds, :model, :licence, :use, :created, "
              ":embedding)")
            .with("id", reference.id)
            .with("user", reference.user_id)
            .with("source", reference.source)
            .with("start", reference.start)
            .with("seconds", reference.seconds)
            .with("model", reference.model)
            .with("licence", reference.licence)
            .with("use", next_use(session, reference.user_id))
            .with("created", reference.created == 0 ? now_ms() : reference.created)
            .with("embedding", stored(reference.embedding))
            .run();
        Query(session,
              "DELETE FROM kept_references WHERE user_id = :user AND id NOT IN "
              "(SELECT id FROM kept_references WHERE user_id = :same ORDER BY last_use DESC LIMIT :most)")
            .with("user", reference.user_id)
            .with("same", reference.user_id)
            .with("most", kMostReferences)
            .run();
    });
}

std::vector<KeptReference> Likeness::references(std::string_view user_id) const {
    std::vector<KeptReference> out;
    db_.read([&](soci::session& session) {
        Query query(session, std::string(kReference) + "WHERE user_id = :user ORDER BY created_at DESC, last_use DESC",
                    kReferenceKinds);
        query.with("user", user_id);
        while (query.next()) out.push_back(read_reference(query));
    });
    return out;
}

std::optional<KeptReference> Likeness::reference(std::string_view user_id, std::string_view id) const {
    std::optional<KeptReference> found;
    db_.read([&](soci::session& session) {
        Query query(session, std::string(kReference) + "WHERE id = :id AND user_id = :user", kReferenceKinds);
        query.with("id", id).with("user", user_id);
        if (query.next()) found = read_reference(query);
    });
    return found;
}

void Likeness::reference_used(std::string_view user_id, std::string_view id) {
    db_.write([&](soci::session& session) {
        Query(session, "UPDATE kept_references SET last_use = :use WHERE id = :id AND user_id = :user")
            .with("use", next_use(session, user_id))
            .with("id", id)
            .with("user", user_id)
            .run();
    });
}

bool Likeness::remove_reference(std::string_view user_id, std::string_view id) {
    bool removed = false;
    db_.write([&](soci::session& session) {
        removed = Query(session, "DELETE FROM kept_references WHERE id = :id AND user_id = :user")
                      .with("id", id)
                      .with("user", user_id)
                      .run() == 1;
    });
    return removed;
}

std::optional<Likeness::SongEmbedding> Likeness::embedding(std::string_view song_id) const {
    std::optional<SongEmbedding> found;
    db_.read([&](soci::session& session) { found = find_embedding(session, song_id); });
    return found;
}

bool Likeness::set_embedding(std::string_view song_id, const SongEmbedding& embedding, std::string_view tags,
                             std::optional<double> tag_similarity) {
    bool set = false;
    db_.write([&](soci::session& session) {
        const auto now = find_tags(session, song_id);
        set = now.has_value();
        if (!set) return;
        const bool same = *now == tags;
        Query(session,
              "INSERT INTO song_embeddings (song_id, model, compared, made_at, embedding) "
              "VALUES (:song, :model, :compared, :now, :embedding) ON CONFLICT (song_id) DO UPDATE SET "
              "model = excluded.model, compared = excluded.compared, made_at = excluded.made_at, "
              "embedding = excluded.embedding")
            .with("song", song_id)
            .with("model", embedding.model)
            .with("compared", same)
            .with("now", now_ms())
            .with("embedding", stored(embedding.values))
            .run();
        set_similarity(session, song_id, same ? tag_similarity : std::nullopt);
    });
    return set;
}

std::vector<Likeness::Neighbour> Likeness::nearest(std::string_view user_id, std::string_view song_id,
                                                   std::size_t most) const {
    std::vector<Neighbour> out;
    db_.read([&](soci::session& session) {
        const auto own = find_embedding(session, song_id);
        if (!own) return;
        const double length = std::sqrt(dot(own->values, own->values));
        Query query(session,
                    "SELECT e.song_id, e.embedding FROM song_embeddings e JOIN generations g ON g.id = e.song_id "
                    "WHERE g.user_id = :user AND g.deleted_at IS NULL AND e.model = :model AND e.song_id <> :song",
                    "tt");
        query.with("user", user_id).with("model", own->model).with("song", song_id);
        while (query.next()) {
            Neighbour neighbour{query.text(), 0};
            const std::vector<float> other = floats_of(query.text());
            if (other.size() != own->values.size()) continue;
            const double both = length * std::sqrt(dot(other, other));
            if (both > 0) neighbour.similarity = dot(own->values, other) / both;
            out.push_back(std::move(neighbour));
        }
    });
    const auto nearer = [](const Neighbour& a, const Neighbour& b) {
        return a.similarity != b.similarity ? a.similarity > b.similarity : a.song_id < b.song_id;
    };
    const std::size_t kept = std::min(most, out.size());
    std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(kept), out.end(), nearer);
    out.resize(kept);
    return out;
}

bool Likeness::order(std::string_view song_id, std::string_view user_id, const std::optional<Limits>& limits) {
    bool taken = true;
    db_.write([&](soci::session& session) {
        const auto there = find_order(session, song_id);
        if ((there && there->fault.empty()) || !find_tags(session, song_id)) return;
        taken = !limits || (waiting(session, user_id) < limits->per_user && waiting(session, {}) < limits->all);
        if (!taken) return;
        // A new row, so that one that failed does not go before those that wait.
        Query(session, "DELETE FROM embedding_orders WHERE song_id = :song").with("song", song_id).run();
        Query(session, "INSERT INTO embedding_orders (song_id, user_id, asked_at) VALUES (:song, :user, :now)")
            .with("song", song_id)
            .with("user", user_id)
            .with("now", now_ms())
            .run();
    });
    return taken;
}

std::optional<Likeness::Order> Likeness::order_of(std::string_view song_id) const {
    std::optional<Order> found;
    db_.read([&](soci::session& session) { found = find_order(session, song_id); });
    return found;
}

bool Likeness::orders_wait() const {
    bool found = false;
    db_.read([&](soci::session& session) { found = waiting(session, {}) > 0; });
    return found;
}

std::optional<Likeness::Order> Likeness::next_order() {
    std::optional<Order> next;
    db_.write([&](soci::session& session) {
        Query query(session, std::string(kOrder) + "WHERE fault = '' ORDER BY number LIMIT 1", kOrderKinds);
        if (!query.next()) return;
        next = read_order(query);
        ++next->attempts;
        Query(session, "UPDATE embedding_orders SET attempts = :attempts WHERE song_id = :song")
            .with("attempts", next->attempts)
            .with("song", next->song_id)
            .run();
    });
    return next;
}

void Likeness::put_back(std::string_view song_id) {
    db_.write([&](soci::session& session) {
        Query(session, "UPDATE embedding_orders SET attempts = attempts - 1 WHERE song_id = :song AND attempts > 0")
            .with("song", song_id)
            .run();
    });
}

void Likeness::order_done(std::string_view song_id) {
    db_.write([&](soci::session& session) {
        Query(session, "DELETE FROM embedding_orders WHERE song_id = :song").with("song", song_id).run();
    });
}

void Likeness::order_failed(std::string_view song_id, std::string_view fault) {
    db_.write([&](soci::session& session) {
        Query(session, "UPDATE embedding_orders SET fault = :fault, attempts = 0 WHERE song_id = :song")
            .with("fault", fault)
            .with("song", song_id)
            .run();
    });
}

}  // namespace heart::server::database
