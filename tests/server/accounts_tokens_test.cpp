// Are tokens taken exactly when this server signed them, and is the key kept from others?

#include "core/error.h"
#include "server/accounts/tokens.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heart::test {
namespace {

using namespace server::accounts;

constexpr std::int64_t kNow = 1'800'000'000;
const std::string kSecret = "a secret of the tests, long enough for a key";

const SigningKey& key() {
    static const SigningKey value(kSecret);
    return value;
}

std::string base64(std::string_view text) {
    std::string out(sodium_base64_ENCODED_LEN(text.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING), '\0');
    sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    out.pop_back();
    return out;
}

std::string text_of(const std::array<unsigned char, 32>& mac) {
    return {reinterpret_cast<const char*>(mac.data()), mac.size()};
}

/// Any two texts, encoded and signed as a token would be.
std::string signed_parts(const std::string& header, const std::string& payload, const SigningKey& by = key()) {
    const std::string message = base64(header) + "." + base64(payload);
    return message + "." + base64(text_of(by.mac(message)));
}

const std::string kHeader = R"({"alg":"HS256","typ":"JWT"})";
const std::string kPayload = R"({"sub":"u","exp":1800000001})";

bool is_taken(std::string_view token) {
    return verify_token(key(), token, kNow).has_value();
}

TEST(Tokens, MacIsHmacSha256) {
    // RFC 4231, test cases 6 and 7: a key of 131 bytes.
    const SigningKey rfc(std::string(131, '\xaa'));
    char hex[65];
    const auto mac = rfc.mac("Test Using Larger Than Block-Size Key - Hash Key First");
    sodium_bin2hex(hex, sizeof(hex), mac.data(), mac.size());
    EXPECT_STREQ(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Tokens, AreReadBack) {
    const std::string token = sign_token(key(), {.subject = "f81d4fae", .expires = kNow + 1, .generation = 7});
    const auto claims = verify_token(key(), token, kNow);
    ASSERT_TRUE(claims.has_value());
    EXPECT_EQ(claims->subject, "f81d4fae");
    EXPECT_EQ(claims->expires, kNow + 1);
    EXPECT_EQ(claims->generation, 7);
    EXPECT_TRUE(token.starts_with(base64(kHeader) + "."));
}

TEST(Tokens, OfThePythonStudioAreReadWithItsKey) {
    const auto claims = verify_token(key(), signed_parts(kHeader, kPayload), kNow);
    ASSERT_TRUE(claims.has_value());
    EXPECT_EQ(claims->subject, "u");
    EXPECT_EQ(claims->generation, 0);
}

TEST(Tokens, End) {
    const std::string token = sign_token(key(), {.subject = "u", .expires = kNow});
    EXPECT_TRUE(verify_token(key(), token, kNow - 1).has_value());
    EXPECT_FALSE(verify_token(key(), token, kNow).has_value());
    EXPECT_FALSE(verify_token(key(), token, kNow + 1'000'000).has_value());
}

TEST(Tokens, AreTakenOnlyWithTheOneAlgorithm) {
    ASSERT_TRUE(is_taken(signed_parts(kHeader, kPayload)));
    for (const char* header : {R"({"alg":"none","typ":"JWT"})",
                               R"({"alg":"None"})",
                               R"({"alg":"HS512","typ":"JWT"})",
                               R"({"alg":"HS384"})",
                               R"({"alg":"RS256"})",
                               R"({"alg":"ES256"})",
                               R"({"alg":"hs256"})",
                               R"({"alg":"HS256 "})",
                               R"({"alg":""})",
                               R"({"alg":null})",
                               R"({"alg":["HS256"]})",
                               R"({"alg":256})",
                               R"({"typ":"JWT"})",
                               "{}",
                               "[]",
                               "null",
                               "",
                               "HS256",
                               R"(["HS256"])",
                               R"({"alg":"HS256","typ":"JWE"})",
                               R"({"alg":"HS256","crit":["x"]})",
                               R"({"alg":"HS256"}x)",
                               R"({"alg":"HS256","alg":"none"})",
                               R"({"alg":"none","alg":"HS256"})",
                               "\xff"}) {
        EXPECT_FALSE(is_taken(signed_parts(header, kPayload))) << header;
        EXPECT_FALSE(is_taken(base64(header) + "." + base64(kPayload) + ".")) << header;
        EXPECT_FALSE(is_taken(base64(header) + "." + base64(kPayload))) << header;
    }
    EXPECT_FALSE(is_taken(signed_parts(R"({"alg":"HS256"})" + std::string(1, '\0'), kPayload)));
}

TEST(Tokens, AreTakenOnlyWithWholeClaims) {
    for (const char* payload : {"{}",
                                "[]",
                                "null",
                                "",
                                R"({"sub":"u"})",
                                R"({"exp":1800000001})",
                                R"({"sub":"","exp":1800000001})",
                                R"({"sub":7,"exp":1800000001})",
                                R"({"sub":null,"exp":1800000001})",
                                R"({"sub":"u","exp":"1800000001"})",
                                R"({"sub":"u","exp":1800000001.5})",
                                R"({"sub":"u","exp":1.8e99})",
                                R"({"sub":"u","exp":1e999})",
                                R"({"sub":"u","exp":2000000000.0})",
                                R"({"sub":"u","exp":null})",
                                R"({"sub":"u","exp":true})",
                                R"({"sub":"u","exp":9223372036854775808})",
                                R"({"sub":"u","exp":18446744073709551615})",
                                R"({"sub":"u","exp":99999999999999999999})",
                                R"({"sub":"u","exp":-1})",
                                R"({"sub":"u","exp":1800000000})",
                                R"({"sub":"a","sub":"u","exp":1800000001})",
                                R"({"sub":"u","exp":1800000001,"exp":1800000001})",
                                R"({"sub":"u","s\u0075b":"v","exp":1800000001})",
                                R"({"sub":"u","exp":1800000001,"gen":"1"})",
                                R"({"sub":"u","exp":1800000001,"gen":-1})",
                                R"({"sub":"u","exp":1800000001,"gen":1.0})",
                                R"({"sub":"u","exp":1800000001,"gen":null})",
                                R"({"sub":"u","exp":1800000001,"nbf":1800000001})",
                                R"({"sub":"u","exp":1800000001,"nbf":"x"})",
                                R"({"sub":"u","exp":1800000001,"x":[[[[1]]]]})",
                                R"({"sub":"u","exp":1800000001} x)",
                                "{\"sub\":\"\xff\",\"exp\":1800000001}"}) {
        EXPECT_FALSE(is_taken(signed_parts(kHeader, payload))) << payload;
    }
    EXPECT_FALSE(is_taken(signed_parts(kHeader, R"({"exp":1800000001,"sub":")" + std::string(201, 'u') + "\"}")));
    EXPECT_TRUE(is_taken(signed_parts(kHeader, R"({"exp":9223372036854775807,"sub":")" + std::string(200, 'u') + "\"}")));
    EXPECT_TRUE(is_taken(signed_parts(kHeader, R"({"sub":"u","exp":1800000001,"nbf":1800000000,"x":[1]})")));
}

