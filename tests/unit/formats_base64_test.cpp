// Is base64 what RFC 4648 says, and nothing else?

#include "formats/base64.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace heart::formats {
namespace {

std::string encoded(std::string_view bytes) {
    return to_base64(std::as_bytes(std::span(bytes)));
}

std::string decoded(std::string_view text) {
    const auto bytes = from_base64(text);
    if (!bytes) return "(refused)";
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

TEST(Base64, VectorsOfTheRfc) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        EXPECT_EQ(encoded(bytes), text);
        EXPECT_EQ(decoded(text), bytes);
    }
}

TEST(Base64, EveryByteSurvives) {
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    for (std::size_t cut = 0; cut < 4; ++cut) EXPECT_EQ(decoded(encoded(all.substr(cut))), all.substr(cut));
    EXPECT_NE(encoded(all).find('+'), std::string::npos);
    EXPECT_NE(encoded(all).find('/'), std::string::npos);
}

TEST(Base64, RefusesWhatItWouldNotHaveWritten) {
    for (const std::string_view text : {"Zg", "Zg=", "Zg===", "Zm9v=", "====", "Z===", "=Zm9", "Zm=v", "Zg==Zg==", "Zm9v\n",
                                        "Zm9 ", " Zm9v", "Zm9v\n\n\n\n", "Zh==", "Zm9=", "Zm9-", "Zm9_", "Zm\xff\xff"}) {
        EXPECT_FALSE(from_base64(text)) << text;
    }
    EXPECT_FALSE(from_base64(std::string_view("Zm9v\0\0\0\0", 8)));
}

}  // namespace
}  // namespace heart::formats
