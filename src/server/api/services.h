#pragma once

#include "core/cancel.h"
#include "server/accounts/accounts.h"
#include "server/assistant/assistant.h"
#include "server/database/database.h"
#include "server/database/jobs.h"
#include "server/database/ledger.h"
#include "server/database/likeness.h"
#include "server/database/songs.h"
#include "server/database/users.h"
#include "server/http/router.h"
#include "server/http/server.h"
#include "server/jobs/runner.h"
#include "server/library/library.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace heart::server::api {

struct StudioOptions {
    std::filesystem::path data_folder;
    std::filesystem::path database;  ///< empty: heartmula.db in the data folder
    std::string jwt_secret;          ///< empty: made once and kept in the data folder
    accounts::AccountOptions accounts;
    assistant::AssistantOptions assistant;
    http::ServerOptions http;
    database::Jobs::Limits queue;
    std::size_t max_lyrics_bytes = 20'000, max_tags_bytes = 2'000, max_title_bytes = 500;
    int max_takes = 8;
    std::vector<std::string> cors_origins;      ///< closed when empty
    bool signed_media = false;                  ///< audio and covers only to their owner or with a signed address
    bool private_webhooks = false;              ///< webhooks may be http, and of this machine or its network
    std::string model_label;                    ///< what the page may say about the model
    std::filesystem::path models_folder;        ///< where administrators' downloads go; empty: ckpt in the data folder
    std::string models_source = "huggingface";  ///< and where they come from: see hub::source_named
    std::string model_version = "3B";           ///< the language model's folder there: HeartMuLa-oss-<version>
    std::chrono::seconds speech_wait{900};      ///< how long /v1/audio/speech waits for its song
    /// The program that turns a sound into text, and its first arguments: --model-path, settings and the file follow, and
    /// it answers like `heart transcribe --json`. A process of its own, since the sound is a stranger's. Empty: none.
    std::vector<std::string> transcribe_command;
    /// The same for what puts sounds and words into one space: it answers like `heart embed --json`.
    std::vector<std::string> embed_command;
    std::size_t max_sound_bytes = std::size_t{64} << 20;  ///< of a sound that is to be heard
};

class Metrics;
class SoundEmbedder;

/// Everything that endpoints call, alive as long as the server runs.
struct Services {
    const StudioOptions& options;
    database::Database& database;
    database::Users users;
    database::Jobs jobs;
    database::Songs songs;
    database::Ledger ledger;
    database::Likeness likeness;
    accounts::Accounts& accounts;
    library::Library& library;
    assistant::Assistant& assistant;
    jobs::SongMaker& maker;
    jobs::ProgressHub& hub;
    jobs::Runner& runner;
    Metrics& metrics;
    const CancelToken& stopping;                     ///< for what waits long: other servers, encoders
    std::function<http::ServerCounters()> counters;  ///< of the server, which is made behind the endpoints
    /// Requests with a sound that are taken in or heard now; see sound_route.
    std::shared_ptr<std::atomic<int>> sounds = std::make_shared<std::atomic<int>>(0);
};

// Each adds its endpoints to the router, whose handlers keep a reference to `services`.
void add_account_endpoints(http::Router& router, Services& services);       ///< /api/auth
void add_queue_endpoints(http::Router& router, Services& services);         ///< /api/generate, /api/queue, /api/jobs
void add_progress_endpoints(http::Router& router, Services& services);      ///< /ws/progress, /api/events, live audio
void add_history_endpoints(http::Router& router, Services& services);       ///< /api/history, /api/audio, /api/thumbnail
void add_library_endpoints(http::Router& router, Services& services);       ///< songs, bin, playlists, shares
void add_assistant_endpoints(http::Router& router, Services& services);     ///< /api/ai
void add_admin_endpoints(http::Router& router, Services& services);         ///< /api/admin
void add_model_endpoints(http::Router& router, Services& services);         ///< /api/admin/models
void add_webhook_endpoints(http::Router& router, Services& services);       ///< /api/webhooks
void add_openai_endpoints(http::Router& router, Services& services);        ///< /v1
void add_transcription_endpoint(http::Router& router, Services& services);  ///< /v1/audio/transcriptions
void add_reference_endpoints(http::Router& router, Services& services,
                             SoundEmbedder& embedder);  ///< /api/references, /api/songs/{id}/reference
void add_likeness_endpoints(http::Router& router, Services& services,
                            SoundEmbedder& embedder);                   ///< /api/songs/{id}/embedding, .../similar
void add_status_endpoints(http::Router& router, Services& services);    ///< /api/status, /health, /ready, /metrics
void add_document_endpoints(http::Router& router, Services& services);  ///< /openapi.json, /docs
void add_page_endpoints(http::Router& router);                          ///< the page, at / and its other addresses

}  // namespace heart::server::api
