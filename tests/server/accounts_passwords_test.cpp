// Do passwords verify against new and old hashes, and against nothing else?

#include "core/error.h"
#include "server/accounts/passwords.h"
#include "support/cpu_time.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <sodium.h>

namespace heart::test {
namespace {

using namespace std::string_literals;

using namespace server::accounts;

const std::string kFast = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";  // of 72 "x"

bool is_right(std::string_view hash, std::string_view password) {
    return verify_password(hash, password).right;
}

TEST(Passwords, AreHashedWithArgon2idAtItsFloorAndASaltOfTheirOwn) {
    const std::string hash = hash_password("correct horse");
    EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$")) << hash;
    EXPECT_NE(hash, hash_password("correct horse"));
    const Verdict verdict = verify_password(hash, "correct horse");
    EXPECT_TRUE(verdict.right);
    EXPECT_FALSE(verdict.outdated);
    for (const char* wrong : {"", "correct hors", "correct horse ", "Correct horse"}) EXPECT_FALSE(is_right(hash, wrong));
}

TEST(Passwords, MayHoldAnythingButAZeroByte) {
    for (const std::string& password :
         {std::string("\xff\xfe"), std::string("\xc3\xa4 \xe2\x9c\x93"), std::string(4096, 'x')}) {
        EXPECT_TRUE(is_right(hash_password(password), password));
    }
    for (const std::string& password : {std::string("a\0b", 3), std::string(1, '\0'), std::string(4097, 'x')}) {
        try {
            (void)hash_password(password);
            ADD_FAILURE() << "hashed";
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::usage);
            EXPECT_EQ(std::string(e.what()).find("xxx"), std::string::npos);
        }
    }
    EXPECT_FALSE(is_right(hash_password("a"), std::string("a\0b", 3)));
    EXPECT_FALSE(
        is_right("$2b$04$Q3Ls0zUeVRmAX7dX6bqDbuTloGvH6wYyBLmpfpTufgmLLVu8M.e3u", "p\xc3\xa4ssw\xc3\xb6rd \xe2\x9c\x93\0x"s));
}

TEST(Passwords, OfThePythonStudioVerifyAndAreOutdated) {
    const std::pair<const char*, const char*> known[] = {
        {"$2b$12$Q3Ls0zUeVRmAX7dX6bqDbuvxfhq8doaCYI79sGqmPqn/TxbAxzQRe", "correct horse battery staple"},
        {"$2b$12$0123456789ABCDEFGHIJKeK3GhDCYKm5EGWlPKICatbbbOYafgmfS", "p\xc3\xa4ssw\xc3\xb6rd \xe2\x9c\x93"},
        {"$2b$04$ZYXWVUTSRQPONMLKJIHGFetql4C2XZmIk/fIXR4/2v4uGi79n7UuG", ""},
        {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
        {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
    };
    for (const auto& [hash, password] : known) {
        const Verdict verdict = verify_password(hash, password);
        EXPECT_TRUE(verdict.right) << hash;
        EXPECT_TRUE(verdict.outdated) << hash;
        EXPECT_FALSE(is_right(hash, std::string(password) + "x")) << hash;
    }
}

TEST(Passwords, OfThePythonStudioEndAfter72Bytes) {
    EXPECT_TRUE(is_right(kFast, std::string(72, 'x')));
    EXPECT_TRUE(is_right(kFast, std::string(72, 'x') + "and more"));
    EXPECT_TRUE(is_right(kFast, std::string(4096, 'x')));
    EXPECT_FALSE(is_right(kFast, std::string(71, 'x')));
}

TEST(Passwords, AreNeverRightForWhatIsNoHash) {
    const std::string right(72, 'x');
    for (std::string hash : {std::string(),
                             std::string("*"),
                             std::string("!"),
                             std::string("x"),
                             right,
                             std::string("$2b$"),
                             kFast.substr(0, 59),
                             kFast + "x",
                             "$2x" + kFast.substr(3),
                             "$2" + kFast.substr(3),
                             "$2b$03" + kFast.substr(6),
                             "$2b$31" + kFast.substr(6),
                             "$2b$16" + kFast.substr(6),
                             "$2b$4$" + kFast.substr(7),
                             "$2b$ab" + kFast.substr(6),
                             kFast.substr(0, 59) + ":",
                             kFast.substr(0, 30) + '\0' + kFast.substr(31),
                             std::string("$1$abc$"),
                             std::string("$6$abc$"),
                             std::string("$y$j9T$abc$"),
                             std::string("$argon2id$"),
                             std::string("$argon2id$v=19$m=19456,t=2,p=1$$"),
                             std::string("$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaA"),
                             std::string(5000, '$')}) {
        EXPECT_FALSE(is_right(hash, right)) << hash;
        EXPECT_FALSE(is_right(hash, "")) << hash;
    }
    EXPECT_FALSE(is_right(hash_password(right) + "x", right));
    EXPECT_FALSE(is_right(hash_password(right) + '\0', right));
}

TEST(Passwords, TakesCheaperHashesAsOutdatedAndRefusesRuinousOnes) {
    ASSERT_GE(sodium_init(), 0);
    char hash[crypto_pwhash_argon2id_STRBYTES];
    ASSERT_EQ(crypto_pwhash_argon2id_str(hash, "abc", 3, 1, 8192), 0);
    const Verdict verdict = verify_password(hash, "abc");
    EXPECT_TRUE(verdict.right);
    EXPECT_TRUE(verdict.outdated);
    EXPECT_FALSE(is_right("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$" + std::string(43, 'A'), "abc"));
    EXPECT_FALSE(is_right("$argon2id$v=19$m=8,t=4000000000,p=1$c29tZXNhbHRzb21lc2FsdA$" + std::string(43, 'A'), "abc"));
}

TEST(Passwords, VerifyingNothingDoesTheWorkOfVerifying) {
    const std::string argon = hash_password("a");
    const std::string bcrypt = "$2b$12$Q3Ls0zUeVRmAX7dX6bqDbuvxfhq8doaCYI79sGqmPqn/TxbAxzQRe";
    EXPECT_FALSE(is_bcrypt(argon));
    EXPECT_TRUE(is_bcrypt(bcrypt));
    verify_nothing("a");  // makes its hash the first time
    const double argon_real = cpu_seconds([&] { (void)verify_password(argon, "b"); });
    const double argon_nothing = cpu_seconds([] { verify_nothing("b"); });
    const double bcrypt_real = cpu_seconds([&] { (void)verify_password(bcrypt, "b"); });
    const double bcrypt_nothing = cpu_seconds([] { verify_nothing_bcrypt("b"); });
    std::printf("argon2id %.3f and %.3f s, bcrypt %.3f and %.3f s of CPU\n", argon_real, argon_nothing, bcrypt_real,
                bcrypt_nothing);
    EXPECT_GT(argon_nothing, argon_real / 20);
    EXPECT_LT(argon_nothing, argon_real * 20);
    EXPECT_GT(bcrypt_nothing, bcrypt_real / 20);
    EXPECT_LT(bcrypt_nothing, bcrypt_real * 20);
}

TEST(Passwords, AreHashedOnManyThreads) {
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            const std::string password = "password " + std::to_string(t);
            if (is_right(hash_password(password), password) && !is_right(kFast, password)) ++right;
        });
    }
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(right, 8);
}

}  // namespace
}  // namespace heart::test
