// Do the rooms include only what stands below them?

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace heart::test {
namespace {

struct Source {
    std::string path;  ///< from the project's root, with '/' between parts
    std::string text;
};

/// The room that a path under src/ belongs to: its folder, and below models/ and server/ the one there.
std::string room_of(std::string_view path) {
    std::vector<std::string> parts;
    std::istringstream in{std::string(path)};
    for (std::string part; std::getline(in, part, '/');) parts.push_back(part);
    if (parts.size() > 2 && (parts[0] == "models" || parts[0] == "server")) return parts[0] + "/" + parts[1];
    return parts.size() > 1 ? parts[0] : "";
}

/// Rooms that each room may include beside itself; "models" stands for all of them.
const std::map<std::string, std::set<std::string>>& allowed_rooms() {
    static const std::set<std::string> model{"nn", "graph", "formats", "core", "models/listeners"};
    static const std::map<std::string, std::set<std::string>> rules{
        {"core", {}},
        {"formats", {"core"}},
        {"kernels", {"core"}},
        {"graph", {"kernels", "formats", "core"}},
        {"nn", {"graph", "formats", "core"}},
        {"models", model},
        {"speech", {"core"}},
        {"text", {"formats", "core"}},
        {"audio", {"core"}},
        {"net", {"core"}},
        {"hub", {"net", "formats", "core"}},
        {"search", {"audio", "kernels", "formats", "core"}},
        {"engine", {"models", "search", "speech", "text", "audio", "hub", "graph", "kernels", "formats", "core"}},
        {"capi", {"engine", "hub", "audio", "text", "formats", "core"}},
        {"server/http", {"core"}},
        {"server/database", {"formats", "core"}},
        {"server/accounts", {"server/database", "formats", "core"}},
        {"server/jobs", {"server/library", "server/database", "engine", "audio", "formats", "core"}},
        {"server/library", {"server/database", "audio", "formats", "core"}},
        {"server/assistant", {"net", "formats", "core"}},
        {"server/api",
         {"server/http", "server/database", "server/accounts", "server/jobs", "server/library", "server/assistant", "net",
          "engine", "search", "hub", "speech", "audio", "formats", "core"}},
        {"apps",
         {"server/api", "server/http", "server/jobs", "server/library", "server/database", "net", "engine", "search",
          "models", "speech", "text", "audio", "hub", "graph", "formats", "core"}},
    };
    return rules;
}

/// "models/x" by the rules of "models".
std::string rule_name(const std::string& room) {
    return room.starts_with("models/") ? "models" : room;
}

struct Include {
    std::string target;
    bool quoted = true;
};

std::optional<Include> include_of(std::string_view line) {
    const auto skip = [&] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
    skip();
    if (!line.starts_with('#')) return std::nullopt;
    line.remove_prefix(1);
    skip();
    if (!line.starts_with("include")) return std::nullopt;
    line.remove_prefix(7);
    skip();
    if (line.empty() || (line[0] != '"' && line[0] != '<')) return std::nullopt;
    const bool quoted = line[0] == '"';
    const std::size_t end = line.find(quoted ? '"' : '>', 1);
    if (end == std::string_view::npos) return std::nullopt;
    return Include{std::string(line.substr(1, end - 1)), quoted};
}

bool is_ggml_header(std::string_view target) {
    const std::string_view file = target.substr(target.rfind('/') + 1);
    return file.starts_with("ggml") && file.ends_with(".h") && file != "ggml_types.h";
}

/// What is wrong with one include of a file in `from`; empty when nothing is. `rooms` are those that exist.
std::string fault_of(const std::string& from, const Include& include, const std::set<std::string>& rooms) {
    if (is_ggml_header(include.target) && from != "graph" && from != "kernels") return "only graph and kernels know ggml";
    if (include.target.starts_with("apps/") || include.target.find("../") != std::string::npos) return "leaves its room";
    const std::string to = room_of(include.target);
    if (!include.quoted || to.empty() || to == from || to == "heart") return "";  // "heart/...": the public header
    if (!rooms.contains(to)) return include.target.find('/') == std::string::npos || from == "apps" ? "" : "no such room";
    const auto rule = allowed_rooms().find(rule_name(from));
    if (rule == allowed_rooms().end()) return "a room without a rule";
    const bool may = rule->second.contains(to) || (from.rfind("models/", 0) != 0 && rule->second.contains(rule_name(to)));
    return may ? "" : "an arrow that does not point down";
}

/// All violations, one a line: "path: \"target\": what is wrong".
std::vector<std::string> violations(const std::vector<Source>& sources) {
    const auto home = [](const Source& s) {
        if (s.path.starts_with("src/")) return room_of(std::string_view(s.path).substr(4));
        return std::string(s.path.starts_with("apps/") ? "apps" : "include");
    };
    std::set<std::string> rooms;
    for (const Source& s : sources) rooms.insert(home(s));
    std::vector<std::string> out;
    std::map<std::string, std::set<std::string>> arrows;
    for (const Source& s : sources) {
        std::istringstream in(s.text);
        for (std::string line; std::getline(in, line);) {
            const auto include = include_of(line);
            if (!include) continue;
            const std::string from = home(s);
            std::string fault = from == "include" && include->quoted && include->target.find('/') != std::string::npos &&
                                        !include->target.starts_with("heart/")
                                    ? "the public headers stand alone"
                                    : fault_of(from, *include, rooms);
            if (!fault.empty()) out.push_back(s.path + ": \"" + include->target + "\": " + fault);
            if (include->quoted) arrows[from].insert(room_of(include->target));
        }
    }
    for (const auto& [from, targets] : arrows) {
        for (const std::string& to : targets) {
            if (from < to && arrows.contains(to) && arrows.at(to).contains(from)) {
                out.push_back(from + " and " + to + " include each other");
            }
        }
    }
    return out;
}

bool is_source(const std::filesystem::path& path) {
    static const std::set<std::string> endings{".h", ".hpp", ".cpp", ".c", ".cu", ".cuh", ".inc"};
    return endings.contains(path.extension().string());
}

std::vector<Source> read_sources() {
    const std::filesystem::path root = HEART_SOURCE_DIR;
    std::vector<Source> out;
    for (const char* top : {"src", "apps", "include"}) {
        if (!std::filesystem::exists(root / top)) continue;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root / top)) {
            if (!entry.is_regular_file() || !is_source(entry.path())) continue;
            std::ifstream in(entry.path(), std::ios::binary);
            std::ostringstream text;
            text << in.rdbuf();
            out.push_back({std::filesystem::relative(entry.path(), root).generic_string(), text.str()});
        }
    }
    return out;
}

