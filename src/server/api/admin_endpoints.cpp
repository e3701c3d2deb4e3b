// What administrators see and do: accounts, invites, everyone's queue, the disk, backups.

#include "core/error.h"
#include "server/api/files.h"
#include "server/api/library_endpoints.h"
#include "server/api/reply.h"
#include "server/library/archive.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>

#include <sys/stat.h>

namespace heart::server::api {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLongestInviteHours = 720, kUsualInviteHours = 168;
constexpr std::uint64_t kSpareDisk = std::uint64_t{64} << 20;  // that a backup leaves at least

/// Changes of rights and backups, one at a time each.
struct AdminState {
    std::mutex rights, backup;
};

Json account_json(const database::User& user) {
    Json out = user_json(user);
    out["disabled"] = user.disabled;
    return out;
}

http::Response list_users(const Services& services, const http::Request& request) {
    (void)admin_of(services, request);
    Json items = Json::array();
    for (const database::User& user : services.users.all()) items.push_back(account_json(user));
    return json_reply({{"items", items}});
}

database::User user_with(const Services& services, const std::string& id) {
    auto user = services.users.by_id(id);
    if (!user) refuse(404, "User not found");
    return *std::move(user);
}

void cancel_jobs_of(Services& services, const database::User& user) {
    for (const database::Job& job : services.jobs.queue_of(user.id)) services.runner.cancel(job);
}

/// Since no one changes their own rights, and one change is made at a time by someone who has them then, an administrator
/// always remains.
http::Response change_user(Services& services, AdminState& state, const http::Request& request) {
    const std::lock_guard lock(state.rights);
    const database::User admin = admin_of(services, request);
    Fields fields = Fields::of_body(request);
    const auto rights = fields.optional_bool("admin");
    const auto disabled = fields.optional_bool("disabled");
    fields.finish();
    const database::User user = user_with(services, request.parameter("id"));
    if (user.id == admin.id) refuse(403, "Your own rights are changed by another administrator");
    if (rights) services.users.set_admin(user.id, *rights);
    if (disabled) services.users.set_disabled(user.id, *disabled);
    if (disabled.value_or(false) && !user.disabled) {
        services.accounts.sign_out_everywhere(user);
        cancel_jobs_of(services, user);
    }
    return json_reply(account_json(user_with(services, user.id)));
}

/// The account with all that is theirs, files too.
http::Response remove_user(Services& services, AdminState& state, const http::Request& request) {
    const std::lock_guard lock(state.rights);
    const database::User admin = admin_of(services, request);
    const database::User user = user_with(services, request.parameter("id"));
    if (user.id == admin.id) refuse(403, "Your own account is deleted by another administrator");
    services.users.set_disabled(user.id, true);  // nothing new comes while it goes
    cancel_jobs_of(services, user);
    const std::vector<std::string> ids = services.users.remove(user.id);
    for (const std::string& id : ids) {
        database::Song song;
        song.id = id;
        song.audio_path = fmt::format("audio/{}.wav", id);
        song.thumbnail_path = fmt::format("thumbnails/{}.png", id);
        remove_files(services, song);
    }
    return json_reply({{"message", "User deleted"}});
}

http::Response add_invite(const Services& services, const http::Request& request) {
    const database::User admin = admin_of(services, request);
    Fields fields = Fields::of_body(request);
    const std::int64_t hours = fields.integer_or("expires_in_hours", kUsualInviteHours, 1, kLongestInviteHours);
    fields.finish();
    const std::string code = services.accounts.invite(admin, std::chrono::hours(hours));
    return json_reply({{"id", accounts::hash_secret(code)},
                       {"code", code},
                       {"expires_at", database::iso_time(database::now_ms() + hours * database::kHour)}});
}

http::Response list_invites(const Services& services, const http::Request& request) {
    (void)admin_of(services, request);
    Json items = Json::array();
    for (const database::Invite& invite : services.users.invites()) {
        items.push_back({{"id", invite.code_hash},
                         {"created_by", invite.created_by},
                         {"created_at", database::iso_time(invite.created)},
                         {"expires_at", database::iso_time(invite.expires)},
                         {"used_by", invite.used_by ? Json(*invite.used_by) : Json(nullptr)}});
    }
    return json_reply({{"items", items}});
}

http::Response remove_invite(Services& services, const http::Request& request) {
    (void)admin_of(services, request);
    if (!services.users.remove_invite(request.parameter("id"))) refuse(404, "Invite not found");
    return json_reply({{"message", "Invite deleted"}});
}

/// Everyone's: the job at hand, then the others as they will be started.
http::Response whole_queue(const Services& services, const http::Request& request) {
    (void)admin_of(services, request);
    std::map<std::string, std::string> names;
    for (const database::User& user : services.users.all()) names.emplace(user.id, user.username);
    Json items = Json::array();
    const auto list = [&](const database::Job& job) {
        Json item = job_json(services, job);
        item["user"] = {{"id", job.user_id}, {"username", names[job.user_id]}};
        items.push_back(std::move(item));
    };
    const auto current = services.runner.current();
    if (current) {
        if (const auto job = services.jobs.by_id(*current)) list(*job);
    }
    for (const database::Job& job : services.jobs.in_turn()) list(job);
    return json_reply({{"items", items}, {"active_id", current ? Json(*current) : Json(nullptr)}});
}

http::Response cancel_any(Services& services, const http::Request& request) {
    (void)admin_of(services, request);
    const auto job = services.jobs.by_id(request.parameter("id"));
    if (!job || !services.runner.cancel(*job)) refuse(404, "Entry not found in queue");
    return json_reply({{"message", "Generation cancelled"}});
}

// --- backups ---

fs::path backup_folder(const Services& services) {
    return services.options.data_folder / "backups";
}

/// "heart-<8 digits>-<6 digits>-<8 hex digits>.tar" and nothing else, so that a name never leaves the folder.
bool is_backup_name(std::string_view name) {
    constexpr std::string_view kShape = "heart-dddddddd-dddddd-xxxxxxxx.tar";
    const auto fits = [](char shape, char c) {
        if (shape == 'd') return c >= '0' && c <= '9';
        if (shape == 'x') return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        return shape == c;
    };
    return name.size() == kShape.size() && std::equal(kShape.begin(), kShape.end(), name.begin(), fits);
}

std::string new_backup_name() {
    std::string time;  // "2026-11-28T00:23:40.123Z" -> "20261128002340123"
    for (const char c : database::iso_time(database::now_ms())) {
        if (c >= '0' && c <= '9') time += c;
    }
    return fmt::format("heart-{}-{}-{}.tar", time.substr(0, 8), time.substr(8, 6), database::new_id().substr(0, 8));
}

struct Backup {
    std::string name;
    std::uint64_t bytes = 0;
    database::TimeMs created = 0;
};

/// None for what is no plain file there.
std::optional<Backup> backup_named(const Services& services, const std::string& name) {
    struct stat info {};
    if (!is_backup_name(name) || lstat((backup_folder(services) / name).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return std::nullopt;
    }
    return Backup{name, static_cast<std::uint64_t>(info.st_size),
                  database::TimeMs{info.st_mtim.tv_sec} * 1000 + info.st_mtim.tv_nsec / 1'000'000};
}

std::vector<Backup> backups(const Services& services) {
    std::vector<Backup> out;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(backup_folder(services), none)) {
        if (auto backup = backup_named(services, entry.path().filename().string())) out.push_back(*std::move(backup));
    }
    std::sort(out.begin(), out.end(), [](const Backup& a, const Backup& b) { return a.name > b.name; });
    return out;
}

Json backup_json(const Backup& backup) {
    return {{"name", backup.name}, {"bytes", backup.bytes}, {"created_at", database::iso_time(backup.created)}};
}

std::uint64_t size_of(const fs::path& file) {
    std::error_code none;
    const auto bytes = fs::file_size(file, none);
    return none ? 0 : bytes;
}

http::Response make_backup(const Services& services, AdminState& state, const http::Request& request) {
    (void)admin_of(services, request);
    const std::unique_lock lock(state.backup, std::try_to_lock);
    if (!lock) refuse(409, "A backup is being written already");
    const auto usage = services.library.usage();
    const std::uint64_t need = usage.audio + usage.covers + 2 * size_of(services.database.file()) + kSpareDisk;
    if (usage.free < need) {
        refuse(507, fmt::format("Not enough disk space: {} MiB are needed, {} are free", need >> 20, usage.free >> 20));
    }
    const fs::path folder = backup_folder(services);
    fs::create_directories(folder);
    fs::permissions(folder, fs::perms::owner_all);
    const std::string name = new_backup_name();
    library::back_up(services.database, services.options.data_folder, folder / name, {}, services.stopping);
    const auto backup = backup_named(services, name);
    ensure(backup.has_value(), "a backup that was written is there");
    return json_reply(backup_json(*backup));
}

http::Response list_backups(const Services& services, const http::Request& request) {
    (void)admin_of(services, request);
    Json items = Json::array();
    for (const Backup& backup : backups(services)) items.push_back(backup_json(backup));
    return json_reply({{"items", items}});
}

http::Response send_backup(const Services& services, const http::Request& request) {
    (void)admin_of(services, request);
    const auto backup = backup_named(services, request.parameter("name"));
    if (!backup) refuse(404, "Backup not found");
    http::Response reply = file_reply(backup_folder(services) / backup->name, "application/x-tar", backup->name, true);
    reply.headers.set("Cache-Control", "no-store");
    return reply;
}

http::Response remove_backup(const Services& services, const http::Request& request) {
    (void)admin_of(services, request);
    const auto backup = backup_named(services, request.parameter("name"));
    if (!backup || !fs::remove(backup_folder(services) / backup->name)) refuse(404, "Backup not found");
    return json_reply({{"message", "Backup deleted"}});
}

http::Response disk(const Services& services, const http::Request& request) {
    (void)admin_of(services, request);
    const auto usage = services.library.usage();
    std::uint64_t kept = 0;
    for (const Backup& backup : backups(services)) kept += backup.bytes;
    return json_reply({{"songs", usage.songs},
                       {"audio_bytes", usage.audio},
                       {"cover_bytes", usage.covers},
                       {"cache_bytes", usage.cache},
                       {"database_bytes", size_of(services.database.file())},
                       {"backup_bytes", kept},
                       {"free_bytes", usage.free}});
}

}  // namespace

