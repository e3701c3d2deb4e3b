// Do manual page and completions say all that --help does, and do shells read them?

#include "command/process.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace heart::test {
namespace {

namespace fs = std::filesystem;

std::string described(const std::string& as) {
    const Finished done = run_heart({"describe", as});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    return done.out;
}

/// The words of `heart ... --help` that name a verb.
std::set<std::string> verbs() {
    const std::string help = run_heart({"--help"}).out;
    std::set<std::string> names;
    const std::regex line(R"(\n  ([a-z][a-z-]+) +[A-Z])");
    for (auto at =
             std::sregex_iterator(help.begin() + static_cast<std::ptrdiff_t>(help.find("Subcommands:")), help.end(), line);
         at != std::sregex_iterator(); ++at) {
        names.insert((*at)[1]);
    }
    return names;
}

std::set<std::string> options_of(const std::string& verb) {
    const std::string help = run_heart({verb, "--help"}).out;
    std::set<std::string> names;
    const std::regex option(R"((?:^|[\n, ])(--[a-z][a-z-]*)(?=[ ,\n=]))");
    for (auto at = std::sregex_iterator(help.begin(), help.end(), option); at != std::sregex_iterator(); ++at)
        names.insert((*at)[1]);
    return names;
}

TEST(Describe, EveryVerbAndOptionOfTheHelpIsInAllOfThem) {
    const std::string man = described("man"), bash = described("bash"), zsh = described("zsh"), fish = described("fish");
    const auto names = verbs();
    ASSERT_TRUE(names.contains("generate") && names.contains("describe")) << names.size();
    for (const std::string& verb : names) {
        std::string roff = verb;
        for (std::size_t at = 0; (at = roff.find('-', at)) != std::string::npos; at += 2) roff.insert(at, "\\");
        EXPECT_NE(man.find(".SH \"heart " + roff + "\""), std::string::npos) << verb;
        EXPECT_NE(bash.find("        '" + verb + "') word='"), std::string::npos) << verb;
        for (const std::string& option : options_of(verb)) {
            std::string escaped = option;
            for (std::size_t at = 0; (at = escaped.find('-', at)) != std::string::npos; at += 2) escaped.insert(at, "\\");
            EXPECT_NE(man.find("\\fB" + escaped + "\\fR"), std::string::npos) << verb << " " << option;
            EXPECT_NE(zsh.find("'" + option + "["), std::string::npos) << verb << " " << option;
            EXPECT_NE(fish.find(" -l " + option.substr(2) + " "), std::string::npos) << verb << " " << option;
            EXPECT_NE(bash.find(option), std::string::npos) << verb << " " << option;
        }
    }
}

TEST(Describe, EveryOptionStandsInTheDocumentation) {
    std::string pages;
    for (const auto& entry : fs::directory_iterator(fs::path(HEART_SOURCE_DIR) / "docs")) {
        std::ifstream in(entry.path());
        if (entry.path().extension() == ".md") pages.append(std::istreambuf_iterator<char>(in), {});
    }
    std::set<std::string> told;
    const std::regex option("--[a-z][a-z-]*");
    for (auto at = std::sregex_iterator(pages.begin(), pages.end(), option); at != std::sregex_iterator(); ++at)
        told.insert(at->str());
    for (const std::string& verb : verbs()) {
        for (const std::string& name : options_of(verb)) EXPECT_TRUE(told.contains(name)) << "heart " << verb << " " << name;
    }
}

TEST(Describe, BashCompletesVerbsOptionsAndChoices) {
    const fs::path script = fs::temp_directory_path() / ("heart-completion-" + std::to_string(::getpid()));
    std::ofstream(script) << described("bash");
    const auto complete = [&](const std::string& words, int at) {
        const fs::path out = script.string() + ".out";
        const std::string command = "bash -c 'source " + script.string() + "; COMP_WORDS=(" + words +
                                    "); COMP_CWORD=" + std::to_string(at) + "; _heart; echo \"${COMPREPLY[*]}\"' > " +
                                    out.string();
        EXPECT_EQ(std::system(command.c_str()), 0) << command;
        std::ifstream in(out);
        std::string line;
        std::getline(in, line);
        fs::remove(out);
        return line;
    };
    EXPECT_EQ(complete("heart gene", 1), "generate");
    EXPECT_EQ(complete("heart generate --save-c", 2), "--save-codes");
    EXPECT_EQ(complete("heart serve --registration in", 3), "invite");
    EXPECT_EQ(complete("heart client logi", 2), "login");
    EXPECT_EQ(complete("heart client login --ema", 3), "--email");
    fs::remove(script);
}

}  // namespace
}  // namespace heart::test
