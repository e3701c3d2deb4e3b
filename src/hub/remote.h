#pragma once

#include "core/cancel.h"
#include "hub/catalogue.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::hub {

/// Where checkpoints come from.
struct Source {
    enum class Kind { hugging_face, modelscope, mirror };
    Kind kind = Kind::hugging_face;
    std::string base;      ///< "https://huggingface.co", without a slash at its end
    std::string revision;  ///< branch, tag or commit
    std::string token;     ///< empty: none
};

/// "huggingface" (or what HF_ENDPOINT names), "modelscope", or the http(s) address of a mirror: of a server that speaks
/// Hugging Face's API, or of plain folders `<address>/<repository>/<file>`. Tokens come from HF_TOKEN,
/// HUGGING_FACE_HUB_TOKEN or the file that `hf auth login` writes, and MODELSCOPE_API_TOKEN; mirrors are given none.
/// ErrorCode::usage for anything else.
[[nodiscard]] Source source_named(std::string_view name, std::string_view revision);

/// What a file must be to be the right one.
struct Checksum {
    enum class Kind {
        none,
        sha256,
        git_blob,  ///< SHA-1 of "blob <size>\0" and the bytes: how git names small files
    };
    Kind kind = Kind::none;
    std::string hex;
};

struct RemoteFile {
    std::string path;  ///< a name, or folders and a name: never leaves its folder
    std::uint64_t size = 0;
    Checksum checksum;
    std::string url;
    std::string etag;  ///< strong, or empty: pieces of one file are of one version
};

/// Headers of every request to this source; never sent on to where it redirects.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> headers_of(const Source& source);

/// The files of a repository that a model needs. Throws ErrorCode::not_found for a repository or revision that is not
/// there, ErrorCode::usage where a token is missing or has no right, ErrorCode::malformed for a list that is none or holds
/// paths that leave their folder, ErrorCode::io, ::cancelled.
[[nodiscard]] std::vector<RemoteFile> list_files(const Source& source, const Repository& repository,
                                                 const CancelToken& cancel);

/// What an answer that is no success means, as an error that says what to do.
[[noreturn]] void refuse_status(int status, std::string_view what);

}  // namespace heart::hub
