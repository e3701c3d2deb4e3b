#include "server/api/reply.h"

#include "core/error.h"
#include "server/api/log.h"
#include "server/api/openai_reply.h"
#include "server/api/reference_wish.h"
#include "server/http/request_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

namespace heart::server::api {

namespace {

using accounts::AccountError;
using accounts::Refusal;
using assistant::AssistantError;

constexpr const char* kInternal = "Internal Server Error";

http::Headers bearer_challenge() {
    http::Headers headers;
    headers.set("WWW-Authenticate", "Bearer");
    return headers;
}

database::User user_of_token(const Services& services, std::string_view token) {
    accounts::Accounts::Identity identity = services.accounts.identify(token);
    if (identity.user) return std::move(*identity.user);
    refuse(401, identity.fault == accounts::Accounts::TokenFault::no_user ? "User not found" : "Invalid or expired token",
           bearer_challenge());
}

http::Response detail_reply(int status, const std::string& detail, const http::Headers& headers = {}) {
    http::Response out = json_reply({{"detail", detail}}, status);
    for (const auto& [name, value] : headers.all()) out.headers.set(name, value);
    return out;
}

http::Response account_reply(const AccountError& error) {
    switch (error.refusal()) {
        case Refusal::email_taken: return detail_reply(400, "Email already registered");
        case Refusal::username_taken: return detail_reply(400, "Username already taken");
        case Refusal::registration_closed: return detail_reply(403, "Registration is closed");
        case Refusal::invite_needed: return detail_reply(403, "An invite is needed to register");
        case Refusal::invite_invalid: return detail_reply(403, "This invite is not valid any more");
        case Refusal::disabled: return detail_reply(403, "This account is disabled");
        case Refusal::wrong_password: return detail_reply(401, "Invalid email or password");
        case Refusal::too_many_tries: break;
    }
    http::Headers headers;
    headers.set("Retry-After", fmt::format("{}", std::max<std::int64_t>(1, (error.retry_after().count() + 999) / 1000)));
    return detail_reply(429, "Too many tries. Please wait before trying again.", headers);
}

http::Response assistant_reply(const AssistantError& error) {
    switch (error.kind()) {
        case AssistantError::Kind::not_configured:
            return detail_reply(503, "OpenAI API not configured. Set OPENAI_API_KEY environment variable.");
        case AssistantError::Kind::unreachable: return detail_reply(500, "OpenAI API error: the server cannot be reached");
        case AssistantError::Kind::timeout: return detail_reply(500, "OpenAI API error: no answer in time");
        case AssistantError::Kind::refused:
            return detail_reply(500, fmt::format("OpenAI API error: {}", error.upstream_status()));
        case AssistantError::Kind::bad_answer: break;
    }
    return detail_reply(500, "Failed to parse OpenAI response as JSON");
}

http::Response inner_reply(const http::Request& request, const std::exception& error) {
    if (const auto* typed = dynamic_cast<const Error*>(&error)) {
        if (typed->code() == ErrorCode::cancelled) return detail_reply(503, "The server is stopping");
        if (typed->code() == ErrorCode::memory) return detail_reply(503, "Not enough memory at the moment");
    }
    if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return detail_reply(503, "Not enough memory at the moment");
    log(LogLevel::error, "request failed",
        {{"id", request.id}, {"method", request.method}, {"why", printable(error.what())}});
    return detail_reply(500, kInternal);
}

Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

/// What the hub knows about a job, or what the database's row says by itself.
jobs::JobProgress progress_of(const Services& services, const database::Job& job) {
    if (auto known = services.hub.of(job.id)) return std::move(*known);
    jobs::JobProgress out;
    out.phase = job.state == database::JobState::pending || job.state == database::JobState::processing
                    ? jobs::JobPhase::waiting
                    : jobs::JobPhase::ended;
    return out;
}

}  // namespace

std::optional<std::string_view> bearer_token(const http::Request& request) {
    const auto field = request.headers.find("Authorization");
    if (!field) return std::nullopt;
    constexpr std::string_view kScheme = "bearer";
    std::string_view value = *field;
    const auto same = [](char scheme, char c) { return (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) == scheme; };
    if (value.size() <= kScheme.size() || !std::equal(kScheme.begin(), kScheme.end(), value.begin(), same)) {
        return std::nullopt;
    }
    value.remove_prefix(kScheme.size());
    if (!value.starts_with(' ')) return std::nullopt;
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    return value.empty() ? std::nullopt : std::optional(value);
}

http::Response json_reply(const Json& value, int status) {
    http::Response out;
    out.status = status;
    out.headers.set("Content-Type", "application/json");
    out.body = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    return out;
}

void refuse(int status, const std::string& detail, http::Headers headers) {
    throw http::HttpError(status, detail, std::move(headers));
}

database::User user_of(const Services& services, const http::Request& request) {
    const auto token = bearer_token(request);
    if (!token) refuse(401, "Not authenticated", bearer_challenge());
    return user_of_token(services, *token);
}

std::optional<database::User> user_if_any(const Services& services, const http::Request& request) {
    const auto token = bearer_token(request);
    return token ? std::optional(user_of_token(services, *token)) : std::nullopt;
}

database::User admin_of(const Services& services, const http::Request& request) {
    database::User user = user_of(services, request);
    if (!user.admin) refuse(403, "Administrators only");
    return user;
}

namespace {

http::Response plain_error_reply(const http::Request& request, std::exception_ptr error) {
    try {
        std::rethrow_exception(std::move(error));
    } catch (const http::HttpError& e) {
        return detail_reply(e.status(), e.detail(), e.headers());
    } catch (const ValidationError& e) {
        return json_reply({{"detail", e.detail()}}, 422);
    } catch (const AccountError& e) {
        return account_reply(e);
    } catch (const AssistantError& e) {
        return assistant_reply(e);
    } catch (const std::exception& e) {
        return inner_reply(request, e);
    } catch (...) {
        return detail_reply(500, kInternal);
    }
}

}  // namespace

http::Response error_reply(const http::Request& request, std::exception_ptr error) {
    http::Response plain = plain_error_reply(request, std::move(error));
    return request.path.starts_with("/v1/") ? in_openai_form(plain) : plain;
}

Json user_json(const database::User& user) {
    return {{"id", user.id},
            {"username", user.username},
            {"email", user.email},
            {"created_at", database::iso_time(user.created)},
            {"admin", user.admin}};
}

std::string media_address(const Services& services, const std::string& thing) {
    constexpr std::int64_t kLife = 12 * 3600, kStep = 3600;  // the same address for an hour: browsers cache by it
    const std::int64_t expires = (database::now_ms() / 1000 / kStep) * kStep + kLife;
    return fmt::format("/api/{}?exp={}&sig={}", thing, expires,
                       http::percent_encoded(accounts::sign_media(services.accounts.key(), thing, expires)));
}

bool has_media_proof(const Services& services, const http::Request& request, std::string_view thing) {
    for (const char* name : {"sig", "token"}) {
        const auto proof = request.query_value(name);
        if (proof && accounts::verify_media(services.accounts.key(), thing, *proof, database::now_ms() / 1000)) return true;
    }
    return false;
}

Json time_or_null(const std::optional<database::TimeMs>& time) {
    return time ? Json(database::iso_time(*time)) : Json(nullptr);
}

Json song_json(const Services& services, const database::Song& song) {
    const database::SongSettings& s = song.settings;
    Json recipe = nullptr;
    if (!song.recipe.empty()) recipe = Json::parse(song.recipe, nullptr, false);
    if (recipe.is_discarded()) recipe = nullptr;
    Json reference = reference_facts(recipe);
    if (recipe.is_object()) recipe.erase("reference_embedding");  // kilobytes that no list needs; /recipe has them
    return {{"id", song.id},
            {"title", text_or_null(s.title)},
            {"lyrics", s.lyrics},
            {"tags", s.tags},
            {"audio_path", song.audio_path},
            {"thumbnail_path", text_or_null(song.thumbnail_path)},
            {"created_at", database::iso_time(song.created)},
            {"duration_ms", song.duration_ms},
            {"temperature", s.temperature},
            {"topk", s.topk},
            {"cfg_scale", s.cfg_scale},
            {"user_id", text_or_null(song.user_id)},
            {"max_audio_length_ms", s.max_audio_length_ms},
            {"seed", s.seed},
            {"take", s.take},
            {"request_id", text_or_null(song.request_id)},
            {"frames", song.frames},
            {"favourite", song.favourite},
            {"rating", song.rating},
            {"tag_similarity", song.tag_similarity ? Json(*song.tag_similarity) : Json(nullptr)},
            {"reference", std::move(reference)},
            {"deleted_at", time_or_null(song.deleted)},
            {"recipe", std::move(recipe)},
            {"audio_url", media_address(services, "audio/" + song.id)},
            {"thumbnail_url",
             song.thumbnail_path.empty() ? Json(nullptr) : Json(media_address(services, "thumbnail/" + song.id))}};
}

Json job_json(const Services& services, const database::Job& job) {
    const database::SongSettings& s = job.settings;
    const jobs::JobProgress progress = progress_of(services, job);
    constexpr std::int64_t kFrameMs = 80;
    return {{"id", job.id},
            {"title", s.title},
            {"status", database::state_name(job.state)},
            {"progress", progress.progress},
            {"total_frames", progress.total_frames > 0 ? progress.total_frames : s.max_audio_length_ms / kFrameMs},
            {"created_at", database::iso_time(job.created)},
            {"lyrics", s.lyrics},
            {"tags", s.tags},
            {"phase", jobs::phase_name(progress.phase)},
            {"composed_seconds", progress.composed_seconds},
            {"rendered_seconds", progress.rendered_seconds},
            {"position", progress.position},
            {"eta_seconds", progress.eta_seconds ? Json(*progress.eta_seconds) : Json(nullptr)},
            {"message", progress.message},
            {"reason", text_or_null(job.reason)},
            {"attempts", job.attempts},
            {"started_at", time_or_null(job.started)},
            {"finished_at", time_or_null(job.finished)},
            {"max_audio_length_ms", s.max_audio_length_ms},
            {"temperature", s.temperature},
            {"topk", s.topk},
            {"cfg_scale", s.cfg_scale},
            {"seed", s.seed},
            {"take", s.take},
            {"request_id", text_or_null(job.request_id)},
            {"reference", reference_facts(Json::parse(job.reference, nullptr, false))},
            {"audio_url",
             services.runner.live(job.id) ? Json(media_address(services, "jobs/" + job.id + "/audio")) : Json(nullptr)}};
}

}  // namespace heart::server::api
