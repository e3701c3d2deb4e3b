#include "server/accounts/passwords.h"

#include "core/error.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <memory>
#include <semaphore>

#include <crypt.h>
#include <sodium.h>

namespace heart::server::accounts {

namespace {

constexpr unsigned long long kPasses = 2;
constexpr std::size_t kMemory = std::size_t{19} << 20;
constexpr std::size_t kBcryptBytes = 72;    // all that bcrypt looks at
constexpr std::size_t kBcryptHash = 60;     // "$2b$12$", 22 characters of salt, 31 of hash
constexpr int kMostBcryptCost = 15;         // eight times the seed's; each step doubles the time
constexpr unsigned kMostMemoryKiB = 65536;  // of an Argon2id hash from elsewhere
constexpr unsigned kMostPasses = 10;

void start_sodium() {
    static const int started = sodium_init();
    ensure(started >= 0, "libsodium starts");
}

/// Holds one of the four places for hashing.
class Turn {
public:
    Turn() { places_.acquire(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { places_.release(); }

private:
    static inline std::counting_semaphore<4> places_{4};
};

bool is_possible(std::string_view password) noexcept {
    return password.size() <= kMostPasswordBytes && password.find('\0') == std::string_view::npos;
}

/// The number behind `name` in "...$m=19456,t=2,p=1$..."; 0 when there is none.
unsigned cost_of(std::string_view hash, std::string_view name) noexcept {
    const std::size_t at = hash.find(name);
    unsigned value = 0;
    if (at != std::string_view::npos) std::from_chars(hash.data() + at + name.size(), hash.data() + hash.size(), value);
    return value;
}

Verdict verify_argon2id(std::string_view hash, std::string_view password) {
    const std::string text(hash);  // C strings from here on
    if (text.size() >= crypto_pwhash_argon2id_STRBYTES || text.find('\0') != std::string::npos) return {};
    if (cost_of(text, "$m=") > kMostMemoryKiB || cost_of(text, ",t=") > kMostPasses) return {};
    start_sodium();
    const Turn turn;
    errno = 0;
    if (crypto_pwhash_argon2id_str_verify(text.c_str(), password.data(), password.size()) != 0) {
        if (errno == ENOMEM) throw Error(ErrorCode::memory, "no memory to verify a password");
        return {};
    }
    return {.right = true, .outdated = crypto_pwhash_argon2id_str_needs_rehash(text.c_str(), kPasses, kMemory) != 0};
}

bool is_bcrypt_letter(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '/';
}

/// The cost of a well-formed bcrypt hash; 0 for anything else.
int bcrypt_cost(std::string_view hash) noexcept {
    if (hash.size() != kBcryptHash || !hash.starts_with("$2") || hash[3] != '$' || hash[6] != '$') return 0;
    if (hash[2] != 'a' && hash[2] != 'b' && hash[2] != 'y') return 0;
    if (hash[4] < '0' || hash[4] > '3' || hash[5] < '0' || hash[5] > '9') return 0;
    const std::string_view rest = hash.substr(7);
    if (!std::all_of(rest.begin(), rest.end(), is_bcrypt_letter)) return 0;
    const int cost = (hash[4] - '0') * 10 + (hash[5] - '0');
    return cost >= 4 && cost <= kMostBcryptCost ? cost : 0;
}

bool matches_bcrypt(std::string_view hash, std::string_view password) {
    if (bcrypt_cost(hash) == 0) return false;
    // "$2a$" and "$2y$" name the same function wherever it is computed without the faults that led to these letters;
    // libcrypt would compute old faults again for "$2a$".
    const std::string setting = "$2b$" + std::string(hash.substr(4));
    char phrase[kBcryptBytes + 1] = {};
    std::copy_n(password.begin(), std::min(password.size(), kBcryptBytes), phrase);
    const auto data = std::make_unique<crypt_data>();  // 32 KiB
    bool same = false;
    {
        const Turn turn;
        const char* computed = crypt_rn(phrase, setting.c_str(), data.get(), static_cast<int>(sizeof(crypt_data)));
        same = computed != nullptr && std::string_view(computed).size() == kBcryptHash &&
               sodium_memcmp(computed, setting.data(), kBcryptHash) == 0;
    }
    sodium_memzero(phrase, sizeof(phrase));
    sodium_memzero(data.get(), sizeof(crypt_data));
    return same;
}

}  // namespace

std::string hash_password(std::string_view password) {
    if (!is_possible(password)) {
        throw Error(ErrorCode::usage, "this password cannot be used")
            .expected("at most " + std::to_string(kMostPasswordBytes) + " bytes, none of them zero");
    }
    start_sodium();
    char hash[crypto_pwhash_argon2id_STRBYTES] = {};
    const Turn turn;
    if (crypto_pwhash_argon2id_str(hash, password.data(), password.size(), kPasses, kMemory) != 0) {
        throw Error(ErrorCode::memory, "no memory to hash a password");
    }
    return hash;
}

Verdict verify_password(std::string_view hash, std::string_view password) {
    if (!is_possible(password)) return {};
    if (hash.starts_with("$argon2id$")) return verify_argon2id(hash, password);
    if (is_bcrypt(hash) && matches_bcrypt(hash, password)) return {.right = true, .outdated = true};
    return {};
}

void verify_nothing(std::string_view password) {
    static const std::string hash = hash_password("whatever this is");
    (void)verify_password(hash, password);
}

void verify_nothing_bcrypt(std::string_view password) {
    (void)verify_password("$2b$12$......................9BnD6xRoBCYGvd8Lo1UZ1yXvYhCYgqK", password);
}

bool is_bcrypt(std::string_view hash) noexcept {
    return hash.starts_with("$2");
}

}  // namespace heart::server::accounts
