#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace heart::server::accounts {

/// More than any person or password manager types.
inline constexpr std::size_t kMostPasswordBytes = 4096;

/// Argon2id (19 MiB, 2 passes: OWASP's floor), as libsodium writes it. At most four are computed at a time, so that many
/// log-ins at once do not take the machine's memory; others wait. ErrorCode::memory; ErrorCode::usage for a password that
/// holds a zero byte or is longer than `kMostPasswordBytes`.
[[nodiscard]] std::string hash_password(std::string_view password);

struct Verdict {
    bool right = false;
    bool outdated = false;  ///< right, but hashed in an older way: hash it anew
};
/// Against an Argon2id hash, or a bcrypt one ("$2a$", "$2b$", "$2y$": the Python studio's, which looks at the first 72
/// bytes). Anything else as hash is never right, nor is a password that `hash_password` refuses, nor a hash that would cost
/// much more than ours. ErrorCode::memory.
[[nodiscard]] Verdict verify_password(std::string_view hash, std::string_view password);

/// Takes as long as verifying against an Argon2id hash of ours would, for accounts that do not exist.
void verify_nothing(std::string_view password);
/// The same for one of the Python studio's bcrypt hashes.
void verify_nothing_bcrypt(std::string_view password);
/// Whether verifying against this hash takes bcrypt's time.
[[nodiscard]] bool is_bcrypt(std::string_view hash) noexcept;

}  // namespace heart::server::accounts
