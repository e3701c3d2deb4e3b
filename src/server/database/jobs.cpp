#include "server/database/jobs.h"

#include "server/database/query.h"
#include "server/database/rows.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace heart::server::database {
namespace {

constexpr const char* kJob =
    "SELECT id, user_id, request_id, title, lyrics, tags, max_audio_length_ms, temperature, topk, cfg_scale, seed, take, "
    "state, reason, attempts, cancel_asked, place, created_at, started_at, finished_at, reference FROM jobs ";
constexpr const char* kJobKinds = "ttttttiririittiiriiit";
constexpr const char* kCancelled = "Generation cancelled";

constexpr std::pair<JobState, std::string_view> kStates[] = {
    {JobState::pending, "pending"}, {JobState::processing, "processing"}, {JobState::completed, "completed"},
    {JobState::failed, "failed"},   {JobState::cancelled, "cancelled"},
};

JobState state_of(std::string_view name) {
    for (const auto& [state, word] : kStates) {
        if (word == name) return state;
    }
    throw Error(ErrorCode::malformed, "the database has a job in an unknown state").found(printable(name));
}

Job read_job(Query& query) {
    Job job;
    job.id = query.text();
    job.user_id = query.text();
    job.request_id = query.text();
    job.settings = read_settings(query);
    job.state = state_of(query.text());
    job.reason = query.text();
    job.attempts = static_cast<int>(query.integer());
    job.cancel_asked = query.integer() != 0;
    job.order = query.real();
    job.created = query.integer();
    job.started = query.time();
    job.finished = query.time();
    job.reference = query.text();
    return job;
}

std::vector<Job> read_all(Query& query) {
    std::vector<Job> jobs;
    while (query.next()) jobs.push_back(read_job(query));
    return jobs;
}

std::optional<Job> find_job(soci::session& session, std::string_view id) {
    Query query(session, std::string(kJob) + "WHERE id = :id", kJobKinds);
    query.with("id", id);
    if (!query.next()) return {};
    return read_job(query);
}

void insert_job(soci::session& session, const Job& job, double place) {
    Query insert(
        session,
        "INSERT INTO jobs (id, user_id, request_id, title, lyrics, tags, max_audio_length_ms, temperature, topk, cfg_scale, "
        "seed, take, state, place, created_at, reference) VALUES (:id, :user, :request, :title, :lyrics, :tags, :length, "
        ":temperature, :topk, :cfg, :seed, :take, 'pending', :place, :created, :reference)");
    bind_settings(insert, job.settings)
        .with("id", job.id)
        .with("user", job.user_id)
        .with("request", job.request_id)
        .with("place", place)
        .with("created", job.created == 0 ? now_ms() : job.created)
        .with("reference", job.reference)
        .run();
}

/// The place behind all, or before all, that wait or are made for this user.
double place_at_end(soci::session& session, std::string_view user_id) {
    Query query(session,
                "SELECT COALESCE(MAX(place), 0) FROM jobs WHERE user_id = :user AND state IN ('pending', 'processing')",
                "r");
    query.with("user", user_id);
    query.next();
    return query.real() + 1;
}

double place_in_front(soci::session& session, std::string_view user_id) {
    Query query(session, "SELECT COALESCE(MIN(place), 0) FROM jobs WHERE user_id = :user AND state = 'pending'", "r");
    query.with("user", user_id);
    query.next();
    return query.real() - 1;
}

std::int64_t busy(soci::session& session, const std::optional<std::string>& user_id) {
    Query query(session,
                std::string("SELECT COUNT(*) FROM jobs WHERE state IN ('pending', 'processing')") +
                    (user_id ? " AND user_id = :user" : ""),
                "i");
    if (user_id) query.with("user", *user_id);
    query.next();
    return query.integer();
}

/// Whether `more` of this user's would be too many.
Jobs::Refused room_for(soci::session& session, const std::string& user_id, std::int64_t more, const Jobs::Limits& limits) {
    if (busy(session, user_id) + more > limits.per_user) return Jobs::Refused::user_limit;
    if (busy(session, {}) + more > limits.all) return Jobs::Refused::full;
    return Jobs::Refused::no;
}

/// To an end, whatever it was before.
void finish(soci::session& session, std::string_view id, JobState state, std::string_view reason) {
    Query(session, "UPDATE jobs SET state = :state, reason = :reason, finished_at = :now, announced = 0 WHERE id = :id")
        .with("state", state_name(state))
        .with("reason", reason)
        .with("now", now_ms())
        .with("id", id)
        .run();
}

/// A job that was being made waits again as the first of its user's; one that was to be cancelled ends instead.
void wait_again(soci::session& session, const Job& job, int attempts) {
    if (job.cancel_asked) {
        finish(session, job.id, JobState::cancelled, kCancelled);
        return;
    }
    Query(session,
          "UPDATE jobs SET state = 'pending', place = :place, attempts = :attempts, started_at = NULL WHERE id = :id")
        .with("place", place_in_front(session, job.user_id))
        .with("attempts", attempts)
        .with("id", job.id)
        .run();
}

/// This user's pending jobs with their places, first to last.
std::vector<std::pair<std::string, double>> places(soci::session& session, std::string_view user_id) {
    std::vector<std::pair<std::string, double>> places;
    Query query(session, "SELECT id, place FROM jobs WHERE user_id = :user AND state = 'pending' ORDER BY place, id", "tr");
    query.with("user", user_id);
    while (query.next()) {
        auto& [id, place] = places.emplace_back();
        id = query.text();
        place = query.real();
    }
    return places;
}

void set_place(soci::session& session, std::string_view id, double place) {
    Query(session, "UPDATE jobs SET place = :place WHERE id = :id").with("place", place).with("id", id).run();
}

}  // namespace

