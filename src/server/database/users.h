#pragma once

#include "server/database/database.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heart::server::database {

struct User {
    std::string id, username, email, password_hash;
    TimeMs created = 0;
    bool admin = false, disabled = false;
    std::int64_t token_generation = 0;  ///< tokens of an older one are void: sign-out everywhere
};

/// Why a user could not be added.
enum class Taken { no, email, username };

struct Invite {
    std::string code_hash;  ///< SHA-256, hex
    std::string created_by;
    TimeMs created = 0, expires = 0;
    std::optional<std::string> used_by;
};

/// Accounts and invites.
class Users {
public:
    explicit Users(Database& database) : db_(database) {}

    /// The very first user becomes administrator, `user.admin` is set then. Email is looked at before the username.
    /// With `invite_hash`, spends that invite in the same transaction; false in `invited` when it is unknown, old or spent.
    struct Added {
        Taken taken = Taken::no;
        bool invited = true;
    };
    [[nodiscard]] Added add(User& user, const std::optional<std::string>& invite_hash = {});

    [[nodiscard]] std::optional<User> by_id(std::string_view id) const;
    [[nodiscard]] std::optional<User> by_email(std::string_view email) const;  ///< as it is stored: small letters
    [[nodiscard]] std::vector<User> all() const;                               ///< by time
    [[nodiscard]] std::int64_t count() const;
    void set_password(std::string_view id, std::string_view hash);
    void next_token_generation(std::string_view id);
    void set_admin(std::string_view id, bool admin);
    void set_disabled(std::string_view id, bool disabled);
    /// With all that is theirs in the database. Returns ids of their songs and jobs, for their files.
    std::vector<std::string> remove(std::string_view id);

    void add_invite(const Invite& invite);
    [[nodiscard]] std::vector<Invite> invites() const;
    bool remove_invite(std::string_view code_hash);

private:
    Database& db_;
};

}  // namespace heart::server::database
