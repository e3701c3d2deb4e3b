#pragma once

#include "formats/checkpoint.h"
#include "formats/json.h"
#include "formats/safetensors.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace heart::test {

/// A file or folder of tests/data.
[[nodiscard]] std::filesystem::path data_path(const std::string& name);

/// A folder of tests/data/ckpt-tiny.
[[nodiscard]] formats::Folder tiny(const std::string& name = "");

/// Tensors that the PyTorch reference computed, and what its manifest says of them.
class Golden {
public:
    /// `manifest` is a file of tests/data/golden, `file` one of the tensor files it describes.
    Golden(const std::string& manifest, const std::string& file);

    [[nodiscard]] bool has(const std::string& name) const { return tensors_.contains(name); }
    [[nodiscard]] std::vector<std::uint64_t> shape(const std::string& name) const;
    [[nodiscard]] std::vector<float> floats(const std::string& name) const;
    [[nodiscard]] std::vector<std::int32_t> integers(const std::string& name) const;

    /// Every element within the manifest's |test - ref| <= atol + rtol |ref|; a failure names the tensor, the worst
    /// element and how far it is out. `expected` may be a part of the tensor.
    void expect_close(const std::string& name, std::span<const float> expected, std::span<const float> test) const;
    void expect_close(const std::string& name, std::span<const float> test) const;

    [[nodiscard]] const formats::Json& manifest() const { return manifest_; }

private:
    [[nodiscard]] const formats::TensorView& tensor(const std::string& name) const;

    formats::Json manifest_;
    formats::Json entries_;
    std::map<std::string, formats::TensorView> tensors_;
};

/// 20 log10(|ref| / |ref - test|) over both whole signals.
[[nodiscard]] double snr_db(std::span<const float> reference, std::span<const float> test);

/// [rows, columns] -> [columns, rows].
[[nodiscard]] std::vector<float> transposed(std::span<const float> values, std::size_t rows, std::size_t columns);

}  // namespace heart::test