std::string_view state_name(JobState state) noexcept {
    for (const auto& [known, word] : kStates) {
        if (known == state) return word;
    }
    return "unknown";
}

Jobs::Refused Jobs::add(std::vector<Job> jobs, const Limits& limits) {
    std::map<std::string, std::int64_t> of_user;
    for (const Job& job : jobs) ++of_user[job.user_id];
    Refused refused = Refused::no;
    db_.write([&](soci::session& session) {
        for (const auto& [user, count] : of_user) {
            if (busy(session, user) + count > limits.per_user) refused = Refused::user_limit;
        }
        if (refused == Refused::no && busy(session, {}) + static_cast<std::int64_t>(jobs.size()) > limits.all) {
            refused = Refused::full;
        }
        if (refused != Refused::no) return;
        std::map<std::string, double> next;
        for (const auto& [user, count] : of_user) next[user] = place_at_end(session, user);
        for (const Job& job : jobs) insert_job(session, job, next[job.user_id]++);
    });
    return refused;
}

std::optional<Job> Jobs::start_next() {
    std::optional<Job> started;
    db_.write([&](soci::session& session) {
        Query user(session,
                   "SELECT j.user_id FROM jobs j LEFT JOIN turns t ON t.user_id = j.user_id WHERE j.state = 'pending' "
                   "GROUP BY j.user_id, t.last_turn "
                   "ORDER BY COALESCE(t.last_turn, 0), MIN(j.created_at), j.user_id LIMIT 1",
                   "t");
        if (!user.next()) return;
        const std::string user_id = user.text();
        Query first(session, std::string(kJob) + "WHERE user_id = :user AND state = 'pending' ORDER BY place, id LIMIT 1",
                    kJobKinds);
        first.with("user", user_id);
        ensure(first.next(), "a user whose turn it is has a job");
        Job job = read_job(first);
        job.state = JobState::processing;
        job.started = now_ms();
        ++job.attempts;
        Query(session, "UPDATE jobs SET state = 'processing', started_at = :now, attempts = :attempts WHERE id = :id")
            .with("now", job.started)
            .with("attempts", job.attempts)
            .with("id", job.id)
            .run();
        Query(session,
              "INSERT INTO turns (user_id, last_turn) SELECT :user, COALESCE(MAX(last_turn), 0) + 1 FROM turns WHERE true "
              "ON CONFLICT (user_id) DO UPDATE SET last_turn = excluded.last_turn")
            .with("user", user_id)
            .run();
        started = std::move(job);
    });
    return started;
}

