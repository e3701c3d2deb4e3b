// Do the commands in the documentation exist, with the options that they are shown with?

#include "command/process.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;

/// What bash offers behind each verb: "generate" -> "--lyrics", ...; "client" -> "login", ...
std::map<std::string, std::set<std::string>> words_by_verb() {
    const std::string script = run_heart({"describe", "bash"}).out;
    std::map<std::string, std::set<std::string>> all;
    std::istringstream lines(script);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t mark = line.find("') word='");
        if (mark == std::string::npos) continue;
        const std::size_t begin = line.find('\'') + 1;
        std::istringstream words(line.substr(mark + 9, line.rfind("' ;;") - mark - 9));
        std::set<std::string>& known = all[line.substr(begin, mark - begin)];
        for (std::string word; words >> word;) known.insert(word);
    }
    return all;
}

/// Lines in fences of ```sh that call heart, joined where they go on with a backslash.
std::vector<std::string> commands_in(const fs::path& file) {
    std::ifstream in(file);
    std::vector<std::string> commands;
    bool shell = false, more = false;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("```")) {
            shell = !shell && line.starts_with("```sh");
            more = false;
            continue;
        }
        if (!shell) continue;
        if (more) commands.back() += " " + line;
        const std::string start = line.substr(0, line.find(' '));
        if (!more && (start == "heart" || start.ends_with("/heart") || line.starts_with("sudo -u heart heart "))) {
            commands.push_back(line);
        } else if (!more) {
            continue;
        }
        more = commands.back().ends_with('\\');
        if (more) commands.back().pop_back();
    }
    return commands;
}

TEST(Docs, EveryCommandHasItsVerbAndOptions) {
    const auto known = words_by_verb();
    ASSERT_GT(known.size(), 10U);
    std::vector<fs::path> pages{fs::path(HEART_SOURCE_DIR) / "README.md", fs::path(HEART_SOURCE_DIR) / "HACKING.md"};
    for (const auto& entry : fs::directory_iterator(fs::path(HEART_SOURCE_DIR) / "docs")) {
        if (entry.path().extension() == ".md") pages.push_back(entry.path());
    }
    int commands = 0;
    for (const fs::path& page : pages) {
        for (const std::string& command : commands_in(page)) {
            std::istringstream words(command);
            std::string path, word;
            words >> word;
            if (word == "sudo") words >> word >> word >> word;
            while (words >> word && word != "|" && word != "#" && word != ">") {
                const auto here = known.find(path);
                ASSERT_NE(here, known.end()) << page << ": " << command;
                const std::string deeper = path.empty() ? word : path + " " + word;
                if (known.contains(deeper)) {
                    path = deeper;
                } else if (word.starts_with("--")) {
                    std::string option = word.substr(0, word.find('='));
                    const std::string verb = path.substr(0, path.find(' '));
                    EXPECT_TRUE(here->second.contains(option) || known.at(verb).contains(option))
                        << page << ": " << command << ": " << option;
                } else {
                    EXPECT_FALSE(path.empty()) << page << ": " << command << ": no verb '" << word << "'";
                }
            }
            ++commands;
        }
    }
    EXPECT_GT(commands, 30) << "the documentation shows commands";
}

}  // namespace
}  // namespace heart::test
