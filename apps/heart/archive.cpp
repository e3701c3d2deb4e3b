// `heart archive`: a whole studio as one file, out of it and into it again, and the Python studio's into this one.

#include "server/library/archive.h"

#include "core/error.h"
#include "interrupt.h"
#include "options.h"
#include "output.h"
#include "server/api/folder_lock.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <memory>

namespace heart::app {

namespace {

namespace fs = std::filesystem;
namespace library = server::library;

struct ArchiveOptions {
    CommonOptions common;  // --json, --quiet
    std::string data_dir, database, file;

    [[nodiscard]] fs::path folder() const { return data_dir.empty() ? default_data_folder() : data_dir; }
    [[nodiscard]] fs::path database_file() const {
        return database.empty() ? folder() / "heartmula.db" : fs::path(database);
    }
};

/// Notes how far it is, every few seconds.
library::ArchiveProgress progress_of(const ArchiveOptions& o) {
    using Clock = std::chrono::steady_clock;
    return [&o, told = Clock::now()](std::uint64_t done, std::uint64_t total) mutable {
        if (Clock::now() - told < std::chrono::seconds(3) || total == 0) return;
        told = Clock::now();
        note(o.common, fmt::format("{} %", 100 * done / total));
    };
}

void report(const ArchiveOptions& o, const std::string& text, const nlohmann::ordered_json& object) {
    note(o.common, text);
    if (o.common.json) print_json(object);
}

int back_up(const ArchiveOptions& o) {
    if (!fs::exists(o.database_file())) {
        throw Error(ErrorCode::not_found, fmt::format("no studio at '{}'", printable(o.database_file().string())))
            .hint("--data-dir names its folder");
    }
    const server::database::Database database(o.database_file(), 1);
    library::back_up(database, o.folder(), o.file, progress_of(o), interrupt_token());
    const auto bytes = fs::file_size(o.file);
    report(o, fmt::format("Backup: {} ({:.1f} MB)", printable(o.file), static_cast<double>(bytes) / 1e6),
           {{"path", o.file}, {"bytes", bytes}});
    return kExitDone;
}

int restore(const ArchiveOptions& o) {
    const server::api::FolderLock lock(o.folder());
    library::restore(o.file, o.folder(), progress_of(o), interrupt_token());
    report(o, fmt::format("Restored into {}. Everybody signs in again.", printable(o.folder().string())),
           {{"data_dir", o.folder().string()}});
    return kExitDone;
}

int import_studio(const ArchiveOptions& o) {
    const server::api::FolderLock lock(o.folder());
    server::database::Database database(o.database_file(), 1);
    const library::Imported done =
        library::import_python_studio(database, o.folder(), o.file, progress_of(o), interrupt_token());
    report(o,
           fmt::format("{} accounts and {} songs are new; {} of them have no sound, {} were here or are none.", done.users,
                       done.songs, done.without_audio, done.skipped),
           {{"users", done.users}, {"songs", done.songs}, {"without_audio", done.without_audio}, {"skipped", done.skipped}});
    return kExitDone;
}

}  // namespace

void add_archive(CLI::App& app, Action& action) {
    auto o = std::make_shared<ArchiveOptions>();
    CLI::App* verb = app.add_subcommand("archive", "Back up, restore and import a studio's whole library");
    verb->require_subcommand(1);
    verb->add_option(both_names("data-dir"), o->data_dir, "Of the studio; default: as serve")->type_name("DIR");
    CLI::App* out = verb->add_subcommand("backup", "Write a studio into one file, while it runs or not");
    CLI::App* in = verb->add_subcommand("restore", "Put a backup into a data folder that has no studio");
    CLI::App* old = verb->add_subcommand("import", "Take in accounts and songs of a Python studio's heartmula.db");
    for (CLI::App* sub : {out, old}) {
        sub->add_option("--database", o->database, "Default: heartmula.db in the data folder")->type_name("FILE");
    }
    for (CLI::App* sub : {out, in, old}) {
        sub->add_option("file", o->file, sub == old ? "Its database" : "The archive")->required()->type_name("FILE");
        sub->fallthrough();
    }
    o->common.add_output(*verb);
    out->callback([o, &action] { action = [o] { return back_up(*o); }; });
    in->callback([o, &action] { action = [o] { return restore(*o); }; });
    old->callback([o, &action] { action = [o] { return import_studio(*o); }; });
}

}  // namespace heart::app