TEST(Tokens, AreTakenOnlyWithThisKey) {
    EXPECT_FALSE(is_taken(sign_token(SigningKey(kSecret + "x"), {.subject = "u", .expires = kNow + 1})));
    EXPECT_FALSE(is_taken(sign_token(SigningKey(std::string(32, '\0')), {.subject = "u", .expires = kNow + 1})));
}

TEST(Tokens, ForgedWithThePublishedConstantAreRefused) {
    const std::string published = "heartmula-secret-key-change-in-production";
    const std::string message = base64(kHeader) + "." + base64(kPayload);
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(published.data()), published.size());
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(message.data()), message.size());
    std::array<unsigned char, 32> mac{};
    crypto_auth_hmacsha256_final(&state, mac.data());
    EXPECT_FALSE(is_taken(message + "." + base64(text_of(mac))));
    EXPECT_THROW(SigningKey{published}, Error);
}

TEST(Tokens, AreRefusedWhenAnyByteIsAnother) {
    const std::string token = sign_token(key(), {.subject = "f81d4fae", .expires = kNow + 60, .generation = 1});
    for (std::size_t i = 0; i < token.size(); ++i) {
        for (const char c : std::string("A_.=+/ \n\0z", 10)) {
            std::string other = token;
            if (other[i] == c) continue;
            other[i] = c;
            EXPECT_FALSE(is_taken(other)) << i << " " << c;
        }
        EXPECT_FALSE(is_taken(token.substr(0, i))) << i;
        EXPECT_FALSE(is_taken(token.substr(0, i) + token.substr(i + 1))) << i;
    }
}

