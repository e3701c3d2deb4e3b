#pragma once

#include "server/api/services.h"
#include "server/api/validation.h"

#include <filesystem>
#include <string_view>
#include <vector>

namespace heart::server::api {

/// How a request brings a sound in a form: who has no token is refused before its sound is read (401), and so is who is one
/// too many (429), whatever the sounds are for. It may wait for other programs.
[[nodiscard]] http::RouteOptions sound_route(const Services& services);

/// The form's one file, in the field "file"; adds a fault for anything else, for an empty one and for one beyond the limit.
[[nodiscard]] http::FormPart sound_of(Fields& fields, const std::vector<http::FormPart>& files,
                                      const StudioOptions& options);

/// An open file that has no name, with these bytes. ErrorCode::io.
class NamelessFile {
public:
    NamelessFile(const std::filesystem::path& folder, std::string_view bytes);
    NamelessFile(const NamelessFile&) = delete;
    NamelessFile& operator=(const NamelessFile&) = delete;
    ~NamelessFile() { close(); }
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    void close() noexcept;
    [[noreturn]] void fail();
    int number_ = -1;
};

/// A song's file, open for reading. ErrorCode::io.
class OpenFile {
public:
    explicit OpenFile(const std::filesystem::path& file);
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile();
    [[nodiscard]] int number() const noexcept { return number_; }

private:
    int number_;
};

}  // namespace heart::server::api