TEST(Layering, ArrowsPointDownOnly) {
    const auto sources = read_sources();
    ASSERT_GT(sources.size(), 50U) << "the sources were not found";
    for (const std::string& v : violations(sources)) ADD_FAILURE() << v;
}

TEST(Layering, EveryRoomHasARule) {
    for (const Source& s : read_sources()) {
        if (!s.path.starts_with("src/")) continue;
        const std::string room = room_of(std::string_view(s.path).substr(4));
        EXPECT_TRUE(allowed_rooms().contains(rule_name(room))) << s.path << " is in the room '" << room << "'";
    }
}

TEST(Layering, NoSourceFileIsLongerThan700Lines) {
    for (const Source& s : read_sources()) EXPECT_LE(std::count(s.text.begin(), s.text.end(), '\n'), 700) << s.path;
}

// --- does the check notice? ---------------------------------------------------------------------------------------------

/// Files that make every room exist.
std::vector<Source> empty_house() {
    std::vector<Source> out;
    for (const char* room : {"core", "formats", "kernels", "graph", "nn", "models/heartmula", "models/heartcodec",
                             "models/listeners", "speech", "text", "audio", "hub", "search", "engine", "capi", "server/http",
                             "server/database", "server/jobs", "server/api"}) {
        out.push_back({std::string("src/") + room + "/x.h", ""});
    }
    out.push_back({"apps/heart/main.cpp", ""});
    return out;
}

std::vector<std::string> violations_of(const std::string& path, const std::string& text) {
    auto house = empty_house();
    house.push_back({path, text});
    return violations(house);
}