TEST(Tokens, AreRefusedWithAnothersParts) {
    const auto parts = [](const std::string& token) {
        const std::size_t a = token.find('.'), b = token.rfind('.');
        return std::vector<std::string>{token.substr(0, a), token.substr(a + 1, b - a - 1), token.substr(b + 1)};
    };
    const auto mine = parts(sign_token(key(), {.subject = "mine", .expires = kNow + 60}));
    const auto yours = parts(sign_token(key(), {.subject = "yours", .expires = kNow + 60}));
    EXPECT_TRUE(is_taken(mine[0] + "." + mine[1] + "." + mine[2]));
    EXPECT_FALSE(is_taken(mine[0] + "." + yours[1] + "." + mine[2]));
    EXPECT_FALSE(is_taken(mine[0] + "." + mine[1] + "." + yours[2]));
    EXPECT_FALSE(is_taken(mine[1] + "." + mine[0] + "." + mine[2]));
}

TEST(Tokens, AreRefusedWithAnythingAround) {
    const std::string token = sign_token(key(), {.subject = "u", .expires = kNow + 60});
    for (const std::string& around :
         {std::string(" "), std::string("\n"), std::string("="), std::string("=="), std::string("."), std::string("A"),
          std::string(1, '\0'), std::string(".A"), token, "." + token}) {
        EXPECT_FALSE(is_taken(token + around)) << around;
        EXPECT_FALSE(is_taken(around + token)) << around;
    }
    for (const char* text : {"", ".", "..", "...", "a.b.c", "Bearer x.y.z", "....", "\xff.\xff.\xff"})
        EXPECT_FALSE(is_taken(text)) << text;
}

TEST(Tokens, AreRefusedInAnyOtherSpellingOfTheirBytes) {
    // Parts of every length modulo 3, so that bits are left over in the last character of some.
    for (const char* subject : {"u", "uu", "uuu"}) {
        const std::string payload = std::string(R"({"exp":1800000001,"sub":")") + subject + "\"}";
        const auto with_payload = [&](const std::string& encoded) {
            const std::string message = base64(kHeader) + "." + encoded;
            return message + "." + base64(text_of(key().mac(message)));
        };
        const std::string encoded = base64(payload);
        ASSERT_TRUE(is_taken(with_payload(encoded)));
        EXPECT_FALSE(is_taken(with_payload(encoded + "=")));
        EXPECT_FALSE(is_taken(with_payload(encoded + "==")));
        EXPECT_FALSE(is_taken(with_payload(encoded + "\n")));
        EXPECT_FALSE(is_taken(with_payload(encoded.substr(0, 4) + " " + encoded.substr(4))));
        EXPECT_FALSE(is_taken(with_payload(encoded + "A")));
        if (encoded.size() % 4 != 0) {
            std::string other = encoded;
            ++other.back();  // the same bytes for a lenient decoder
            EXPECT_FALSE(is_taken(with_payload(other))) << other;
        }
    }
    std::string token = sign_token(key(), {.subject = "u", .expires = kNow + 60});
    ++token.back();
    EXPECT_FALSE(is_taken(token));
}

