#include "core/philox.h"
#include "server/api/idempotency.h"
#include "server/api/reference_wish.h"
#include "server/api/reply.h"

#include <fmt/format.h>

namespace heart::server::api {

namespace {

using database::Job;
using database::JobState;
using Refused = database::Jobs::Refused;

constexpr std::uint64_t kMostSeed = (std::uint64_t{1} << 53) - 1;  // what every JSON reader keeps exactly

void check_text(Fields& fields, const std::string& name, const std::string& text, std::size_t most) {
    if (text.size() > most) fields.fault(name, fmt::format("at most {} bytes are allowed", most));
    // It ends a text for the database's and other programs.
    if (text.find('\0') != std::string::npos) fields.fault(name, "the character U+0000 is not allowed");
}

struct Wish {
    Fields fields;
    database::SongSettings settings;  ///< title: may be empty still
    ReferenceWish reference;
    std::int64_t takes = 1;
};

Wish read_wish(const Services& services, const http::Request& request) {
    Wish wish{.fields = Fields::of_body(request)};
    Fields& fields = wish.fields;
    database::SongSettings& s = wish.settings;
    s.lyrics = fields.text("lyrics");
    s.tags = fields.text("tags");
    s.title = fields.optional_text("title").value_or("");
    s.max_audio_length_ms = fields.integer_or("max_audio_length_ms", 120'000, 10'000, 240'000);
    s.temperature = fields.number_or("temperature", 1.0, 0.1, 2.0);
    s.topk = fields.integer_or("topk", 50, 1, 500);
    s.cfg_scale = fields.number_or("cfg_scale", 1.5, 1.0, 5.0);
    const auto seed = fields.optional_natural("seed", kMostSeed);
    wish.reference = read_reference_wish(fields);
    wish.takes = fields.integer_or("takes", 1, 1, services.options.max_takes);
    check_text(fields, "lyrics", s.lyrics, services.options.max_lyrics_bytes);
    check_text(fields, "tags", s.tags, services.options.max_tags_bytes);
    check_text(fields, "title", s.title, services.options.max_title_bytes);
    fields.finish();
    s.seed = seed ? *seed : random_seed();
    return wish;
}

void refuse_full(const Services& services, Refused refused) {
    if (refused == Refused::no) return;
    http::Headers headers;
    headers.set("Retry-After", "30");
    if (refused == Refused::user_limit) {
        refuse(429, fmt::format("You have {} songs in the queue, which is the limit", services.options.queue.per_user),
               std::move(headers));
    }
    refuse(503, "The queue is full", std::move(headers));
}

Json accepted_json(const std::string& id) {
    return {{"id", id}, {"status", "pending"}, {"message", "Generation added to queue"}};
}

http::Response generate(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Wish wish = read_wish(services, request);
    return answer_once(services, user, request, [&](const std::function<std::string(std::int64_t)>& id_of) {
        std::vector<Job> jobs;
        Json ids = Json::array();
        std::uint64_t seed = wish.settings.seed;
        for (std::int64_t take = 0; take < wish.takes; ++take) {
            const std::string id = id_of(take);
            ids.push_back(id);
            // A crash between taking the jobs and writing down the answer: they are there, and the answer is theirs.
            if (const auto there = services.jobs.by_id(id)) {
                seed = there->settings.seed;
                continue;
            }
            Job job;
            job.id = id;
            job.user_id = user.id;
            job.request_id = ids[0].get<std::string>();
            job.settings = wish.settings;
            job.settings.take = take;
            if (job.settings.title.empty()) job.settings.title = "Generation " + id.substr(0, 8);
            job.created = database::now_ms();
            jobs.push_back(std::move(job));
        }
        if (!jobs.empty()) {
            // Not before: what was answered is answered again, also when the reference is gone.
            const std::string reference = reference_of_wish(services, user, wish.reference, wish.fields);
            for (Job& job : jobs) job.reference = reference;
        }
        if (!jobs.empty()) refuse_full(services, services.runner.add(std::move(jobs)));
        Json out = accepted_json(ids[0].get<std::string>());
        out["ids"] = ids;
        out["seed"] = seed;
        return json_reply(out);
    });
}

http::Response queue(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Json items = Json::array();
    Json active = nullptr;
    for (const Job& job : services.jobs.queue_of(user.id)) {
        if (job.state == JobState::processing && active.is_null()) active = job.id;
        items.push_back(job_json(services, job));
    }
    return json_reply({{"items", std::move(items)}, {"active_id", std::move(active)}});
}

http::Response cancel(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const auto job = services.jobs.by_id(request.parameter("id"));
    // Unknown ids get the answer of other people's: an id tells nothing.
    if (!job || job->user_id != user.id) refuse(403, "You can only cancel your own generations");
    if (!services.runner.cancel(*job)) {
        const auto now = services.jobs.by_id(job->id);
        if (!now || now->state != JobState::cancelled) refuse(404, "Entry not found in queue");
    }
    return json_reply({{"message", "Generation cancelled"}});
}

/// The user's job of that id; 404 else, whoever's it is.
Job own_job(const Services& services, const database::User& user, const std::string& id) {
    auto job = services.jobs.by_id(id);
    if (!job || job->user_id != user.id) refuse(404, "Job not found");
    return std::move(*job);
}

bool is_waiting_or_running(const Job& job) {
    return job.state == JobState::pending || job.state == JobState::processing;
}

http::Response retry(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const Job job = own_job(services, user, request.parameter("id"));
    if (job.state != JobState::failed && job.state != JobState::cancelled) {
        refuse(409, "Only failed and cancelled songs can be tried again");
    }
    refuse_full(services, services.runner.retry(job));
    return json_reply(accepted_json(job.id));
}

http::Response move(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Fields fields = Fields::of_body(request);
    const auto before = fields.optional_text("before", {.most = 100});
    fields.finish();
    const Job job = own_job(services, user, request.parameter("id"));
    if (before) (void)own_job(services, user, *before);
    if (!services.runner.move_before(job, before)) refuse(409, "Only waiting songs can be moved");
    return json_reply({{"message", "Job moved"}});
}

http::Response failures(const Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    Fields fields = Fields::of_query(request);
    const std::int64_t limit = fields.integer_or("limit", 50, 1, 200);
    fields.finish();
    Json items = Json::array();
    for (const Job& job : services.jobs.failures_of(user.id, limit)) items.push_back(job_json(services, job));
    return json_reply({{"items", std::move(items)}});
}

http::Response forget(Services& services, const http::Request& request) {
    const database::User user = user_of(services, request);
    const Job job = own_job(services, user, request.parameter("id"));
    if (is_waiting_or_running(job)) refuse(409, "Cancel the song before you remove it");
    if (!services.jobs.forget(user.id, job.id)) refuse(404, "Job not found");
    return json_reply({{"message", "Job removed"}});
}

}  // namespace

void add_queue_endpoints(http::Router& router, Services& services) {
    router.add("POST", "/api/generate", [&services](const auto& r) { return generate(services, r); });
    router.add("GET", "/api/queue", [&services](const auto& r) { return queue(services, r); });
    router.add("DELETE", "/api/queue/{id}", [&services](const auto& r) { return cancel(services, r); });
    router.add("GET", "/api/jobs/failures", [&services](const auto& r) { return failures(services, r); });
    router.add("GET", "/api/jobs/{id}", [&services](const http::Request& r) {
        const database::User user = user_of(services, r);
        return json_reply(job_json(services, own_job(services, user, r.parameter("id"))));
    });
    router.add("DELETE", "/api/jobs/{id}", [&services](const auto& r) { return forget(services, r); });
    router.add("POST", "/api/jobs/{id}/retry", [&services](const auto& r) { return retry(services, r); });
    router.add("POST", "/api/jobs/{id}/move", [&services](const auto& r) { return move(services, r); });
}

}  // namespace heart::server::api
