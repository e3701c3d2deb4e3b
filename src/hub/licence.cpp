#include "hub/licence.h"

#include "core/error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace heart::hub {

namespace {

constexpr std::string_view kNonCommercial[] = {
    "No commercial use: whoever names the authors may use, copy and change the weights, but not for commercial gain.",
    "Whether a song that was made with them as a style reference counts as such a use is not settled anywhere we know of.",
    "The careful reading is that it does: keep such songs out of anything commercial, or ask the weights' authors first.",
    "This is a summary and no legal advice; the text of the licence is what counts: "
    "https://creativecommons.org/licenses/by-nc/4.0/legalcode",
};

constexpr std::string_view kUnknown[] = {
    "Heart does not know this licence: read it where the checkpoint is published before you use any of it.",
};

constexpr Licence kLicences[] = {
    {"Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0", "", {}},
    {"MIT", "https://opensource.org/license/mit", "", {}},
    {"CC-BY-NC-4.0", "https://creativecommons.org/licenses/by-nc/4.0/legalcode", "no commercial use", kNonCommercial},
};

constexpr std::string_view kMark = "SPDX-License-Identifier: ";
constexpr std::size_t kLongestId = 100;

/// Letters, digits, '-', '.', '+', as SPDX has them.
bool is_identifier(std::string_view text) {
    return !text.empty() && text.size() <= kLongestId && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '+';
    });
}

std::optional<std::string> recorded_in(const formats::Folder& folder, const std::string& name) {
    if (!folder.has(name)) return std::nullopt;
    try {
        return licence_of_record(folder.open(name).text());
    } catch (const Error&) {  // a folder or device of that name
        return std::nullopt;
    }
}

}  // namespace

std::string Licence::note() const {
    return fmt::format("{}", fmt::join(in_plain_words, " "));
}

Licence licence_named(std::string_view id) {
    const auto known =
        std::find_if(std::begin(kLicences), std::end(kLicences), [&](const Licence& l) { return l.id == id; });
    return known != std::end(kLicences) ? *known : Licence{id, "", "not known to Heart", kUnknown};
}

std::vector<Licence> licences_to_accept(std::span<const Repository* const> repositories) {
    std::vector<Licence> out;
    for (const Repository* repository : repositories) {
        const Licence licence = licence_named(repository->licence);
        const auto is_same = [&](const Licence& other) { return other.id == licence.id; };
        if (!licence.is_free() && std::none_of(out.begin(), out.end(), is_same)) out.push_back(licence);
    }
    return out;
}

std::string licence_record_name(const Repository& repository) {
    if (repository.part == Repository::Part::shared) return fmt::format("LICENCE-{}.txt", repository.name);
    return "LICENCE.txt";
}

std::string licence_record(const Repository& repository) {
    const Licence licence = licence_named(repository.licence);
    return fmt::format("{}{}\nPublished as {}/{}{}{}\n", kMark, licence.id, repository.owner, repository.name,
                       licence.address.empty() ? "" : "; the licence: ", licence.address);
}

std::optional<std::string> licence_of_record(std::string_view text) {
    text = text.substr(0, kMark.size() + kLongestId + 2);
    if (!text.starts_with(kMark)) return std::nullopt;
    text.remove_prefix(kMark.size());
    text = text.substr(0, text.find('\n'));
    if (text.ends_with('\r')) text.remove_suffix(1);
    return is_identifier(text) ? std::optional<std::string>(text) : std::nullopt;
}

std::vector<FoundLicence> licences_in(const formats::Folder& root, std::string_view version) {
    std::vector<FoundLicence> out;
    if (root.is_embedded()) return out;
    for (const Repository& repository : catalogue()) {
        const bool beside = repository.part == Repository::Part::shared;
        const std::string name = beside ? std::string(repository.name) : folder_of(repository, version);
        const auto is_same = [&](const FoundLicence& other) { return other.folder == name; };
        if (std::any_of(out.begin(), out.end(), is_same)) continue;  // several are published for one folder
        const formats::Folder folder = beside ? root : root.sub(name);
        if (beside ? !root.has(repository.files.front()) : !folder.exists()) continue;
        FoundLicence found{name, "", false};
        if (auto recorded = recorded_in(folder, licence_record_name(repository))) {
            found.licence = std::move(*recorded);
            found.recorded = true;
        } else if (!licence_named(repository.licence).is_free()) {
            found.licence = repository.licence;
        }
        out.push_back(std::move(found));
    }
    return out;
}

}  // namespace heart::hub
