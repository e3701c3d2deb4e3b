#pragma once

#include "formats/bytes.h"

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace heart::formats {

/// The records of an archive by their whole names ("archive/data/0"): views of the file's memory.
using ZipRecords = std::map<std::string, std::span<const std::byte>, std::less<>>;

/// Finds the records of a zip archive in which nothing is compressed (PKWARE's APPNOTE 6.3.10; ZIP64 too), as PyTorch writes
/// them: with padding in extra fields, sizes behind the data, and a ZIP64 end whatever the size. Everything is checked
/// before it is believed: directory and records lie inside the file, do not overlap, and are named alike in both places;
/// names are relative paths without "..", each once. Checksums are not computed, as PyTorch does not: it can be told to
/// write none. Throws ErrorCode::malformed (also for a comment, or bytes before or behind the archive) or ::limit naming
/// `file_name` and record; ::unsupported for compressed or encrypted records and archives in parts.
[[nodiscard]] ZipRecords parse_stored_zip(const Bytes& file, std::string_view file_name);

}  // namespace heart::formats