void add_admin_endpoints(http::Router& router, Services& services) {
    Services& s = services;
    const auto state = std::make_shared<AdminState>();
    const http::RouteOptions heavy{.lane = http::Lane::heavy};
    router.add("GET", "/api/admin/users", [&s](const http::Request& r) { return list_users(s, r); });
    router.add("PATCH", "/api/admin/users/{id}", [&s, state](const http::Request& r) { return change_user(s, *state, r); });
    router.add(
        "DELETE", "/api/admin/users/{id}", [&s, state](const http::Request& r) { return remove_user(s, *state, r); }, heavy);
    router.add("GET", "/api/admin/invites", [&s](const http::Request& r) { return list_invites(s, r); });
    router.add("POST", "/api/admin/invites", [&s](const http::Request& r) { return add_invite(s, r); });
    router.add("DELETE", "/api/admin/invites/{id}", [&s](const http::Request& r) { return remove_invite(s, r); });
    router.add("GET", "/api/admin/queue", [&s](const http::Request& r) { return whole_queue(s, r); });
    router.add("DELETE", "/api/admin/queue/{id}", [&s](const http::Request& r) { return cancel_any(s, r); });
    router.add(
        "GET", "/api/admin/disk", [&s](const http::Request& r) { return disk(s, r); }, heavy);
    router.add(
        "POST", "/api/admin/backup", [&s, state](const http::Request& r) { return make_backup(s, *state, r); }, heavy);
    router.add("GET", "/api/admin/backups", [&s](const http::Request& r) { return list_backups(s, r); });
    router.add("GET", "/api/admin/backups/{name}", [&s](const http::Request& r) { return send_backup(s, r); });
    router.add(
        "DELETE", "/api/admin/backups/{name}", [&s](const http::Request& r) { return remove_backup(s, r); }, heavy);
}

}  // namespace heart::server::api
