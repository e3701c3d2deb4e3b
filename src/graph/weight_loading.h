#pragma once

#include "core/cancel.h"
#include "graph/weights.h"

#include <functional>
#include <memory>
#include <string>

namespace heart::graph {

/// The type in which a planned weight will be stored.
[[nodiscard]] Type stored_type(const WeightPlan::Entry& entry, const WeightTypes& types, const TensorLookup& lookup);

/// Bytes that the planned weights will take on a device; without `lookup`, as if no source were quantised.
[[nodiscard]] std::uint64_t planned_bytes(const WeightPlan& plan, const WeightTypes& types, const TensorLookup& lookup = {});

/// Called after each weight with the bytes of checkpoint done so far and in all.
using LoadProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Checks the plan, takes memory on the device, fills every slot, and lets go of the file's pages behind it; converts with
/// the device's threads. Matrices of products take the layout that the device's kernels read fastest. The slots are valid as
/// long as the returned store.
[[nodiscard]] std::unique_ptr<TensorStore> load_weights(const WeightPlan& plan, const TensorLookup& lookup,
                                                        const std::string& where, const std::shared_ptr<Device>& device,
                                                        const WeightTypes& types, const LoadProgress& progress,
                                                        const CancelToken& cancel);

}  // namespace heart::graph
