#include "core/error.h"
#include "server/accounts/tokens.h"

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heart::server::accounts {

namespace {

constexpr std::size_t kMostKeyFileBytes = 4096;

class File {
public:
    explicit File(int descriptor) : descriptor_(descriptor) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor_ >= 0) close(descriptor_);
    }
    [[nodiscard]] int get() const noexcept { return descriptor_; }
    [[nodiscard]] bool is_open() const noexcept { return descriptor_ >= 0; }

private:
    int descriptor_;
};

[[noreturn]] void fail(const char* what, const std::filesystem::path& file) {
    const int why = errno;
    Error error(ErrorCode::io, std::string(what) + " the key file " + file.string());
    error.found(std::strerror(why));
    throw error;
}

/// None when there is no such file.
std::optional<std::string> read_key_file(const std::filesystem::path& file) {
    const File opened(open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!opened.is_open()) {
        if (errno == ENOENT) return std::nullopt;
        fail("cannot open", file);
    }
    struct stat facts {};
    if (fstat(opened.get(), &facts) != 0) fail("cannot read", file);
    if (!S_ISREG(facts.st_mode)) throw Error(ErrorCode::usage, "the key file " + file.string() + " is no file");
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        throw Error(ErrorCode::usage, "others may use the key file " + file.string())
            .expected("mode 0600")
            .hint("chmod 600, or delete it: then a new key is made and everybody has to sign in again");
    }
    std::string text(kMostKeyFileBytes + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = read(opened.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail("cannot read", file);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > kMostKeyFileBytes) {
        throw Error(ErrorCode::usage, "the key file " + file.string() + " is too large").expected("a secret on one line");
    }
    text.resize(size);
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return std::string();
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// Writes a new secret under a name of its own and gives it `file`'s unless somebody was faster: a key file is never there
/// half, and never replaced.
void make_key_file(const std::filesystem::path& file) {
    const std::string text = random_secret() + "\n";
    std::filesystem::path draft = file;
    draft += "." + hash_secret(random_secret()).substr(0, 16);
    {
        const File made(open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
        if (!made.is_open()) fail("cannot make", file);
        const bool whole = write(made.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
        if (!whole || fsync(made.get()) != 0) {
            const int why = errno;
            unlink(draft.c_str());
            errno = why;
            fail("cannot write", file);
        }
    }
    const bool named = link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST;
    const int why = errno;
    unlink(draft.c_str());
    errno = why;
    if (!named) fail("cannot make", file);
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    const File opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.is_open() || fsync(opened.get()) != 0) fail("cannot keep", file);
}

}  // namespace

SigningKey SigningKey::load_or_create(const std::filesystem::path& file) {
    std::optional<std::string> secret = read_key_file(file);
    if (!secret) {
        make_key_file(file);
        secret = read_key_file(file);
        if (!secret) throw Error(ErrorCode::io, "the key file " + file.string() + " went away");
    }
    return SigningKey(std::move(*secret));
}

}  // namespace heart::server::accounts