TEST(LayeringCheck, AcceptsArrowsThatPointDown) {
    const std::pair<const char*, const char*> fine[] = {
        {"src/formats/a.cpp", "core/x.h"},
        {"src/graph/a.cpp", "kernels/x.h"},
        {"src/graph/a.cpp", "graph/ggml_types.h"},
        {"src/models/heartmula/a.cpp", "models/heartmula/x.h"},
        {"src/models/heartmula/a.cpp", "models/listeners/x.h"},
        {"src/models/heartmula/a.cpp", "nn/x.h"},
        {"src/engine/a.cpp", "models/heartcodec/x.h"},
        {"src/engine/a.cpp", "heart/heart.h"},
        {"src/engine/a.cpp", "speech/x.h"},
        {"src/server/jobs/a.cpp", "engine/x.h"},
        {"src/server/api/a.cpp", "server/http/x.h"},
        {"apps/heart/a.cpp", "models/heartmula/x.h"},
        {"src/search/a.cpp", "kernels/x.h"},
        {"apps/heart/a.cpp", "search/x.h"},
        {"apps/heart/a.cpp", "verbs.h"},
        {"include/heart/heart.hpp", "heart.h"},
        {"src/capi/a.cpp", "engine/x.h"},
    };
    for (const auto& [path, target] : fine) {
        EXPECT_TRUE(violations_of(path, std::string("#include \"") + target + "\"\n").empty()) << path << " " << target;
    }
    EXPECT_TRUE(violations_of("src/graph/a.cpp", "#include <ggml.h>\n").empty());
    EXPECT_TRUE(violations_of("src/kernels/a.cpp", "#include <ggml.h>\n#include <vector>\n").empty());
    EXPECT_TRUE(violations_of("src/core/a.cpp", "// #include \"engine/x.h\"\nauto s = \"#include\";\n").empty());
}

TEST(LayeringCheck, NoticesArrowsThatDoNot) {
    const std::pair<const char*, const char*> wrong[] = {
        {"src/core/a.cpp", "formats/x.h"},
        {"src/formats/a.cpp", "graph/x.h"},
        {"src/kernels/a.cpp", "graph/x.h"},
        {"src/nn/a.cpp", "models/heartmula/x.h"},
        {"src/nn/a.cpp", "kernels/x.h"},
        {"src/models/heartmula/a.cpp", "models/heartcodec/x.h"},
        {"src/models/listeners/a.cpp", "models/heartmula/x.h"},
        {"src/models/heartmula/a.cpp", "text/x.h"},
        {"src/text/a.cpp", "graph/x.h"},
        {"src/speech/a.cpp", "graph/x.h"},
        {"src/models/heartmula/a.cpp", "speech/x.h"},
        {"src/audio/a.cpp", "formats/x.h"},
        {"src/search/a.cpp", "engine/x.h"},
        {"src/engine/a.cpp", "nn/x.h"},
        {"src/engine/a.cpp", "server/jobs/x.h"},
        {"src/server/jobs/a.cpp", "graph/x.h"},
        {"src/server/api/a.cpp", "models/heartmula/x.h"},
        {"src/server/jobs/a.cpp", "nn/x.h"},
        {"src/server/jobs/a.cpp", "server/http/x.h"},
        {"src/server/http/a.cpp", "server/database/x.h"},
        {"src/engine/a.cpp", "apps/heart/verbs.h"},
        {"src/engine/a.cpp", "../server/jobs/x.h"},
        {"src/engine/a.cpp", "nowhere/x.h"},
        {"apps/heart/a.cpp", "nn/x.h"},
        {"apps/heart/a.cpp", "kernels/x.h"},
        {"include/heart/heart.h", "core/x.h"},
        {"src/capi/a.cpp", "models/heartmula/x.h"},
        {"src/attic/a.cpp", "core/x.h"},
    };
    for (const auto& [path, target] : wrong) {
        EXPECT_EQ(violations_of(path, std::string("  #  include \"") + target + "\"").size(), 1U) << path << " " << target;
    }
}

TEST(LayeringCheck, NoticesGgmlOutsideItsRooms) {
    for (const char* path : {"src/nn/a.cpp", "src/models/heartmula/a.cpp", "src/engine/a.cpp", "apps/heart/a.cpp"}) {
        for (const char* line : {"#include <ggml.h>", "#include \"ggml-backend.h\"", "#include <ggml/ggml-cpu.h>"}) {
            EXPECT_EQ(violations_of(path, line).size(), 1U) << path << " " << line;
        }
    }
}

TEST(LayeringCheck, NoticesRoomsThatIncludeEachOther) {
    auto house = empty_house();
    house.push_back({"src/graph/a.h", "#include \"kernels/x.h\"\n"});
    house.push_back({"src/kernels/a.h", "#include \"graph/x.h\"\n"});
    const auto found = violations(house);
    ASSERT_EQ(found.size(), 2U);  // the arrow that points up, and the circle
    EXPECT_EQ(found[1], "graph and kernels include each other");
}

}  // namespace
}  // namespace heart::test
