#pragma once

#include "formats/bytes.h"
#include "hub/catalogue.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heart::hub {

/// What a licence lets people do with a checkpoint. None of this is legal advice, and the words say so.
struct Licence {
    std::string_view id;        ///< SPDX
    std::string_view address;   ///< of its text; "" when not known
    std::string_view in_short;  ///< "no commercial use"; "" for a free licence: anybody may use it for anything
    /// What it means for people who make songs, a sentence each; none for a free one.
    std::span<const std::string_view> in_plain_words;

    [[nodiscard]] bool is_free() const noexcept { return in_short.empty(); }
    /// All sentences in one line.
    [[nodiscard]] std::string note() const;
};

/// The licence with exactly this identifier. One that is not known counts as not free. `id` has to outlive what is returned.
[[nodiscard]] Licence licence_named(std::string_view id);

/// Those that are not free and under which something of these is published, each once.
[[nodiscard]] std::vector<Licence> licences_to_accept(std::span<const Repository* const> repositories);

/// The name of the record that stands beside what is pulled: "LICENCE.txt" in a checkpoint's folder,
/// "LICENCE-<repository>.txt" for files that stand beside the folders, which it would seem to cover otherwise.
[[nodiscard]] std::string licence_record_name(const Repository& repository);

/// The record: a line "SPDX-License-Identifier: <id>" as files of source have it, and one that says whose it is.
[[nodiscard]] std::string licence_record(const Repository& repository);

/// The identifier of a record; none for a text that is no record. Reads its first line only.
[[nodiscard]] std::optional<std::string> licence_of_record(std::string_view text);

/// Under which licence a folder of a model folder stands, as far as that is known.
struct FoundLicence {
    std::string folder;   ///< "MuQ-MuLan"; the repository's name for files that stand beside the folders
    std::string licence;  ///< SPDX; "" where nothing tells
    /// False: there is no record, and it is what is published into this folder. That is taken for a licence that is not free
    /// alone, since silence would read as permission.
    bool recorded = false;
};

/// Of every folder that a checkpoint of the catalogue has there; nothing for the model that is part of the program.
[[nodiscard]] std::vector<FoundLicence> licences_in(const formats::Folder& root, std::string_view version);

}  // namespace heart::hub
