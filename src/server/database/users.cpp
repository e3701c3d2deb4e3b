#include "server/database/users.h"

#include "server/database/rows.h"
#include "server/database/song_search.h"
#include "server/database/times.h"

namespace heart::server::database {
namespace {

constexpr const char* kUser = "SELECT id, username, email, password_hash, created_at, admin, disabled, token_generation ";
constexpr const char* kUserKinds = "tttttiii";

User read_user(Query& query) {
    User user;
    user.id = query.text();
    user.username = query.text();
    user.email = query.text();
    user.password_hash = query.text();
    user.created = parse_text_time(query.text());
    user.admin = query.integer() != 0;
    user.disabled = query.integer() != 0;
    user.token_generation = query.integer();
    return user;
}

std::optional<User> find_user(const Database& db, const char* where, std::string_view value) {
    std::optional<User> found;
    db.read([&](soci::session& session) {
        Query query(session, std::string(kUser) + "FROM users WHERE " + where, kUserKinds);
        query.with("value", value);
        if (query.next()) found = read_user(query);
    });
    return found;
}

bool exists(soci::session& session, const char* where, std::string_view value) {
    Query query(session, std::string("SELECT 1 FROM users WHERE ") + where, "i");
    query.with("value", value);
    return query.next();
}

bool invite_is_good(soci::session& session, std::string_view code_hash) {
    Query query(session, "SELECT 1 FROM invites WHERE code_hash = :code AND used_by IS NULL AND expires_at > :now", "i");
    query.with("code", code_hash).with("now", now_ms());
    return query.next();
}

void update(Database& db, const char* set, std::string_view id, std::int64_t value) {
    db.write([&](soci::session& session) {
        Query(session, std::string("UPDATE users SET ") + set + " WHERE id = :id").with("value", value).with("id", id).run();
    });
}

}  // namespace

void insert_user(soci::session& session, const User& user) {
    Query(session,
          "INSERT INTO users (id, username, email, password_hash, created_at, admin, disabled, token_generation) "
          "VALUES (:id, :username, :email, :hash, :created, :admin, :disabled, :generation)")
        .with("id", user.id)
        .with("username", user.username)
        .with("email", user.email)
        .with("hash", user.password_hash)
        .with("created", text_time(user.created))
        .with("admin", user.admin)
        .with("disabled", user.disabled)
        .with("generation", user.token_generation)
        .run();
}

Users::Added Users::add(User& user, const std::optional<std::string>& invite_hash) {
    Added added;
    User row = user;
    if (row.id.empty()) row.id = new_id();
    if (row.created == 0) row.created = now_ms();
    db_.write([&](soci::session& session) {
        // Who has no invite learns nothing about who is here.
        added.invited = !invite_hash || invite_is_good(session, *invite_hash);
        if (!added.invited) return;
        if (exists(session, "email = :value", row.email)) {
            added.taken = Taken::email;
        } else if (exists(session, "username = :value", row.username)) {
            added.taken = Taken::username;
        }
        if (added.taken != Taken::no) return;
        Query anyone(session, "SELECT 1 FROM users LIMIT 1", "i");
        if (!anyone.next()) row.admin = true;
        insert_user(session, row);
        if (!invite_hash) return;
        Query(session, "UPDATE invites SET used_by = :user WHERE code_hash = :code")
            .with("user", row.id)
            .with("code", *invite_hash)
            .run();
    });
    if (added.invited && added.taken == Taken::no) user = std::move(row);
    return added;
}

std::optional<User> Users::by_id(std::string_view id) const {
    return find_user(db_, "id = :value", id);
}

std::optional<User> Users::by_email(std::string_view email) const {
    return find_user(db_, "email = :value", email);
}

std::vector<User> Users::all() const {
    std::vector<User> users;
    db_.read([&](soci::session& session) {
        Query query(session, std::string(kUser) + "FROM users ORDER BY created_at, id", kUserKinds);
        while (query.next()) users.push_back(read_user(query));
    });
    return users;
}

std::int64_t Users::count() const {
    std::int64_t count = 0;
    db_.read([&](soci::session& session) {
        Query query(session, "SELECT COUNT(*) FROM users", "i");
        if (query.next()) count = query.integer();
    });
    return count;
}

void Users::set_password(std::string_view id, std::string_view hash) {
    db_.write([&](soci::session& session) {
        Query(session, "UPDATE users SET password_hash = :hash WHERE id = :id").with("hash", hash).with("id", id).run();
    });
}

void Users::next_token_generation(std::string_view id) {
    update(db_, "token_generation = token_generation + :value", id, 1);
}

void Users::set_admin(std::string_view id, bool admin) {
    update(db_, "admin = :value", id, admin ? 1 : 0);
}

void Users::set_disabled(std::string_view id, bool disabled) {
    update(db_, "disabled = :value", id, disabled ? 1 : 0);
}

std::vector<std::string> Users::remove(std::string_view id) {
    std::vector<std::string> theirs;
    db_.write([&](soci::session& session) {
        Query query(session,
                    "SELECT id FROM generations WHERE user_id = :user UNION SELECT id FROM jobs WHERE user_id = :user", "t");
        query.with("user", id);
        while (query.next()) theirs.push_back(query.text());
        for (const std::string& song : theirs) search::remove(session, song);
        Query(session, "DELETE FROM users WHERE id = :user").with("user", id).run();
    });
    return theirs;
}

void Users::add_invite(const Invite& invite) {
    db_.write([&](soci::session& session) {
        Query(session,
              "INSERT INTO invites (code_hash, created_by, created_at, expires_at, used_by) "
              "VALUES (:code, :by, :created, :expires, :used)")
            .with("code", invite.code_hash)
            .with_or_null("by", invite.created_by)
            .with("created", invite.created)
            .with("expires", invite.expires)
            .with_or_null("used", invite.used_by.value_or(""))
            .run();
    });
}

std::vector<Invite> Users::invites() const {
    std::vector<Invite> invites;
    db_.read([&](soci::session& session) {
        Query query(session,
                    "SELECT code_hash, created_by, created_at, expires_at, used_by FROM invites "
                    "ORDER BY created_at DESC, code_hash",
                    "ttiit");
        while (query.next()) {
            Invite& invite = invites.emplace_back();
            invite.code_hash = query.text();
            invite.created_by = query.text();
            invite.created = query.integer();
            invite.expires = query.integer();
            if (!query.null()) invite.used_by = query.text();
        }
    });
    return invites;
}

bool Users::remove_invite(std::string_view code_hash) {
    bool removed = false;
    db_.write([&](soci::session& session) {
        removed = Query(session, "DELETE FROM invites WHERE code_hash = :code").with("code", code_hash).run() == 1;
    });
    return removed;
}

}  // namespace heart::server::database
