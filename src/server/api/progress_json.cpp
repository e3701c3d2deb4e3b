#include "server/api/progress_json.h"

namespace heart::server::api {

std::string progress_message(const jobs::JobProgress& progress) {
    // The words that the Python studio's clients wait for: there a cover followed.
    if (progress.state == database::JobState::completed) return "Generation complete! Generating thumbnail...";
    if (progress.state == database::JobState::cancelled) return "Generation cancelled";
    return progress.message;
}

Json progress_json(const jobs::JobProgress& progress) {
    return {{"id", progress.id},
            {"status", database::state_name(progress.state)},
            {"progress", progress.progress},
            {"total_frames", progress.total_frames},
            {"message", progress_message(progress)},
            {"phase", jobs::phase_name(progress.phase)},
            {"composed_seconds", progress.composed_seconds},
            {"rendered_seconds", progress.rendered_seconds},
            {"position", progress.position},
            {"eta_seconds", progress.eta_seconds ? Json(*progress.eta_seconds) : Json(nullptr)}};
}

}  // namespace heart::server::api
