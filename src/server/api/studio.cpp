#include "server/api/studio.h"

#include "hub/remote.h"

#include "core/error.h"
#include "server/api/chores.h"
#include "server/api/files.h"
#include "server/api/folder_lock.h"
#include "server/api/log.h"
#include "server/api/metrics.h"
#include "server/api/reply.h"
#include "server/api/security.h"
#include "server/api/sound_embedder.h"
#include "server/api/webhook_sender.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace heart::server::api {

namespace {

bool is_loopback(const std::string& host) {
    return host == "localhost" || host == "::1" || host.starts_with("127.");
}

StudioOptions checked(StudioOptions options, bool allow_public) {
    const bool tls = !options.http.tls_certificate.empty();
    if (!is_loopback(options.http.host) && !tls && !allow_public) {
        throw Error(ErrorCode::usage, fmt::format("others could reach '{}', and without TLS read passwords on the way",
                                                  printable(options.http.host)))
            .expected("a certificate and a key, or the word that it is meant (--allow-public)");
    }
    if (options.jwt_secret == "heartmula-secret-key-change-in-production") {
        throw Error(ErrorCode::usage, "this secret for tokens is printed in the source of another program")
            .hint("leave JWT_SECRET_KEY out: Heart makes a secret and keeps it");
    }
    if (options.database.empty()) options.database = options.data_folder / "heartmula.db";
    if (options.models_folder.empty()) options.models_folder = options.data_folder / "ckpt";
    (void)hub::source_named(options.models_source, "");  // a wrong name is said at the start, not to an administrator
    return options;
}

accounts::SigningKey signing_key(const StudioOptions& options) {
    return options.jwt_secret.empty() ? accounts::SigningKey::load_or_create(options.data_folder / "signing-key")
                                      : accounts::SigningKey(options.jwt_secret);
}

http::Router router_of(Services& services, SoundEmbedder& embedder) {
    http::Router router;
    add_account_endpoints(router, services);
    add_queue_endpoints(router, services);
    add_progress_endpoints(router, services);
    add_history_endpoints(router, services);
    add_library_endpoints(router, services);
    add_assistant_endpoints(router, services);
    add_admin_endpoints(router, services);
    add_model_endpoints(router, services);
    add_webhook_endpoints(router, services);
    add_openai_endpoints(router, services);
    add_transcription_endpoint(router, services);
    add_reference_endpoints(router, services, embedder);
    add_likeness_endpoints(router, services, embedder);
    add_status_endpoints(router, services);
    add_document_endpoints(router, services);
    add_page_endpoints(router);
    return router;
}

void log_access(const http::AccessRecord& record) {
    nlohmann::ordered_json line{{"id", record.id}, {"method", record.method}};
    // A share's address is a secret, for the API and for the page: then its pattern has to do.
    if (record.path.find("/shared/") == std::string::npos) line["path"] = record.path;
    line["route"] = record.pattern;
    line["status"] = record.status;
    line["bytes"] = record.bytes;
    line["ms"] = static_cast<double>(static_cast<std::int64_t>(record.seconds * 1e6)) / 1e3;
    line["address"] = record.remote_address;
    log(LogLevel::info, "request", line);
}

}  // namespace

/// Everything, in the order in which it is made; it goes the other way round.
class Studio::Inside {
public:
    Inside(StudioOptions given, jobs::SongMaker& maker, bool allow_public)
        : options(checked(std::move(given), allow_public)),
          lock(options.data_folder),
          database(options.database),
          library(options.data_folder),
          accounts(database, signing_key(options), options.accounts),
          assistant(options.assistant),
          runner(database, library, maker, hub, {.journals = journal_folder(options), .limits = options.queue}),
          services{options,
                   database,
                   database::Users(database),
                   database::Jobs(database),
                   database::Songs(database),
                   database::Ledger(database),
                   database::Likeness(database),
                   accounts,
                   library,
                   assistant,
                   maker,
                   hub,
                   runner,
                   metrics,
                   stopping,
                   [this] { return server ? server->counters() : http::ServerCounters{}; }},
          embedder(services),
          webhooks(services),
          chores(services) {
        runner.on_ended([this](const database::Job& job) {
            webhooks.wake();
            embedder.job_ended(job);
        });
        server.emplace(options.http, router_of(services, embedder), hooks());
    }

    [[nodiscard]] http::Hooks hooks() {
        return {.on_error = error_reply,
                .decorate = [this](const http::Request& request,
                                   http::Response& response) { secure(request, response, options.cors_origins); },
                .on_access =
                    [this](const http::AccessRecord& record) {
                        metrics.count(record);
                        log_access(record);
                    }};
    }

    StudioOptions options;
    FolderLock lock;
    database::Database database;
    library::Library library;
    accounts::Accounts accounts;
    assistant::Assistant assistant;
    jobs::ProgressHub hub;
    jobs::Runner runner;
    Metrics metrics;
    CancelToken stopping;
    Services services;
    SoundEmbedder embedder;
    WebhookSender webhooks;
    Chores chores;
    std::optional<http::Server> server;
};

Studio::Studio(StudioOptions options, jobs::SongMaker& maker, bool allow_public)
    : inside_(std::make_unique<Inside>(std::move(options), maker, allow_public)) {}

Studio::~Studio() = default;

void Studio::start() {
    inside_->runner.start();
    inside_->webhooks.start();
    inside_->embedder.start();
    inside_->chores.start();
    inside_->server->start();
    log(LogLevel::info, "ready", {{"address", address()}});
}

void Studio::stop(std::chrono::milliseconds grace) {
    const auto end = std::chrono::steady_clock::now() + grace;
    inside_->stopping.cancel();
    inside_->chores.stop();
    inside_->runner.stop();  // the song at hand goes back into the queue, with all its frames
    inside_->webhooks.stop();
    inside_->embedder.stop();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    inside_->server->stop(std::max(left, std::chrono::milliseconds(200)));
    log(LogLevel::info, "stopped");
}

std::string Studio::address() const {
    const http::ServerOptions& o = inside_->options.http;
    std::string host = o.host;
    if (host == "0.0.0.0" || host == "::") host = "localhost";  // where this machine finds it
    if (host.find(':') != std::string::npos) host = "[" + host + "]";
    return fmt::format("{}://{}:{}", o.tls_certificate.empty() ? "http" : "https", host, port());
}

std::uint16_t Studio::port() const {
    return inside_->server->port();
}

}  // namespace heart::server::api