std::vector<Job> Jobs::recover(int most_attempts) {
    std::vector<Job> failed;
    db_.write([&](soci::session& session) {
        std::vector<Job> left;
        {
            // From the last to the first, since each goes in front of those before it.
            Query query(session, std::string(kJob) + "WHERE state = 'processing' ORDER BY place DESC, id DESC", kJobKinds);
            left = read_all(query);
        }
        for (const Job& job : left) {
            if (job.cancel_asked || job.attempts < most_attempts) {
                wait_again(session, job, job.attempts);
                continue;
            }
            finish(session, job.id, JobState::failed,
                   "The server stopped " + std::to_string(job.attempts) + " times while it made this song");
            failed.push_back(*find_job(session, job.id));
        }
    });
    std::reverse(failed.begin(), failed.end());
    return failed;
}

void Jobs::came_further(std::string_view id) {
    db_.write([&](soci::session& session) {
        Query(session, "UPDATE jobs SET attempts = 1 WHERE id = :id AND state = 'processing'").with("id", id).run();
    });
}

void Jobs::put_back(std::string_view id) {
    db_.write([&](soci::session& session) {
        const auto job = find_job(session, id);
        if (job && job->state == JobState::processing) wait_again(session, *job, std::max(job->attempts - 1, 0));
    });
}

void Jobs::end(std::string_view id, JobState state, std::string_view reason) {
    if (state != JobState::failed && state != JobState::cancelled) {
        throw Error(ErrorCode::usage, "a job ends as failed or cancelled").found(std::string(state_name(state)));
    }
    db_.write([&](soci::session& session) {
        const auto job = find_job(session, id);
        if (job && job->state == JobState::processing) finish(session, id, state, reason);
    });
}

bool Jobs::cancel(std::string_view id) {
    bool done = false;
    db_.write([&](soci::session& session) {
        const auto job = find_job(session, id);
        if (!job) return;
        if (job->state == JobState::pending) {
            finish(session, id, JobState::cancelled, kCancelled);
            done = true;
        } else if (job->state == JobState::processing) {
            Query(session, "UPDATE jobs SET cancel_asked = 1 WHERE id = :id").with("id", id).run();
            done = true;
        }
    });
    return done;
}

Jobs::Refused Jobs::retry(std::string_view id, const Limits& limits) {
    Refused refused = Refused::no;
    db_.write([&](soci::session& session) {
        const auto job = find_job(session, id);
        if (!job || (job->state != JobState::failed && job->state != JobState::cancelled)) {
            throw Error(ErrorCode::not_found, "there is no failed or cancelled job of this name");
        }
        refused = room_for(session, job->user_id, 1, limits);
        if (refused != Refused::no) return;
        Query(session,
              "UPDATE jobs SET state = 'pending', reason = '', attempts = 0, cancel_asked = 0, started_at = NULL, "
              "finished_at = NULL, announced = 1, place = :place WHERE id = :id")
            .with("place", place_at_end(session, job->user_id))
            .with("id", id)
            .run();
    });
    return refused;
}

bool Jobs::move_before(std::string_view user_id, std::string_view id, const std::optional<std::string>& other) {
    bool moved = false;
    db_.write([&](soci::session& session) {
        auto line = places(session, user_id);
        const auto at = [&](std::string_view wanted) {
            return std::find_if(line.begin(), line.end(), [&](const auto& job) { return job.first == wanted; });
        };
        const auto from = at(id);
        if (from == line.end() || (other && at(*other) == line.end())) return;
        moved = true;
        if (other && *other == id) return;
        auto job = std::move(*from);
        line.erase(from);
        const auto to = other ? at(*other) : line.end();
        line.insert(to, std::move(job));
        // Everybody's place anew: a user has few jobs, and halves of halves run out.
        double next = 0;
        for (const auto& [name, old] : line) {
            if (old != ++next) set_place(session, name, next);
        }
    });
    return moved;
}

std::optional<Job> Jobs::by_id(std::string_view id) const {
    std::optional<Job> found;
    db_.read([&](soci::session& session) { found = find_job(session, id); });
    return found;
}

