#pragma once

#include "server/api/services.h"
#include "server/api/validation.h"

#include <optional>
#include <string>

namespace heart::server::api {

/// What a request for a song says about what it is to take after.
struct ReferenceWish {
    std::optional<std::string> id;   ///< of a kept reference
    std::optional<std::string> of;   ///< a song or job of one's own: its reference
    std::optional<double> strength;  ///< 0 to 16; none: 1, or that of `of`
};

/// The fields reference_id, reference_of and reference_strength.
[[nodiscard]] ReferenceWish read_reference_wish(Fields& fields);

/// What the job is to carry (database::Job::reference); empty: none. `fields` are the request's: what is not there, or
/// somebody else's, is a fault of its field, and thrown.
[[nodiscard]] std::string reference_of_wish(const Services& services, const database::User& user, const ReferenceWish& wish,
                                            Fields& fields);

/// {"source", "start", "seconds", "model", "licence", "strength"} of what a job carries, or of a song's recipe; null where
/// there is none. Without the embedding.
[[nodiscard]] Json reference_facts(const Json& settings);

}  // namespace heart::server::api
