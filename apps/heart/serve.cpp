#include "core/error.h"
#include "hub/demo_model.h"
#include "interrupt.h"
#include "output.h"
#include "server/api/log.h"
#include "server/api/studio.h"
#include "server/jobs/engine_song_maker.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

namespace heart::app {

namespace {

namespace api = server::api;

struct ServeOptions {
    CommonOptions common;
    api::StudioOptions studio;
    std::string data_dir, database, registration = "open", log_level = "info";
    bool allow_public = false;
    int token_days = 7;
};

/// A variable of the environment; "" when it is not set.
std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

api::LogLevel log_level_named(const std::string& name, bool quiet) {
    if (quiet) return api::LogLevel::warning;
    if (name == "debug") return api::LogLevel::debug;
    if (name == "warning") return api::LogLevel::warning;
    if (name == "error") return api::LogLevel::error;
    return api::LogLevel::info;
}

server::accounts::Registration registration_named(const std::string& name) {
    using server::accounts::Registration;
    if (name == "invite") return Registration::invite;
    return name == "closed" ? Registration::closed : Registration::open;
}

/// What only the environment says: secrets have no place on a command line, where everybody can read them.
void read_secrets(api::StudioOptions& studio) {
    studio.jwt_secret = environment("JWT_SECRET_KEY");
    studio.assistant.api_key = environment("OPENAI_API_KEY");
    if (const std::string url = environment("OPENAI_BASE_URL"); !url.empty()) studio.assistant.base_url = url;
}

/// Without --model-path: what an administrator had downloaded, else the built-in demo model.
void choose_model(ServeOptions& o) {
    const std::filesystem::path pulled = o.studio.data_folder / "ckpt";
    std::error_code failed;
    if (o.common.model_path.empty() &&
        std::filesystem::is_regular_file(pulled / ("HeartMuLa-oss-" + o.common.version) / "config.json", failed)) {
        o.common.model_path = pulled.string();
    }
    o.studio.models_folder = o.common.model_path.empty() ? pulled : std::filesystem::path(o.common.model_path);
    o.studio.model_version = o.common.version;
}

int serve(ServeOptions& o) {
    const CancelToken& interrupted = interrupt_token();
    ignore_broken_pipes();
    api::set_log_level(log_level_named(o.log_level, o.common.quiet));
    read_secrets(o.studio);
    o.studio.data_folder = o.data_dir.empty() ? default_data_folder() : o.data_dir;
    o.studio.database = o.database;
    choose_model(o);
    o.studio.accounts.registration = registration_named(o.registration);
    o.studio.accounts.token_life = std::chrono::hours(24) * o.token_days;
    o.studio.model_label = o.common.model_label();
    // This program, also when its file was replaced meanwhile.
    o.studio.transcribe_command = {"/proc/self/exe",
                                   "transcribe",
                                   "--json",
                                   "--quiet",
                                   "--device=" + o.common.device,
                                   fmt::format("--threads={}", o.common.threads)};
    o.studio.embed_command = {"/proc/self/exe",
                              "embed",
                              "--json",
                              "--quiet",
                              "--device=" + o.common.device,
                              fmt::format("--threads={}", o.common.threads)};
    if (o.common.model_path.empty()) note(o.common, std::string(hub::demo_model_note()));
    server::jobs::EngineSongMaker maker(o.common.model_folder(), o.common.engine_options(), o.common.model_label());
    api::Studio studio(o.studio, maker, o.allow_public);
    studio.start();
    fmt::print("Heart Studio: {}\n", studio.address());
    std::fflush(stdout);
    while (!interrupted.cancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    note(o.common, "Stopping; a song that is being made will go on at the next start.");
    studio.stop(std::chrono::milliseconds(4000));
    return kExitDone;
}

void add_network_options(CLI::App& verb, ServeOptions& o) {
    const std::string group = "Who can reach it";
    server::http::ServerOptions& http = o.studio.http;
    verb.add_option("--host", http.host, "Address to listen on")->capture_default_str()->group(group);
    verb.add_option("--port", http.port, "0: any free one")->capture_default_str()->envname("BACKEND_PORT")->group(group);
    auto* certificate =
        verb.add_option("--tls-cert", http.tls_certificate, "Certificate chain")->type_name("PEM")->group(group);
    auto* key = verb.add_option("--tls-key", http.tls_key, "Its key")->type_name("PEM")->group(group);
    certificate->needs(key);
    key->needs(certificate);
    verb.add_flag("--allow-public", o.allow_public, "Other machines may reach it without TLS")->group(group);
    verb.add_option("--behind-proxy", http.trusted_proxies, "Proxies whose X-Forwarded-For and -Proto are believed")
        ->type_name("ADDRESS")
        ->group(group);
    verb.add_option("--cors-origin", o.studio.cors_origins, "Other sites whose pages may call the API")
        ->type_name("ORIGIN")
        ->group(group);
}

void add_studio_options(CLI::App& verb, ServeOptions& o) {
    const std::string group = "The studio";
    verb.add_option(both_names("data-dir"), o.data_dir,
                    "Database, songs and secret; default: $XDG_DATA_HOME/heart or ~/.local/share/heart")
        ->type_name("DIR")
        ->group(group);
    verb.add_option("--database", o.database, "Default: heartmula.db in the data folder")->type_name("FILE")->group(group);
    verb.add_option("--registration", o.registration, "Who may open an account; the first one always may")
        ->capture_default_str()
        ->check(CLI::IsMember({"open", "invite", "closed"}))
        ->group(group);
    verb.add_flag("--signed-media", o.studio.signed_media, "Sound and covers only with a token or a signed address")
        ->group(group);
    verb.add_flag("--private-webhooks", o.studio.private_webhooks,
                  "Webhooks may be http, and of this machine or its network")
        ->group(group);
    verb.add_option("--token-days", o.token_days, "How long a log-in is good")
        ->capture_default_str()
        ->check(CLI::Range(1, 3650))
        ->group(group);
    verb.add_option("--max-queue", o.studio.queue.all, "Most songs that wait")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000))
        ->group(group);
    verb.add_option("--max-queue-per-user", o.studio.queue.per_user, "Most songs of one account that wait")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000))
        ->group(group);
    verb.add_option("--models-source", o.studio.models_source,
                    "Where administrators' downloads of checkpoints come from: huggingface, modelscope, or a mirror")
        ->capture_default_str()
        ->group(group);
    verb.add_option("--chat-model", o.studio.assistant.chat_model, "Model that helps with writing")
        ->capture_default_str()
        ->group(group);
    verb.add_option("--image-model", o.studio.assistant.image_model, "Model that draws covers")
        ->capture_default_str()
        ->group(group);
    verb.add_option("--log-level", o.log_level, "Of the log on standard error, a JSON object a line")
        ->capture_default_str()
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->group(group);
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
    auto o = std::make_shared<ServeOptions>();
    CLI::App* verb = app.add_subcommand("serve", "Run Heart Studio: accounts, a queue, a library, an API");
    o->common.add_model(*verb);
    verb->get_option("--model-path")->envname("HEARTMULA_MODEL_PATH");
    verb->get_option("--version")->envname("HEARTMULA_VERSION");
    add_network_options(*verb, *o);
    add_studio_options(*verb, *o);
    o->common.add_engine(*verb);
    verb->add_flag("-q,--quiet", o->common.quiet, "No notes, and only warnings in the log");
    verb->footer(
        "Environment, where no option says otherwise: HEARTMULA_MODEL_PATH, HEARTMULA_VERSION, HEARTMULA_FP16\n"
        "(true: --mula-dtype float16), BACKEND_PORT (--port), JWT_SECRET_KEY (signs tokens, at least 32 bytes;\n"
        "made and kept in the data folder if not set), OPENAI_API_KEY, OPENAI_BASE_URL (help with writing).");
    verb->callback([o, verb, &action] {
        const std::string half = environment("HEARTMULA_FP16");
        if (verb->get_option("--mula-dtype")->count() == 0 && !half.empty() && parse_bool(half, "HEARTMULA_FP16")) {
            o->common.mula_dtype = "float16";
        }
        action = [o] { return serve(*o); };
    });
}

}  // namespace heart::app
