// Which addresses are out on the public internet?

#include "net/public_address.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace heart::net {
namespace {

bool is_public(const char* text) {
    sockaddr_in v4{};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        return is_public_address(reinterpret_cast<const sockaddr&>(v4));
    }
    sockaddr_in6 v6{};
    EXPECT_EQ(inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
    v6.sin6_family = AF_INET6;
    return is_public_address(reinterpret_cast<const sockaddr&>(v6));
}

TEST(PublicAddress, RefusesWhatStaysInsideOrGoesNowhere) {
    for (const char* text : {"0.0.0.0",
                             "0.255.255.255",
                             "10.0.0.0",
                             "10.255.255.255",
                             "100.64.0.0",
                             "100.127.255.255",
                             "127.0.0.1",
                             "127.255.255.255",
                             "169.254.0.0",
                             "169.254.169.254",
                             "172.16.0.0",
                             "172.31.255.255",
                             "192.0.0.1",
                             "192.0.2.9",
                             "192.88.99.1",
                             "192.168.0.0",
                             "192.168.255.255",
                             "198.18.0.0",
                             "198.19.255.255",
                             "198.51.100.7",
                             "203.0.113.7",
                             "224.0.0.0",
                             "239.255.255.255",
                             "240.0.0.0",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "::7f00:1",
                             "fc00::",
                             "fdff::1",
                             "fe80::1",
                             "febf::1",
                             "fec0::1",
                             "ff02::1",
                             "2001::1",
                             "2001:db8::1",
                             "3fff:0fff::1",
                             "100::1",
                             "4000::1",
                             "::ffff:10.0.0.1",
                             "::ffff:127.0.0.1",
                             "64:ff9b::10.1.1.1",
                             "64:ff9b:1::1",
                             "2002:7f00:1::1",
                             "2002:c0a8:101::",
                             "::ffff:169.254.169.254"}) {
        EXPECT_FALSE(is_public(text)) << text;
    }
}

TEST(PublicAddress, TakesTheNeighboursOfThoseRanges) {
    for (const char* text :
         {"1.0.0.0",          "9.255.255.255",   "11.0.0.0",       "100.63.255.255", "100.128.0.0",     "126.255.255.255",
          "128.0.0.0",        "169.253.255.255", "169.255.0.0",    "172.15.255.255", "172.32.0.0",      "192.0.1.0",
          "192.167.255.255",  "192.169.0.0",     "198.17.255.255", "198.20.0.0",     "223.255.255.255", "2000::1",
          "2001:200::1",      "2001:db7::1",     "2001:db9::1",    "2606:4700::1",   "3fff:1000::1",    "::ffff:1.1.1.1",
          "64:ff9b::1.1.1.1", "2002:101:101::1"}) {
        EXPECT_TRUE(is_public(text)) << text;
    }
}

TEST(PublicAddress, KnowsNoOtherFamilies) {
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    EXPECT_FALSE(is_public_address(reinterpret_cast<const sockaddr&>(local)));
}

}  // namespace
}  // namespace heart::net
