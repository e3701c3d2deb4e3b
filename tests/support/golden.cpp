#include "support/golden.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

namespace heart::test {

std::filesystem::path data_path(const std::string& name) {
    return std::filesystem::path(HEART_TEST_DATA) / name;
}

formats::Folder tiny(const std::string& name) {
    return formats::Folder::on_disk(data_path("ckpt-tiny") / name);
}

Golden::Golden(const std::string& manifest, const std::string& file)
    : manifest_(formats::parse_json(formats::Bytes::map_file(data_path("golden/" + manifest)).text(), manifest)),
      entries_(manifest_.at("files").at(file)),
      tensors_(formats::parse_safetensors(formats::Bytes::map_file(data_path("golden/" + file)), file)) {}

const formats::TensorView& Golden::tensor(const std::string& name) const {
    const auto it = tensors_.find(name);
    if (it == tensors_.end()) throw std::runtime_error("no golden tensor " + name);
    return it->second;
}

std::vector<std::uint64_t> Golden::shape(const std::string& name) const {
    return tensor(name).shape;
}

std::vector<float> Golden::floats(const std::string& name) const {
    std::vector<float> out(tensor(name).elements());
    formats::read_as_f32(tensor(name), 0, out);
    return out;
}

std::vector<std::int32_t> Golden::integers(const std::string& name) const {
    const formats::TensorView& t = tensor(name);
    std::vector<std::int32_t> out;
    for (std::size_t i = 0; i < t.elements(); ++i) {
        std::int64_t value = 0;
        std::memcpy(&value, t.data.data() + i * 8, 8);
        out.push_back(static_cast<std::int32_t>(value));
    }
    return out;
}

void Golden::expect_close(const std::string& name, std::span<const float> expected, std::span<const float> test) const {
    const auto& entry = entries_.at(name);
    const double atol = entry.at("atol"), rtol = entry.at("rtol");
    ASSERT_EQ(expected.size(), test.size()) << name;
    double worst = 0;
    std::size_t where = 0, out = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double share = std::abs(static_cast<double>(test[i]) - expected[i]) / (atol + rtol * std::abs(expected[i]));
        const double excess = std::isnan(share) ? std::numeric_limits<double>::infinity() : share;
        out += excess > 1 ? 1 : 0;
        if (excess > worst) worst = excess, where = i;
    }
    EXPECT_LE(worst, 1.0) << name << ": " << out << " of " << expected.size()
                          << " elements are out of tolerance; the worst, element " << where << ", is " << test[where]
                          << ", reference " << expected[where];
}

void Golden::expect_close(const std::string& name, std::span<const float> test) const {
    expect_close(name, floats(name), test);
}

double snr_db(std::span<const float> reference, std::span<const float> test) {
    EXPECT_EQ(reference.size(), test.size());
    double signal = 0, error = 0;
    for (std::size_t i = 0; i < std::min(reference.size(), test.size()); ++i) {
        signal += static_cast<double>(reference[i]) * reference[i];
        error += (static_cast<double>(test[i]) - reference[i]) * (static_cast<double>(test[i]) - reference[i]);
    }
    return 10 * std::log10(signal / error);
}

std::vector<float> transposed(std::span<const float> values, std::size_t rows, std::size_t columns) {
    std::vector<float> out(values.size());
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = values[r * columns + c];
    }
    return out;
}

}  // namespace heart::test
