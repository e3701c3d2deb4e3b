// An index in a folder: VectorIndex::save() and open().

#include "search/vector_index.h"

#include "audio/replace_file.h"
#include "core/checked.h"
#include "core/error.h"
#include "formats/digest.h"
#include "formats/npy.h"
#include "kernels/float_products.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <system_error>
#include <utility>

namespace heart::search {

namespace {

namespace fs = std::filesystem;

/// How far from 1 the square of a unit vector's length may be.
constexpr float kLengthError = 1e-3F;

struct Files {
    explicit Files(const fs::path& folder)
        : list(folder / "index.json"),
          next_list(folder / "index.json.new"),
          vectors(folder / "vectors.npy"),
          graph(folder / "graph.bin") {}

    fs::path list, next_list, vectors, graph;
};

bool there_is(const fs::path& file) {
    std::error_code failed;
    return fs::exists(file, failed);
}

/// Keeps others from writing (or, where it only reads, from beginning to write) while files are together what they mean.
/// Where a file system has no locks there is none; the checksums then tell that files do not belong together.
class FolderLock {
public:
    FolderLock(const fs::path& folder, int kind) : descriptor_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
        while (descriptor_ >= 0 && ::flock(descriptor_, kind) != 0 && errno == EINTR) continue;
    }
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;
    ~FolderLock() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

private:
    int descriptor_;
};

std::string sha256(std::string_view bytes) {
    return formats::sha256(formats::Bytes::borrow(std::as_bytes(std::span(bytes))));
}

/// Writes the rows and returns the file's checksum; the file is not in its place yet.
std::string write_vectors(audio::FileReplacement& file, const VectorRows& rows, std::int64_t count) {
    formats::Digest digest(formats::Digest::Kind::sha256);
    const auto write = [&](std::span<const char> piece) {
        file.write(piece);
        digest.update(std::as_bytes(piece));
    };
    const std::uint64_t shape[] = {static_cast<std::uint64_t>(count), static_cast<std::uint64_t>(rows.width())};
    write(formats::npy_float_header(shape));
    for (std::int64_t first = 0; first < count; first += VectorRows::kBlockRows) {
        const std::int64_t numbers = std::min(VectorRows::kBlockRows, count - first) * rows.width();
        write({reinterpret_cast<const char*>(rows.row(first)), static_cast<std::size_t>(numbers) * sizeof(float)});
    }
    return digest.hex();
}

/// vectors.npy in memory, and what it turned out to be.
struct Vectors {
    VectorRows rows{1};
    std::int64_t count = 0;
    std::string sha256;
    std::int64_t not_unit = -1;  ///< a row that is not of unit length
};

/// Copies first and then looks at the copy, which nobody else can change.
Vectors read_vectors(const fs::path& file) {
    const formats::TensorView tensor = formats::map_npy_floats(file, std::uint64_t{kMostNumbers});
    if (tensor.shape.size() != 2 || tensor.shape[1] < 1) {
        throw Error(ErrorCode::malformed, fmt::format("'{}' has another shape", printable(file.string())))
            .expected("[entries, dimension]")
            .found(formats::shape_text(tensor.shape));
    }
    if (tensor.shape[0] > std::uint64_t{kMostEntries} || tensor.shape[1] > std::uint64_t{kMostDimensions}) {
        throw Error(ErrorCode::limit, fmt::format("'{}' is too large", printable(file.string())))
            .expected(fmt::format("at most {} entries of {} numbers", kMostEntries, kMostDimensions))
            .found(formats::shape_text(tensor.shape));
    }
    const auto width = static_cast<std::int64_t>(tensor.shape[1]);
    Vectors out{VectorRows(width), static_cast<std::int64_t>(tensor.shape[0]), "", -1};
    out.rows.reserve(out.count);
    formats::Digest digest(formats::Digest::Kind::sha256);
    const std::span<const std::byte> all = tensor.file.view();
    digest.update(all.first(static_cast<std::size_t>(tensor.data.data() - all.data())));
    std::span<const std::byte> rest = tensor.data;
    for (std::int64_t first = 0; first < out.count; first += VectorRows::kBlockRows) {
        const std::int64_t rows = std::min(VectorRows::kBlockRows, out.count - first);
        const auto piece = rest.first(static_cast<std::size_t>(rows * width) * sizeof(float));
        rest = rest.subspan(piece.size());
        std::memcpy(out.rows.row(first), piece.data(), piece.size());
        tensor.file.release(piece);
        digest.update(std::as_bytes(std::span(out.rows.row(first), static_cast<std::size_t>(rows * width))));
        for (std::int64_t i = first; i < first + rows; ++i) {
            float square = 0.0F;
            kernels::dot_products(out.rows.row(i), width, out.rows.row(i), width, 1, &square);
            if (!(std::abs(square - 1.0F) <= kLengthError)) out.not_unit = i;  // also what is not finite
        }
    }
    digest.update(all.last(static_cast<std::size_t>(all.data() + all.size() - tensor.data.data()) - tensor.data.size()));
    out.sha256 = digest.hex();
    return out;
}

IndexDocument read_document(const fs::path& file, const std::optional<EmbeddingKind>& expected) {
    const formats::Bytes bytes = formats::Bytes::map_file(file);
    IndexDocument out = parse_index_document(bytes.text(), fmt::format("'{}'", printable(file.string())));
    const auto words = [](const EmbeddingKind& kind) {
        return fmt::format("{} numbers of '{}'", kind.dimension, printable(kind.model));
    };
    if (expected && (expected->model != out.kind.model || expected->dimension != out.kind.dimension)) {
        throw Error(ErrorCode::mismatch,
                    fmt::format("the index '{}' is of another model", printable(file.parent_path().string())))
            .expected(words(*expected))
            .found(words(out.kind))
            .hint("search it with the model that it was made with, or make one in another folder");
    }
    return out;
}

bool belong_together(const IndexDocument& document, const Vectors& vectors) {
    return document.seals.vectors_sha256 == vectors.sha256 && document.kind.dimension == vectors.rows.width() &&
           static_cast<std::int64_t>(document.entries.size()) == vectors.count;
}

/// The list that belongs to the vectors: if save() was stopped between the two, it is the next one.
IndexDocument matching_document(const Files& files, const std::optional<EmbeddingKind>& expected, const Vectors& vectors,
                                IndexDocument first) {
    if (belong_together(first, vectors)) return first;
    if (there_is(files.next_list)) {
        IndexDocument next = read_document(files.next_list, expected);
        if (belong_together(next, vectors)) return next;
    }
    throw Error(ErrorCode::mismatch,
                fmt::format("'{}' and its vectors were not written together", printable(files.list.string())))
        .expected(fmt::format("{} vectors of {} numbers with the SHA-256 {}", first.entries.size(), first.kind.dimension,
                              first.seals.vectors_sha256))
        .found(fmt::format("{} of {} with {}", vectors.count, vectors.rows.width(), vectors.sha256))
        .hint("remove the folder and make the index anew");
}

/// The graph that the list speaks of; nothing where it is not there as it was written.
std::optional<NeighbourGraph> read_graph(const fs::path& file, const IndexSeals& seals, VectorRows& rows,
                                         std::int64_t count) {
    if (seals.graph_sha256.empty()) return std::nullopt;
    try {
        const formats::Bytes bytes = formats::Bytes::map_file(file);
        if (formats::sha256(bytes) != seals.graph_sha256) return std::nullopt;
        auto graph = NeighbourGraph::parse(bytes.view(), rows, std::min(count + count / 2, kMostEntries));
        const std::int64_t range = std::min(graph.size(), count);
        const auto beyond = [&](std::int64_t slot) { return slot >= range; };
        if (std::any_of(seals.graph_changed.begin(), seals.graph_changed.end(), beyond)) return std::nullopt;
        return graph;
    } catch (const Error&) {
        return std::nullopt;  // it only makes searches faster
    }
}

void make_folder(const fs::path& folder) {
    std::error_code failed;
    fs::create_directory(folder, failed);
    if (!failed) return;
    const bool orphan = failed == std::errc::no_such_file_or_directory;
    throw Error(orphan ? ErrorCode::not_found : ErrorCode::io,
                fmt::format("cannot make the folder '{}'", printable(folder.string())))
        .found(failed.message());
}

}  // namespace

