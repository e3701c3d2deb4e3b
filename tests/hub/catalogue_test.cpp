// Does the catalogue know what is published and what belongs together?

#include "hub/catalogue.h"
#include "core/error.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace heart::test {
namespace {

using namespace hub;

std::vector<std::string> names_of(const std::vector<const Repository*>& list) {
    std::vector<std::string> names;
    for (const Repository* repository : list) names.emplace_back(repository->name);
    return names;
}

using Names = std::vector<std::string>;

TEST(HubCatalogue, RecommendsWhatItsAuthorsDo) {
    EXPECT_EQ(names_of(recommended()),
              (Names{"HeartMuLaGen", "HeartMuLa-oss-3B-happy-new-year", "HeartCodec-oss-20260123"}));
}

TEST(HubCatalogue, ALanguageModelBringsWhatItNeeds) {
    const auto all = with_companions({&repository_named("HeartMuLa-RL-oss-3B-20260123")});
    EXPECT_EQ(names_of(all), (Names{"HeartMuLaGen", "HeartMuLa-RL-oss-3B-20260123", "HeartCodec-oss-20260123"}));
    EXPECT_EQ(names_of(with_companions({&repository_named("HeartTranscriptor-oss")})), (Names{"HeartTranscriptor-oss"}));
}

TEST(HubCatalogue, TheEmbeddingModelBringsTheSettingsOfItsTowers) {
    const auto all = with_companions({&repository_named("MuQ-MuLan-large")});
    EXPECT_EQ(names_of(all), (Names{"MuQ-MuLan-large", "MuQ-large-msd-iter", "xlm-roberta-base"}));
    EXPECT_EQ(names_of(with_companions({&repository_named("xlm-roberta-base")})), (Names{"xlm-roberta-base"}));
    for (const Repository* repository : recommended()) EXPECT_EQ(repository->licence, "Apache-2.0") << repository->name;
}

TEST(HubCatalogue, ARepositoryIsFoundUnderItsOlderPathToo) {
    EXPECT_EQ(repository_named("FacebookAI/xlm-roberta-base").name, "xlm-roberta-base");
    EXPECT_EQ(paths_of(repository_named("xlm-roberta-base")), (Names{"FacebookAI/xlm-roberta-base", "xlm-roberta-base"}));
    EXPECT_EQ(paths_of(repository_named("MuQ-MuLan-large")), (Names{"OpenMuQ/MuQ-MuLan-large"}));
}

TEST(HubCatalogue, NothingComesTwice) {
    const auto all = with_companions({&repository_named("HeartCodec-oss-20260123"), &repository_named("HeartMuLa-oss-3B"),
                                      &repository_named("HeartMuLaGen"), &repository_named("HeartMuLa-oss-3B")});
    EXPECT_EQ(names_of(all), (Names{"HeartCodec-oss-20260123", "HeartMuLa-oss-3B", "HeartMuLaGen"}));
}

TEST(HubCatalogue, NamesAreFoundWithTheirOwnerAndInAnyCase) {
    EXPECT_EQ(repository_named("heartmula/HEARTCODEC-oss-20260123").name, "HeartCodec-oss-20260123");
    try {
        (void)repository_named("HeartMuLa-oss-7B");
        FAIL() << "nobody published that";
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::not_found);
        EXPECT_NE(std::string(e.what()).find("HeartMuLa-oss-3B-happy-new-year"), std::string::npos) << e.what();
    }
}

TEST(HubCatalogue, FoldersAreTheOnesThatEngineAndReferenceLookFor) {
    EXPECT_EQ(folder_of(repository_named("HeartMuLa-oss-3B-happy-new-year"), "3B"), "HeartMuLa-oss-3B");
    EXPECT_EQ(folder_of(repository_named("HeartMuLa-RL-oss-3B-20260123"), "RL"), "HeartMuLa-oss-RL");
    EXPECT_EQ(folder_of(repository_named("HeartCodec-oss-20260123"), "3B"), "HeartCodec-oss");
    EXPECT_EQ(folder_of(repository_named("HeartMuLaGen"), "3B"), "");
    EXPECT_EQ(folder_of(repository_named("MuQ-MuLan-large"), "3B"), "MuQ-MuLan");
    EXPECT_EQ(folder_of(repository_named("MuQ-large-msd-iter"), "3B"), "MuQ-large-msd-iter");
    EXPECT_EQ(folder_of(repository_named("xlm-roberta-base"), "3B"), "xlm-roberta-base");
}

}  // namespace
}  // namespace heart::test
