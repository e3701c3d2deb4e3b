#pragma once

#include "server/api/services.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace heart::server::api {

/// Heart Studio: all rooms of the server put together.
class Studio {
public:
    /// Opens the database, binds the port; serves nothing yet. `maker` must outlive the studio. Throws what these throw, and
    /// ErrorCode::usage for a host that others can reach without TLS unless `allow_public` says so, or while another process
    /// has the data folder.
    Studio(StudioOptions options, jobs::SongMaker& maker, bool allow_public);
    Studio(const Studio&) = delete;
    Studio& operator=(const Studio&) = delete;
    ~Studio();

    void start();
    /// Finishes or checkpoints within about `grace`.
    void stop(std::chrono::milliseconds grace);
    [[nodiscard]] std::string address() const;  ///< "http://127.0.0.1:8000"
    [[nodiscard]] std::uint16_t port() const;

private:
    class Inside;
    std::unique_ptr<Inside> inside_;
};

}  // namespace heart::server::api