TEST(Tokens, AreRefusedWhenTheyAreHuge) {
    const auto of_size = [](std::size_t padding) {
        return signed_parts(kHeader, R"({"exp":1800000001,"sub":"u","x":")" + std::string(padding, 'x') + "\"}");
    };
    const std::string small = of_size(2900), large = of_size(3100);
    ASSERT_LE(small.size(), 4096U);
    ASSERT_GT(large.size(), 4096U);
    EXPECT_TRUE(is_taken(small));
    EXPECT_FALSE(is_taken(large));
    EXPECT_FALSE(is_taken(std::string(10'000'000, '.')));
    EXPECT_FALSE(is_taken(std::string(10'000'000, 'A')));
}

TEST(Tokens, AreNotSignedForWhatIsNoSubject) {
    for (const std::string& subject : {std::string(), std::string("\xff"), std::string(201, 'u')}) {
        EXPECT_THROW((void)sign_token(key(), {.subject = subject, .expires = 1}), Error);
    }
}

TEST(MediaProof, OpensOneThingForAWhile) {
    const std::string proof = sign_media(key(), "audio/1", kNow + 1);
    EXPECT_TRUE(verify_media(key(), "audio/1", proof, kNow));
    EXPECT_FALSE(verify_media(key(), "audio/1", proof, kNow + 1));
    EXPECT_FALSE(verify_media(key(), "audio/2", proof, kNow));
    EXPECT_FALSE(verify_media(key(), "thumbnail/1", proof, kNow));
    EXPECT_FALSE(verify_media(SigningKey(kSecret + "x"), "audio/1", proof, kNow));
    EXPECT_EQ(proof.find_first_not_of("0123456789.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"),
              std::string::npos)
        << "needs no escapes in an address";
}

TEST(MediaProof, IsRefusedWhenAnyByteIsAnother) {
    const std::string proof = sign_media(key(), "audio/1", kNow + 60);
    for (std::size_t i = 0; i < proof.size(); ++i) {
        for (const char c : std::string("9A.+- \0", 7)) {
            std::string other = proof;
            if (other[i] == c) continue;
            other[i] = c;
            EXPECT_FALSE(verify_media(key(), "audio/1", other, kNow)) << other;
        }
        EXPECT_FALSE(verify_media(key(), "audio/1", proof.substr(0, i), kNow));
    }
    const std::string mac = proof.substr(proof.find('.'));
    for (const std::string& expires : {std::string("0"), std::string("+"), std::string("-1"), std::string("01800000060"),
                                       std::string("9223372036854775807"), std::string("9223372036854775808"),
                                       std::string("99999999999999999999999"), std::string()}) {
        EXPECT_FALSE(verify_media(key(), "audio/1", expires + mac, kNow)) << expires;
    }
    EXPECT_FALSE(verify_media(key(), "audio/1", "0" + proof, kNow));
    EXPECT_FALSE(verify_media(key(), "audio/1", proof + "=", kNow));
}

TEST(Secrets, AreRandomAndKeptAsHashes) {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const std::string secret = random_secret();
        EXPECT_EQ(secret.size(), 43U);
        EXPECT_EQ(secret.find_first_of("+/="), std::string::npos);
        EXPECT_TRUE(seen.insert(secret).second);
    }
    EXPECT_EQ(hash_secret("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hash_secret(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/// What making a key from `secret` says.
std::string refusal_of_secret(const std::string& secret) {
    try {
        const SigningKey made(secret);
    } catch (const Error& e) {
        EXPECT_EQ(e.code(), ErrorCode::usage);
        return e.what();
    }
    return "";
}

TEST(SigningKey, NeedsASecretThatIsOne) {
    EXPECT_EQ(refusal_of_secret(std::string(32, 'k')), "");
    EXPECT_EQ(refusal_of_secret(std::string(1000, 'k')), "");
    for (const std::string& secret : {std::string(), std::string("kkk"), std::string(31, 'k'),
                                      std::string("heartmula-secret-key-change-in-production")}) {
        const std::string words = refusal_of_secret(secret);
        EXPECT_NE(words, "") << secret;
        if (!secret.empty()) {
            EXPECT_EQ(words.find(secret), std::string::npos) << words;
        }
    }
}

// --- the key file -------------------------------------------------------------------------------------------------------

class KeyFile : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "heart-key-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path write(const std::string& text, mode_t mode) const {
        const auto file = folder_ / "secret";
        std::filesystem::remove(file);
        std::ofstream(file) << text;
        EXPECT_EQ(chmod(file.c_str(), mode), 0);
        return file;
    }
    static std::optional<Error> refusal(const std::filesystem::path& file) {
        try {
            (void)SigningKey::load_or_create(file);
        } catch (const Error& e) {
            return e;
        }
        return std::nullopt;
    }
    static std::string sample(const SigningKey& k) { return sign_token(k, {.subject = "u", .expires = kNow}); }

    std::filesystem::path folder_;
};

