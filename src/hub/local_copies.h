#pragma once

#include "hub/remote.h"

#include <filesystem>
#include <optional>

namespace heart::hub {

/// A file of this size that Hugging Face's or ModelScope's own tools keep on this machine ($HF_HUB_CACHE, $HF_HOME/hub,
/// ~/.cache/huggingface/hub, $MODELSCOPE_CACHE, ~/.cache/modelscope) where this one would be. Its checksum was not looked
/// at.
[[nodiscard]] std::optional<std::filesystem::path> local_copy(const Repository& repository, const RemoteFile& file);

/// Makes `target` of it without moving bytes where the disk can (a hard link), else by copying. Whatever was there is
/// replaced. ErrorCode::io.
void take_copy(const std::filesystem::path& copy, const std::filesystem::path& target);

}  // namespace heart::hub
