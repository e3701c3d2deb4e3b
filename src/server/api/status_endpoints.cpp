#include "core/error.h"
#include "server/api/embedder_process.h"
#include "server/api/log.h"
#include "server/api/metrics.h"
#include "server/api/reply.h"
#include "server/api/transcriber_process.h"

#include <fmt/format.h>

#include <fstream>

#include <unistd.h>

namespace heart::server::api {

namespace {

using database::JobState;

const char* registration_name(accounts::Registration registration) {
    switch (registration) {
        case accounts::Registration::open: return "open";
        case accounts::Registration::invite: return "invite";
        case accounts::Registration::closed: break;
    }
    return "closed";
}

http::Response status(const Services& services) {
    const jobs::SongMaker::Status maker = services.maker.status();
    const StudioOptions& o = services.options;
    const std::int64_t queued = services.jobs.count(JobState::pending) + services.jobs.count(JobState::processing);
    // The Python studio needed a GPU, and its page lets nobody ask for a song where `gpu_available` is false. Here every
    // device makes songs: the field says what such a page asks it for, and `gpu` what its name does.
    return json_reply({{"gpu_available", true},
                       {"gpu_name", maker.device},
                       {"gpu", maker.gpu},
                       {"model_loaded", maker.model_loaded},
                       {"queue_length", queued},
                       {"openai_configured", services.assistant.configured()},
                       {"version", HEART_VERSION},
                       {"model", o.model_label.empty() ? maker.model : o.model_label},
                       {"device", maker.device},
                       {"registration", registration_name(o.accounts.registration)},
                       {"covers_configured", services.assistant.draws()},
                       {"transcriptor_present", can_transcribe(o)},
                       {"embedder_present", can_embed(o)},
                       {"signed_media", o.signed_media},
                       {"limits",
                        {{"lyrics_bytes", o.max_lyrics_bytes},
                         {"tags_bytes", o.max_tags_bytes},
                         {"title_bytes", o.max_title_bytes},
                         {"takes", o.max_takes},
                         {"queue_per_user", o.queue.per_user},
                         {"queue", o.queue.all}}}});
}

http::Response ready(const Services& services) {
    if (services.stopping.cancelled()) refuse(503, "The server is stopping");
    try {
        services.database.check();
    } catch (const std::exception& e) {
        log(LogLevel::error, "database does not answer", {{"why", printable(e.what())}});
        refuse(503, "The database does not answer");
    }
    return json_reply({{"status", "ready"}});
}

/// Bytes of this process in memory; 0 where the system does not tell.
double resident_bytes() {
    std::ifstream in("/proc/self/statm");
    double pages = 0, resident = 0;
    in >> pages >> resident;
    return in ? resident * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0;
}

void add_job_metrics(const Services& services, std::string& out) {
    const jobs::RunnerCounters jobs = services.runner.counters();
    const auto count = [](std::uint64_t n) { return static_cast<double>(n); };
    const auto waiting = [&](JobState state) { return static_cast<double>(services.jobs.count(state)); };
    add_metric(
        out, "heart_queue_jobs", "gauge", "Songs that wait or are being made.",
        {{"{state=\"pending\"}", waiting(JobState::pending)}, {"{state=\"processing\"}", waiting(JobState::processing)}});
    add_metric(out, "heart_jobs_ended_total", "counter", "Songs that came to an end since the start.",
               {{"{state=\"completed\"}", count(jobs.completed)},
                {"{state=\"failed\"}", count(jobs.failed)},
                {"{state=\"cancelled\"}", count(jobs.cancelled)}});
    add_metric(out, "heart_jobs_resumed_total", "counter", "Songs that went on behind their journal.",
               {{"", count(jobs.resumed)}});
    add_metric(out, "heart_job_work_seconds_total", "counter", "Time spent on making songs.", {{"", jobs.work_seconds}});
    add_metric(out, "heart_job_song_seconds_total", "counter", "Sound that was made.", {{"", jobs.song_seconds}});
    add_metric(out, "heart_ms_per_frame", "gauge", "Time for a frame (80 ms of sound), lately.", {{"", jobs.ms_per_frame}});
}

http::Response metrics(const Services& services, const http::Request& request) {
    // A proxy on this machine that is not known as one would speak for the whole world: it shows by its header.
    const bool local = (request.remote_address == "127.0.0.1" || request.remote_address == "::1") &&
                       !request.headers.find("X-Forwarded-For") && !request.headers.find("Forwarded");
    if (!local) (void)admin_of(services, request);
    std::string text = services.metrics.text();
    add_job_metrics(services, text);
    const http::ServerCounters server = services.counters();
    const auto count = [](std::uint64_t n) { return static_cast<double>(n); };
    add_metric(text, "heart_connections", "gauge", "Open connections.", {{"", count(server.connections)}});
    add_metric(text, "heart_connections_accepted_total", "counter", "Connections that were taken.",
               {{"", count(server.accepted)}});
    add_metric(text, "heart_connections_refused_total", "counter", "Connections over a limit.",
               {{"", count(server.refused)}});
    add_metric(text, "heart_websockets", "gauge", "Open WebSockets.", {{"", count(server.websockets)}});
    add_metric(text, "heart_streams", "gauge", "Open streams of events and sound.", {{"", count(server.streams)}});
    add_metric(text, "process_resident_memory_bytes", "gauge", "Memory of the process.", {{"", resident_bytes()}});
    http::Response out;
    out.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    out.body = std::move(text);
    return out;
}

}  // namespace

void add_status_endpoints(http::Router& router, Services& services) {
    router.add("GET", "/api/status", [&services](const http::Request&) { return status(services); });
    router.add("GET", "/health", [](const http::Request&) { return json_reply({{"status", "ok"}}); });
    router.add("GET", "/ready", [&services](const http::Request&) { return ready(services); });
    router.add("GET", "/metrics", [&services](const auto& r) { return metrics(services, r); });
}

}  // namespace heart::server::api
