// `heart client`: the verb that drives a studio on another machine, or on this one.

#include "core/error.h"
#include "core/utf8.h"
#include "interrupt.h"
#include "options.h"
#include "output.h"
#include "progress_bar.h"
#include "server/http/request_parts.h"
#include "studio_client.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace heart::app {

namespace {

struct ClientOptions {
    CommonOptions common;  // --json, --quiet
    std::string server, token, token_file;
    bool plain_http = false;

    std::string email, username, invite, password_file;                          // login, register
    std::string lyrics_file, lyrics_text, tags, title;                           // generate
    std::int64_t max_audio_length_ms = 120'000, topk = 50, takes = 1, seed = 0;  //
    double temperature = 1.0, cfg_scale = 1.5;                                   //
    bool has_seed = false, wait = false, has_save_path = false;                  //
    std::string save_path = "song.wav", format;                                  // generate, download
    std::vector<std::string> ids;                                                // cancel, download, delete, watch
    std::string search;                                                          // history
    std::int64_t page = 1, page_size = 20;                                       //
};

/// Something of an answer; its absence is the studio's fault.
template <class T>
T value_of(const StudioJson& object, const char* name) {
    try {
        return object.at(name).get<T>();
    } catch (const StudioJson::exception&) {
        throw Error(ErrorCode::malformed, fmt::format("the studio's answer has no good '{}'", name))
            .hint("is this the address of a Heart Studio?");
    }
}

/// Text of an answer that may be missing or null, fit for a terminal.
std::string shown(const StudioJson& object, const char* name, std::size_t most = 60) {
    const auto at = object.find(name);
    return at != object.end() && at->is_string() ? printable(at->get_ref<const std::string&>(), most) : "";
}

double number_or_none(const StudioJson& object, const char* name) {
    const auto at = object.find(name);
    return at != object.end() && at->is_number() ? at->get<double>() : 0;
}

const std::vector<StudioJson>& items_of(const StudioJson& answer) {
    const auto at = answer.find("items");
    if (at == answer.end() || !at->is_array()) {
        throw Error(ErrorCode::malformed, "the studio's answer has no good 'items'");
    }
    return at->get_ref<const StudioJson::array_t&>();
}

/// Text for a JSON body. ErrorCode::malformed.
std::string checked_text(std::string text, const char* what) {
    if (find_invalid_utf8(text) != std::string_view::npos)
        throw Error(ErrorCode::malformed, fmt::format("{} are not UTF-8", what));
    return text;
}

// --- who speaks, and to whom ---

std::string server_of(const ClientOptions& o) {
    if (!o.server.empty()) return server_address(o.server);
    if (const char* named = std::getenv("HEART_SERVER"); named != nullptr && *named != '\0') return server_address(named);
    if (const auto last = TokenStore(TokenStore::usual_file()).last_server()) return server_address(*last);
    return "http://127.0.0.1:8000";
}

void check_way(const ClientOptions& o, const std::string& server) {
    if (o.plain_http || !is_readable_on_the_way(server)) return;
    throw Error(ErrorCode::usage, fmt::format("{}: passwords and tokens could be read on the way", printable(server)))
        .expected("https")
        .hint("--plain-http sends them all the same");
}

std::string token_of(const ClientOptions& o, const std::string& server) {
    if (!o.token.empty()) return o.token;
    if (!o.token_file.empty()) {
        std::string text = read_text(o.token_file);
        text.resize(std::min(text.find_first_of("\r\n"), text.size()));
        return text;
    }
    if (auto kept = TokenStore(TokenStore::usual_file()).token(server)) return *kept;
    throw Error(ErrorCode::usage, fmt::format("not signed in at {}", printable(server)))
        .hint("heart client login --email E");
}

StudioClient signed_in(const ClientOptions& o) {
    const std::string server = server_of(o);
    check_way(o, server);
    return {server, token_of(o, server), interrupt_token()};
}

int sign_in(const ClientOptions& o, bool opens_account) {
    const std::string server = server_of(o);
    check_way(o, server);
    const CancelToken& cancel = interrupt_token();
    const std::string password =
        checked_text(read_password(o.password_file, "Password: ", cancel), "the password's letters");
    StudioJson body{{"email", checked_text(o.email, "the letters of --email")}, {"password", password}};
    if (opens_account) {
        if (o.password_file.empty() && read_password("", "Once more: ", cancel) != password) {
            throw Error(ErrorCode::usage, "the two passwords differ");
        }
        body["username"] = checked_text(o.username, "the letters of --username");
        if (!o.invite.empty()) body["invite"] = checked_text(o.invite, "the letters of --invite");
    }
    const StudioClient client(server, "", cancel);
    const StudioJson entry = client.post(opens_account ? "/api/auth/register" : "/api/auth/login", body);
    TokenStore store(TokenStore::usual_file());
    store.keep(server, value_of<std::string>(value_of<StudioJson>(entry, "token"), "access_token"));
    const StudioJson user = value_of<StudioJson>(entry, "user");
    note(o.common, fmt::format("Signed in at {} as {}.", printable(server), shown(user, "username")));
    if (o.common.json) print_json({{"server", server}, {"user", user}});
    return kExitDone;
}

int sign_out(const ClientOptions& o) {
    const std::string server = server_of(o);
    const bool was_in = TokenStore(TokenStore::usual_file()).forget(server);
    note(o.common, fmt::format("{} at {}.", was_in ? "Signed out" : "Not signed in", printable(server)));
    if (o.common.json) print_json({{"server", server}, {"signed_out", was_in}});
    return kExitDone;
}

int show_status(const ClientOptions& o) {
    const StudioClient client(server_of(o), "", interrupt_token());
    const StudioJson status = client.get("/api/status");
    if (o.common.json) {
        print_json(status);
        return kExitDone;
    }
    const auto yes = [&](const char* name) { return value_of<bool>(status, name) ? "yes" : "no"; };
    fmt::print("studio         {}\n", printable(client.server()));
    fmt::print("GPU            {} {}\n", yes("gpu_available"), shown(status, "gpu_name"));
    fmt::print("model loaded   {}\n", yes("model_loaded"));
    fmt::print("songs waiting  {}\n", value_of<std::int64_t>(status, "queue_length"));
    fmt::print("writing help   {}\n", yes("openai_configured"));
    return kExitDone;
}

// --- songs that are made ---

bool has_ended(const std::string& status) {
    return status == "completed" || status == "failed" || status == "cancelled";
}

void pause(std::chrono::milliseconds time) {
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
        interrupt_token().check();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

/// The studio's phases as the command's own bar shows them.
void show_progress(ProgressBar& bar, const StudioJson& job) {
    const std::string phase = shown(job, "phase");
    const double composed = number_or_none(job, "composed_seconds"), rendered = number_or_none(job, "rendered_seconds");
    if (phase == "loading") bar.show({Phase::load_language_model, 0, 0, 0, 0});
    if (phase == "composing") {
        bar.show({Phase::frames, number_or_none(job, "progress"), number_or_none(job, "total_frames"), composed, rendered});
    }
    if (phase == "rendering" || phase == "tagging") bar.show({Phase::decode, rendered, composed, rendered, 0});
}

/// Waits for the end of a song. The line may break meanwhile: the studio goes on, and so does this for a minute.
StudioJson await_song(const ClientOptions& o, const StudioClient& client, const std::string& id) {
    constexpr auto kLook = std::chrono::milliseconds(500);
    constexpr int kMostBroken = 60;
    ProgressBar bar(!o.common.quiet);
    std::int64_t position = 0;
    for (int broken = 0;;) {
        try {
            StudioJson job = client.get("/api/jobs/" + checked_id(id));
            broken = 0;
            if (has_ended(value_of<std::string>(job, "status"))) {
                bar.finish();
                return job;
            }
            const auto now = static_cast<std::int64_t>(number_or_none(job, "position"));
            if (now > 0 && now != position) note(o.common, fmt::format("Waiting, number {} in the queue.", now));
            position = now;
            show_progress(bar, job);
            pause(kLook);
        } catch (const Error& e) {
            if (e.code() == ErrorCode::cancelled) {
                bar.finish();
                note(o.common, fmt::format("The studio goes on with it; to stop it: heart client cancel {}", id));
            }
            if (e.code() != ErrorCode::io || ++broken > kMostBroken) throw;
            std::this_thread::sleep_for(kLook);
        }
    }
}

std::string path_of_take(const std::string& path, std::size_t take, std::size_t takes) {
    if (takes == 1) return path;
    std::filesystem::path p(path);
    p.replace_filename(fmt::format("{}-{}{}", p.stem().string(), take + 1, p.extension().string()));
    return p.string();
}

/// "wav", ... by a file's ending. ErrorCode::usage.
std::string format_of(const std::filesystem::path& path) {
    std::string ending = path.extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
    if (ending == ".wav" || ending == ".flac" || ending == ".mp3" || ending == ".opus") return ending.substr(1);
    throw Error(ErrorCode::usage, "--save-path").expected(".wav, .flac, .mp3 or .opus").found(printable(path.string()));
}

/// Fetches a finished song and says where it is.
StudioJson fetch_song(const ClientOptions& o, const StudioClient& client, const std::string& id, const std::string& format,
                      const std::filesystem::path& path) {
    const auto bytes = client.download(fmt::format("/api/audio/{}?format={}", checked_id(id), format), path);
    note(o.common, fmt::format("Song: {} ({:.1f} MB)", printable(path.string()), static_cast<double>(bytes) / 1e6));
    return {{"id", id}, {"path", path.string()}, {"bytes", bytes}};
}

StudioJson request_of(const ClientOptions& o) {
    std::string tags = o.tags.starts_with('@') ? read_text(o.tags.substr(1)) : o.tags;
    while (tags.ends_with('\n') || tags.ends_with('\r')) tags.pop_back();
    const std::string lyrics = o.lyrics_file.empty() ? o.lyrics_text : read_text(o.lyrics_file);
    StudioJson body{{"lyrics", checked_text(lyrics, "the lyrics")},
                    {"tags", checked_text(tags, "the tags")},
                    {"max_audio_length_ms", o.max_audio_length_ms},
                    {"temperature", o.temperature},
                    {"topk", o.topk},
                    {"cfg_scale", o.cfg_scale},
                    {"takes", o.takes}};
    if (!o.title.empty()) body["title"] = checked_text(o.title, "the title");
    if (o.has_seed) body["seed"] = o.seed;
    return body;
}

int generate(const ClientOptions& o) {
    const bool waits = o.wait || o.has_save_path;
    const std::string format = waits ? format_of(o.save_path) : "";
    const StudioClient client = signed_in(o);
    const StudioJson accepted = client.post_once("/api/generate", request_of(o));
    std::vector<std::string> ids{value_of<std::string>(accepted, "id")};
    if (accepted.contains("ids")) ids = value_of<std::vector<std::string>>(accepted, "ids");
    for (const std::string& id : ids) note(o.common, fmt::format("In the queue: {}", checked_id(id)));
    StudioJson songs = StudioJson::array();
    bool whole = true;
    for (std::size_t take = 0; waits && take < ids.size(); ++take) {
        const StudioJson job = await_song(o, client, ids[take]);
        if (value_of<std::string>(job, "status") == "completed") {
            songs.push_back(fetch_song(o, client, ids[take], format, path_of_take(o.save_path, take, ids.size())));
        } else {
            whole = false;
            note(o.common, fmt::format("No song: {} {}", shown(job, "status"), shown(job, "reason", 500)));
            songs.push_back({{"id", ids[take]}, {"status", job["status"]}, {"reason", job.value("reason", StudioJson())}});
        }
    }
    if (o.common.json) {
        nlohmann::ordered_json out = accepted;
        if (waits) out["songs"] = songs;
        print_json(out);
    } else if (!waits) {
        for (const std::string& id : ids) fmt::print("{}\n", id);
    }
    return whole ? kExitDone : kExitFailed;
}

int show_queue(const ClientOptions& o) {
    const StudioJson queue = signed_in(o).get("/api/queue");
    if (o.common.json) {
        print_json(queue);
        return kExitDone;
    }
    for (const StudioJson& item : items_of(queue)) {
        const double done = number_or_none(item, "progress"), all = number_or_none(item, "total_frames");
        fmt::print("{:<36}  {:<10}  {:>3.0f} %  {}\n", shown(item, "id"), shown(item, "status"),
                   all > 0 ? 100 * std::clamp(done / all, 0.0, 1.0) : 0.0, shown(item, "title"));
    }
    return kExitDone;
}

int show_history(const ClientOptions& o) {
    std::string target = fmt::format("/api/history?page={}&page_size={}", o.page, o.page_size);
    if (!o.search.empty()) target += "&search=" + server::http::percent_encoded(o.search);
    const StudioJson history = signed_in(o).get(target);
    if (o.common.json) {
        print_json(history);
        return kExitDone;
    }
    const auto& items = items_of(history);
    for (const StudioJson& item : items) {
        const auto seconds = static_cast<long>(number_or_none(item, "duration_ms") / 1000);
        fmt::print("{:<36}  {:<10}  {:>3}:{:02}  {}\n", shown(item, "id"), shown(item, "created_at", 10), seconds / 60,
                   seconds % 60, shown(item, "title"));
    }
    note(o.common, fmt::format("{} of {} songs", items.size(), value_of<std::int64_t>(history, "total")));
    return kExitDone;
}

int for_each_id(const ClientOptions& o, const char* address, const char* done) {
    const StudioClient client = signed_in(o);
    for (const std::string& id : o.ids) {
        (void)client.remove(address + checked_id(id));
        note(o.common, fmt::format("{}: {}", done, id));
    }
    if (o.common.json) print_json({{"ids", o.ids}});
    return kExitDone;
}

int download(const ClientOptions& o) {
    if (o.has_save_path && o.ids.size() > 1) throw Error(ErrorCode::usage, "--save-path names the file of one song");
    const StudioClient client = signed_in(o);
    StudioJson songs = StudioJson::array();
    for (const std::string& id : o.ids) {
        std::string format = o.format, path = o.save_path;
        if (format.empty()) format = format_of(path);
        if (!o.has_save_path) {
            const std::string title = shown(client.get("/api/history/" + checked_id(id)), "title", 500);
            path = fmt::format("{}-{}.{}", file_name_of(title), id.substr(0, 8), format);
        }
        songs.push_back(fetch_song(o, client, id, format, path));
    }
    if (o.common.json) print_json({{"songs", songs}});
    return kExitDone;
}

/// Prints what happens to one's songs, or to some of them until they have ended.
int watch(const ClientOptions& o) {
    constexpr int kMostBroken = 10;
    const StudioClient client = signed_in(o);
    std::vector<std::string> left = o.ids;
    const auto on_event = [&](const StudioJson& event) {
        const std::string id = shown(event, "id");
        if (!o.ids.empty() && std::find(left.begin(), left.end(), id) == left.end()) return true;
        if (o.common.json) {
            fmt::print("{}\n", event.dump());
        } else {
            fmt::print("{}  {:<10}  {}\n", id, shown(event, "status"), shown(event, "message", 200));
        }
        std::fflush(stdout);
        if (has_ended(shown(event, "status"))) left.erase(std::remove(left.begin(), left.end(), id), left.end());
        return o.ids.empty() || !left.empty();
    };
    // What ended before the listening began is told by no event.
    std::erase_if(left, [&](const std::string& id) {
        const StudioJson job = client.get("/api/jobs/" + checked_id(id));
        return has_ended(value_of<std::string>(job, "status")) && (on_event(job), true);
    });
    if (!o.ids.empty() && left.empty()) return kExitDone;
    for (int broken = 0; broken < kMostBroken; ++broken) {
        try {
            const auto counted = [&](const StudioJson& event) {
                broken = 0;
                return on_event(event);
            };
            if (!client.listen("/api/events", counted)) return kExitDone;
        } catch (const Error& e) {
            if (e.code() != ErrorCode::io || broken + 1 == kMostBroken) throw;
        }
        pause(std::chrono::seconds(1));
    }
    throw Error(ErrorCode::io, fmt::format("{} ends the line again and again", printable(client.server())));
}

// --- options ---

void add_accounts(CLI::App& verb, const std::shared_ptr<ClientOptions>& o, Action& action) {
    CLI::App* login = verb.add_subcommand("login", "Sign in; the token is kept in a file of one's own");
    CLI::App* enter = verb.add_subcommand("register", "Open an account and sign in");
    for (CLI::App* sub : {login, enter}) {
        sub->add_option("--email", o->email, "Of the account")->required();
        sub->add_option("--password-file", o->password_file, "Its first line, or - for standard input; default: asks")
            ->type_name("FILE");
    }
    enter->add_option("--username", o->username, "3 to 50 characters")->required();
    enter->add_option("--invite", o->invite, "Code, where the studio asks for one");
    login->callback([o, &action] { action = [o] { return sign_in(*o, false); }; });
    enter->callback([o, &action] { action = [o] { return sign_in(*o, true); }; });
    verb.add_subcommand("logout", "Forget the token")->callback([o, &action] { action = [o] { return sign_out(*o); }; });
    verb.add_subcommand("status", "What the studio can do now")->callback([o, &action] {
        action = [o] { return show_status(*o); };
    });
}

void add_client_generate(CLI::App& verb, const std::shared_ptr<ClientOptions>& o, Action& action) {
    CLI::App* sub = verb.add_subcommand("generate", "Ask for a song; prints its id");
    auto* words = sub->add_option_group("lyrics");
    words->add_option("--lyrics", o->lyrics_file, "File with the lyrics, or - for standard input")->type_name("FILE");
    words->add_option("--lyrics-text", o->lyrics_text, "The words themselves");
    words->require_option(1);
    sub->add_option("--tags", o->tags, "Comma-separated; @FILE is read")->required();
    sub->add_option("--title", o->title, "Title");
    sub->add_option(both_names("max-audio-length-ms"), o->max_audio_length_ms, "Longest song")->capture_default_str();
    sub->add_option("--temperature", o->temperature, "")->capture_default_str();
    sub->add_option("--topk", o->topk, "")->capture_default_str();
    sub->add_option(both_names("cfg-scale"), o->cfg_scale, "Guidance")->capture_default_str();
    auto* seed = sub->add_option("--seed", o->seed, "Drawn by the studio where not given");
    sub->add_option("--takes", o->takes, "Songs of this request")->capture_default_str();
    sub->add_flag("--wait", o->wait, "Wait for the song and download it");
    auto* path = sub->add_option(both_names("save-path"), o->save_path, "With --wait: .wav, .flac, .mp3 or .opus")
                     ->capture_default_str()
                     ->type_name("FILE");
    sub->callback([o, seed, path, &action] {
        o->has_seed = seed->count() > 0;
        o->has_save_path = path->count() > 0;
        action = [o] { return generate(*o); };
    });
}

void add_songs(CLI::App& verb, const std::shared_ptr<ClientOptions>& o, Action& action) {
    verb.add_subcommand("queue", "One's own waiting and running songs")->callback([o, &action] {
        action = [o] { return show_queue(*o); };
    });
    CLI::App* history = verb.add_subcommand("history", "One's own finished songs, newest first");
    history->add_option("--search", o->search, "Words of title, tags or lyrics");
    history->add_option("--page", o->page, "")->capture_default_str();
    history->add_option(both_names("page-size"), o->page_size, "1 to 100")->capture_default_str();
    history->callback([o, &action] { action = [o] { return show_history(*o); }; });

    CLI::App* cancel = verb.add_subcommand("cancel", "Cancel waiting or running songs");
    cancel->callback([o, &action] { action = [o] { return for_each_id(*o, "/api/queue/", "Cancelled"); }; });
    CLI::App* remove = verb.add_subcommand("delete", "Put finished songs into the bin");
    remove->callback([o, &action] { action = [o] { return for_each_id(*o, "/api/history/", "In the bin"); }; });
    CLI::App* fetch = verb.add_subcommand("download", "Fetch finished songs");
    fetch->add_option("--format", o->format, "wav, flac, mp3 or opus; default: by --save-path, else wav")
        ->check(CLI::IsMember({"wav", "flac", "mp3", "opus"}));
    auto* path = fetch->add_option(both_names("save-path"), o->save_path, "Default: the song's title")->type_name("FILE");
    fetch->callback([o, path, &action] {
        o->has_save_path = path->count() > 0;
        action = [o] { return download(*o); };
    });
    CLI::App* events = verb.add_subcommand("watch", "Print what happens to one's songs, or to these until they end");
    events->callback([o, &action] { action = [o] { return watch(*o); }; });
    for (CLI::App* sub : {cancel, remove, fetch}) sub->add_option("ids", o->ids, "Ids")->required()->type_name("ID");
    events->add_option("ids", o->ids, "Ids")->type_name("ID");
}

}  // namespace

void add_client(CLI::App& app, Action& action) {
    auto o = std::make_shared<ClientOptions>();
    CLI::App* verb = app.add_subcommand("client", "Drive a Heart Studio over the network");
    verb->require_subcommand(1);
    verb->add_option("--server", o->server,
                     "Address; default: HEART_SERVER, the one signed in to last, http://127.0.0.1:8000")
        ->type_name("URL");
    verb->add_option("--token", o->token, "Token in place of the kept one; others see it in the list of processes");
    verb->add_option(both_names("token-file"), o->token_file, "File with the token")->type_name("FILE");
    verb->add_flag("--plain-http", o->plain_http, "Allow http to other machines");
    o->common.add_output(*verb);
    add_accounts(*verb, o, action);
    add_client_generate(*verb, o, action);
    add_songs(*verb, o, action);
    for (CLI::App* sub : verb->get_subcommands([](CLI::App*) { return true; })) sub->fallthrough();
}

}  // namespace heart::app
