// Is it known what licences mean, and is a record of them read for what it says and no more?

#include "hub/licence.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using namespace hub;

TEST(HubLicence, EveryLicenceOfTheCatalogueIsKnown) {
    for (const Repository& repository : catalogue()) {
        EXPECT_FALSE(licence_named(repository.licence).address.empty()) << repository.name << ": " << repository.licence;
    }
}

TEST(HubLicence, OnlyFreeOnesAskForNothing) {
    EXPECT_TRUE(licence_named("Apache-2.0").is_free());
    EXPECT_TRUE(licence_named("MIT").is_free());
    EXPECT_FALSE(licence_named("CC-BY-NC-4.0").is_free());
    EXPECT_FALSE(licence_named("cc-by-nc-4.0").is_free()) << "nor is what is not known";
    EXPECT_FALSE(licence_named("").is_free());
    EXPECT_FALSE(licence_named("Something-1.0").note().empty());
}

TEST(HubLicence, TheNonCommercialOneIsPutInPlainWords) {
    const std::string note = licence_named("CC-BY-NC-4.0").note();
    for (const char* word : {"commercial", "weights", "style reference", "no legal advice", "creativecommons.org"}) {
        EXPECT_NE(note.find(word), std::string::npos) << word << ": " << note;
    }
}

TEST(HubLicence, EachIsToBeAcceptedOnce) {
    const auto to_accept = [](const std::vector<const char*>& names) {
        std::vector<const Repository*> repositories;
        for (const char* name : names) repositories.push_back(&repository_named(name));
        std::vector<std::string> ids;
        for (const Licence& licence : licences_to_accept(repositories)) ids.emplace_back(licence.id);
        return ids;
    };
    EXPECT_TRUE(to_accept({"HeartMuLaGen", "HeartMuLa-oss-3B", "xlm-roberta-base"}).empty());
    EXPECT_EQ(to_accept({"MuQ-MuLan-large", "MuQ-large-msd-iter", "xlm-roberta-base"}),
              (std::vector<std::string>{"CC-BY-NC-4.0"}));
}

TEST(HubLicence, ARecordSaysWhatItWasWrittenFor) {
    for (const Repository& repository : catalogue()) {
        const std::string record = licence_record(repository);
        EXPECT_EQ(licence_of_record(record), std::string(repository.licence));
        EXPECT_NE(record.find(repository.name), std::string::npos) << record;
    }
    EXPECT_EQ(licence_of_record("SPDX-License-Identifier: MIT"), "MIT");
    EXPECT_EQ(licence_of_record("SPDX-License-Identifier: MIT\r\nanything"), "MIT");
}

TEST(HubLicence, OtherTextsAreNoRecords) {
    const std::string mark = "SPDX-License-Identifier: ";
    for (const std::string& text : {std::string(), mark, mark + "\n", mark + "MIT OR x", mark + "a\x1b[31m",
                                    mark + std::string(101, 'a'), mark + std::string(100'000, 'a'), "\n" + mark + "MIT",
                                    std::string("MIT License\n"), mark + std::string("M\0T", 3)}) {
        EXPECT_EQ(licence_of_record(text), std::nullopt) << text.substr(0, 60);
    }
}

class HubLicenceFolder : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-licence-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
    }
    void TearDown() override { fs::remove_all(folder); }

    void put(const fs::path& file, const std::string& text) {
        fs::create_directories((folder / file).parent_path());
        std::ofstream(folder / file) << text;
    }
    /// What is found, by folder; "?" where nothing tells, and "*" behind what no record says.
    std::map<std::string, std::string> found() {
        std::map<std::string, std::string> out;
        for (const FoundLicence& f : licences_in(formats::Folder::on_disk(folder), "3B")) {
            const std::string text = f.licence.empty() ? "?" : f.licence + (f.recorded ? "" : "*");
            EXPECT_TRUE(out.emplace(f.folder, text).second) << f.folder << " twice";
        }
        return out;
    }

    fs::path folder;
};

using Found = std::map<std::string, std::string>;

TEST_F(HubLicenceFolder, RecordsAreReadWhereTheyStand) {
    EXPECT_EQ(found(), Found{});
    put("tokenizer.json", "{}");
    put("LICENCE-HeartMuLaGen.txt", licence_record(repository_named("HeartMuLaGen")));
    put("HeartMuLa-oss-3B/LICENCE.txt", licence_record(repository_named("HeartMuLa-oss-3B")));
    put("HeartMuLa-oss-7B/LICENCE.txt", "SPDX-License-Identifier: MIT\n");  // of another version
    put("HeartCodec-oss/config.json", "{}");
    put("xlm-roberta-base/LICENCE.txt", "SPDX-License-Identifier: GPL-3.0-only\n");
    EXPECT_EQ(found(), (Found{{"HeartMuLaGen", "Apache-2.0"},
                              {"HeartMuLa-oss-3B", "Apache-2.0"},
                              {"HeartCodec-oss", "?"},
                              {"xlm-roberta-base", "GPL-3.0-only"}}));
}

TEST_F(HubLicenceFolder, ThatOneIsNotFreeIsSaidWithoutARecord) {
    put("MuQ-MuLan/config.json", "{}");
    put("xlm-roberta-base/config.json", "{}");
    EXPECT_EQ(found(), (Found{{"MuQ-MuLan", "CC-BY-NC-4.0*"}, {"xlm-roberta-base", "?"}}));
    fs::create_directory(folder / "MuQ-MuLan/LICENCE.txt");
    EXPECT_EQ(found().at("MuQ-MuLan"), "CC-BY-NC-4.0*") << "a folder is no record";
}

}  // namespace
}  // namespace heart::test
