#pragma once

// Vectors and indexes for tests of searching.

#include "search/vector_index.h"

#include <fmt/format.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace heart::test {

using Vector = std::vector<float>;

inline Vector random_vector(std::int64_t dimension, std::mt19937& random) {
    std::normal_distribution<float> normal;
    Vector out(static_cast<std::size_t>(dimension));
    for (float& x : out) x = normal(random);
    return out;
}

/// Vectors that stand about 45 degrees from one of a few centres, as embeddings do.
class ClusteredVectors {
public:
    ClusteredVectors(std::int64_t dimension, int clusters) : dimension_(dimension) {
        for (int i = 0; i < clusters; ++i) centres_.push_back(random_vector(dimension, random_));
    }
    Vector next() {
        Vector out = random_vector(dimension_, random_);
        const Vector& centre = centres_[random_() % centres_.size()];
        for (std::size_t i = 0; i < out.size(); ++i) out[i] += centre[i];
        return out;
    }

private:
    std::mt19937 random_{17};
    std::int64_t dimension_;
    std::vector<Vector> centres_;
};

inline search::EmbeddingKind kind_of(std::int64_t dimension) {
    return {"a/model", "CC-BY-NC-4.0", dimension};
}

inline std::vector<std::string> names_of(const std::vector<search::Match>& matches) {
    std::vector<std::string> out;
    for (const search::Match& m : matches) out.push_back(m.name);
    return out;
}

/// `count` clustered vectors named 00000, 00001, ...
inline void fill(search::VectorIndex& index, std::int64_t count) {
    ClusteredVectors vectors(index.kind().dimension, static_cast<int>(count / 50 + 1));
    for (std::int64_t i = 0; i < count; ++i) index.put({fmt::format("{:05}", i), 1, i}, vectors.next());
}

}  // namespace heart::test