bool VectorIndex::is_in(const fs::path& folder) {
    const Files files(folder);
    return there_is(files.list) || there_is(files.next_list);
}

void VectorIndex::save(const fs::path& folder, const GraphWatch& watch) {
    renew_graph(watch);
    make_folder(folder);
    const FolderLock lock(folder, LOCK_EX);
    const Files files(folder);
    IndexSeals seals;
    if (graph_) {
        const std::string bytes = graph_->bytes();
        seals.graph_sha256 = sha256(bytes);
        seals.graph_changed.assign(changed_.begin(), changed_.end());
        std::sort(seals.graph_changed.begin(), seals.graph_changed.end());
        audio::replace_file(files.graph, bytes);
    }
    audio::FileReplacement vectors(files.vectors);
    seals.vectors_sha256 = write_vectors(vectors, rows_, size());
    const std::string list = index_document_text(kind_, entries_, seals);
    audio::replace_file(files.next_list, list);
    vectors.commit();
    audio::replace_file(files.list, list);
    std::error_code ignored;  // a list that is no longer needed does no harm
    fs::remove(files.next_list, ignored);
    if (!graph_) fs::remove(files.graph, ignored);
}

VectorIndex VectorIndex::open(const fs::path& folder, const IndexOptions& options,
                              const std::optional<EmbeddingKind>& expected) {
    if (!is_in(folder)) {
        throw Error(ErrorCode::not_found, fmt::format("there is no index in '{}'", printable(folder.string())));
    }
    const FolderLock lock(folder, LOCK_SH);
    const Files files(folder);
    IndexDocument document = read_document(there_is(files.list) ? files.list : files.next_list, expected);
    Vectors vectors = read_vectors(files.vectors);
    document = matching_document(files, expected, vectors, std::move(document));
    if (vectors.not_unit >= 0) {
        throw Error(ErrorCode::malformed, fmt::format("'{}': row {}", printable(files.vectors.string()), vectors.not_unit))
            .expected("finite numbers and a length of 1");
    }
    VectorIndex out(std::move(document.kind), options);
    out.graph_ = read_graph(files.graph, document.seals, vectors.rows, vectors.count);
    out.rows_ = std::move(vectors.rows);
    if (out.graph_) out.changed_.insert(document.seals.graph_changed.begin(), document.seals.graph_changed.end());
    out.slots_.reserve(document.entries.size());
    for (IndexEntry& entry : document.entries) {
        if (!out.slots_.emplace(entry.name, out.size()).second) {
            throw Error(ErrorCode::malformed, fmt::format("'{}' names two entries alike", printable(files.list.string())))
                .found(printable(entry.name));
        }
        out.entries_.push_back(std::move(entry));
    }
    return out;
}

}  // namespace heart::search