TEST_F(KeyFile, IsMadeForItsOwnerOnlyAndReadAgain) {
    const auto file = folder_ / "secret";
    const mode_t before = umask(0);
    const std::string first = sample(SigningKey::load_or_create(file));
    umask(before);
    struct stat facts {};
    ASSERT_EQ(stat(file.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0600U);
    EXPECT_EQ(sample(SigningKey::load_or_create(file)), first);
    const auto files = std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator());
    EXPECT_EQ(files, 1) << "nothing else stays behind";
    EXPECT_NE(sample(SigningKey::load_or_create(folder_ / "other")), first);
}

TEST_F(KeyFile, IsTheSameForAllThatMakeItAtOnce) {
    std::vector<std::string> samples(8);
    std::vector<std::thread> threads;
    for (std::string& s : samples) threads.emplace_back([&] { s = sample(SigningKey::load_or_create(folder_ / "secret")); });
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(std::set<std::string>(samples.begin(), samples.end()).size(), 1U);
}

TEST_F(KeyFile, IsRefusedWhenOthersMayUseIt) {
    for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0610U, 0666U, 0644U}) {
        const auto why = refusal(write(kSecret, mode));
        ASSERT_TRUE(why.has_value()) << mode;
        EXPECT_EQ(why->code(), ErrorCode::usage);
        EXPECT_EQ(std::string(why->what()).find(kSecret), std::string::npos);
    }
    EXPECT_FALSE(refusal(write(kSecret, 0600)).has_value());
    EXPECT_FALSE(refusal(write(kSecret, 0400)).has_value());
}

TEST_F(KeyFile, MayEndInALine) {
    const std::string token = sample(SigningKey(kSecret));
    EXPECT_EQ(sample(SigningKey::load_or_create(write(kSecret + "\n", 0600))), token);
    EXPECT_EQ(sample(SigningKey::load_or_create(write(" " + kSecret + "\r\n", 0600))), token);
}

TEST_F(KeyFile, IsRefusedWhenItHoldsNoKeyAndIsNotReplaced) {
    for (const std::string& text : {std::string(), std::string("\n"), std::string("short-secret"), std::string(4097, 'k'),
                                    std::string("heartmula-secret-key-change-in-production\n")}) {
        const auto file = write(text, 0600);
        const auto why = refusal(file);
        ASSERT_TRUE(why.has_value());
        EXPECT_EQ(why->code(), ErrorCode::usage);
        EXPECT_EQ(std::string(why->what()).find("short-secret"), std::string::npos);
        std::ostringstream now;
        now << std::ifstream(file).rdbuf();
        EXPECT_EQ(now.str(), text);
    }
    std::filesystem::create_directory(folder_ / "folder");
    EXPECT_TRUE(refusal(folder_ / "folder").has_value());
    const auto nowhere = refusal(folder_ / "none" / "secret");
    ASSERT_TRUE(nowhere.has_value());
    EXPECT_EQ(nowhere->code(), ErrorCode::io);
}

}  // namespace
}  // namespace heart::test
