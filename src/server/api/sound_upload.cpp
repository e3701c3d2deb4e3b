#include "server/api/sound_upload.h"

#include "core/error.h"
#include "server/api/reply.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace heart::server::api {

namespace {

/// Sounds that are taken in or listened to at a time: each has its body in memory and a thread that waits for it.
constexpr int kMostSounds = 2;
/// For what stands around the sound in its form.
constexpr std::size_t kFormBytes = std::size_t{64} << 10;

/// Lets a request send its sound. Looks at the token only, since nothing may wait here; the handler looks at the user.
std::shared_ptr<void> admit(const Services& services, const http::Request& request) {
    const auto token = bearer_token(request);
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    if (!token || !accounts::verify_token(services.accounts.key(), *token, now.count())) {
        http::Headers headers;
        headers.set("WWW-Authenticate", "Bearer");
        refuse(401, token ? "Invalid or expired token" : "Not authenticated", headers);
    }
    const auto taken = services.sounds;
    if (taken->fetch_add(1) >= kMostSounds) {
        taken->fetch_sub(1);
        http::Headers headers;
        headers.set("Retry-After", "10");
        refuse(429, "Other sounds are being listened to", headers);
    }
    return {nullptr, [taken](void*) { taken->fetch_sub(1); }};
}

}  // namespace

http::RouteOptions sound_route(const Services& services) {
    return {.max_body = services.options.max_sound_bytes + kFormBytes,
            .lane = http::Lane::upstream,
            .admit = [&services](const http::Request& r) { return admit(services, r); }};
}

http::FormPart sound_of(Fields& fields, const std::vector<http::FormPart>& files, const StudioOptions& options) {
    if (files.size() != 1 || files[0].name != "file") {
        fields.fault("file", "exactly one file, in the field 'file'");
        return {};
    }
    if (files[0].data.empty()) fields.fault("file", "the file is empty");
    if (files[0].data.size() > options.max_sound_bytes) {
        fields.fault("file", fmt::format("at most {} bytes", options.max_sound_bytes));
    }
    return files[0];
}

NamelessFile::NamelessFile(const std::filesystem::path& folder, std::string_view bytes) {
    std::string name = (folder / "sound-XXXXXX").string();
    number_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (number_ < 0) fail();
    ::unlink(name.c_str());
    while (!bytes.empty()) {
        const ssize_t n = ::write(number_, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail();
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void NamelessFile::close() noexcept {
    if (number_ >= 0) ::close(number_);
}

void NamelessFile::fail() {
    const int error = errno;
    close();
    throw Error(ErrorCode::io, "cannot keep the sound").found(std::generic_category().message(error));
}

OpenFile::OpenFile(const std::filesystem::path& file) : number_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (number_ < 0) throw Error(ErrorCode::io, "cannot read the song").found(std::generic_category().message(errno));
}

OpenFile::~OpenFile() {
    ::close(number_);
}

}  // namespace heart::server::api