std::vector<Job> Jobs::unannounced(std::int64_t most) const {
    std::vector<Job> jobs;
    db_.read([&](soci::session& session) {
        Query query(session, std::string(kJob) + "WHERE announced = 0 ORDER BY finished_at, id LIMIT :most", kJobKinds);
        query.with("most", most);
        jobs = read_all(query);
    });
    return jobs;
}

std::vector<Job> Jobs::queue_of(std::string_view user_id) const {
    std::vector<Job> jobs;
    db_.read([&](soci::session& session) {
        Query query(session,
                    std::string(kJob) +
                        "WHERE user_id = :user AND state IN ('pending', 'processing') "
                        "ORDER BY CASE state WHEN 'processing' THEN 0 ELSE 1 END, place, id",
                    kJobKinds);
        query.with("user", user_id);
        jobs = read_all(query);
    });
    return jobs;
}

std::vector<Job> Jobs::failures_of(std::string_view user_id, std::int64_t most) const {
    std::vector<Job> jobs;
    db_.read([&](soci::session& session) {
        Query query(
            session,
            std::string(kJob) +
                "WHERE user_id = :user AND state IN ('failed', 'cancelled') ORDER BY finished_at DESC, id LIMIT :most",
            kJobKinds);
        query.with("user", user_id).with("most", std::max<std::int64_t>(most, 0));
        jobs = read_all(query);
    });
    return jobs;
}

bool Jobs::forget(std::string_view user_id, std::string_view id) {
    bool forgotten = false;
    db_.write([&](soci::session& session) {
        forgotten =
            Query(session, "DELETE FROM jobs WHERE id = :id AND user_id = :user AND state IN ('failed', 'cancelled')")
                .with("id", id)
                .with("user", user_id)
                .run() == 1;
    });
    return forgotten;
}

std::vector<Job> Jobs::in_turn() const {
    std::vector<Job> pending;
    std::map<std::string, std::int64_t> turns;
    std::int64_t last_turn = 0;
    db_.read([&](soci::session& session) {
        Query jobs(session, std::string(kJob) + "WHERE state = 'pending' ORDER BY place, id", kJobKinds);
        pending = read_all(jobs);
        Query served(session, "SELECT user_id, last_turn FROM turns", "ti");
        while (served.next()) {
            const std::string user = served.text();
            last_turn = std::max(last_turn, turns[user] = served.integer());
        }
    });

    // What start_next would do, again and again: the user at the front of the line starts one and goes to its end.
    struct Line {
        std::vector<std::size_t> jobs;  ///< indices into `pending`, last first
        TimeMs oldest = 0;
    };
    std::map<std::string, Line> lines;
    for (std::size_t i = pending.size(); i-- > 0;) {
        Line& line = lines[pending[i].user_id];
        line.oldest = line.jobs.empty() ? pending[i].created : std::min(line.oldest, pending[i].created);
        line.jobs.push_back(i);
    }
    std::map<std::tuple<std::int64_t, TimeMs, std::string>, Line*> waiting;
    for (auto& [user, line] : lines) {
        const auto turn = turns.find(user);
        waiting.emplace(std::tuple(turn == turns.end() ? 0 : turn->second, line.oldest, user), &line);
    }
    std::vector<Job> order;
    order.reserve(pending.size());
    while (!waiting.empty()) {
        const auto front = waiting.extract(waiting.begin());
        Line& line = *front.mapped();
        order.push_back(std::move(pending[line.jobs.back()]));
        line.jobs.pop_back();
        if (!line.jobs.empty()) waiting.emplace(std::tuple(++last_turn, TimeMs{0}, std::get<2>(front.key())), &line);
    }
    return order;
}

std::int64_t Jobs::count(JobState state) const {
    std::int64_t count = 0;
    db_.read([&](soci::session& session) {
        Query query(session, "SELECT COUNT(*) FROM jobs WHERE state = :state", "i");
        query.with("state", state_name(state));
        if (query.next()) count = query.integer();
    });
    return count;
}

}  // namespace heart::server::database
