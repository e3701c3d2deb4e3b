#pragma once

#include <string>
#include <string_view>

namespace heart::server::accounts {

/// Argon2id (19 MiB, 2 passes: OWASP's floor), as libsodium writes it. At most four are computed at a time, so that many
/// log-ins at once do not take the machine's memory; others wait. ErrorCode::memory.
[[nodiscard]] std::string hash_password(std::string_view password);

struct Verdict {
    bool right = false;
    bool outdated = false;  ///< right, but hashed in an older way: hash it anew
};
/// Against an Argon2id hash, or a bcrypt one ("$2a$", "$2b$", "$2y$": the Python studio's, which looks at the first 72
/// bytes). Anything else as hash is never right.
[[nodiscard]] Verdict verify_password(std::string_view hash, std::string_view password);

/// Takes as long as verifying would, for accounts that do not exist.
void verify_nothing(std::string_view password);

}  // namespace heart::server::accounts
