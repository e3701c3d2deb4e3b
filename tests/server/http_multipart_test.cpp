// Is a form what its sender put into it, and is everything else refused?

#include "server/http/multipart.h"

#include <gtest/gtest.h>

#include <string>

namespace heart::test {
namespace {

using namespace server::http;

const std::string kHead = "--b\r\nContent-Disposition: form-data; name=\"a\"";

TEST(HttpForm, HasItsPartsInOrder) {
    const std::string body = kHead + "\r\n\r\none\r\n--b\r\nContent-Type: audio/wav\r\ncontent-disposition: form-data;" +
                             " filename=\"x \\\"y\\\".wav\"; name=file\r\n\r\nRIFF\r\n--\r\n\r\n--b--\r\n";
    const auto parts = parse_form(body, "b");
    ASSERT_TRUE(parts);
    ASSERT_EQ(parts->size(), 2U);
    EXPECT_EQ((*parts)[0].name, "a");
    EXPECT_FALSE((*parts)[0].filename);
    EXPECT_EQ((*parts)[0].data, "one");
    EXPECT_EQ((*parts)[1].name, "file");
    EXPECT_EQ((*parts)[1].filename, "x \"y\".wav");
    EXPECT_EQ((*parts)[1].data, "RIFF\r\n--\r\n") << "line ends and dashes are data";
}

TEST(HttpForm, MayBeEmptyAndSoMayItsParts) {
    EXPECT_EQ(parse_form("--b--", "b")->size(), 0U);
    EXPECT_EQ(parse_form(kHead + "\r\n\r\n\r\n--b--", "b")->at(0).data, "");
}

TEST(HttpForm, WhatIsNotExactlyAFormIsNone) {
    const std::string whole = kHead + "\r\n\r\none\r\n--b--";
    ASSERT_TRUE(parse_form(whole, "b"));
    for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(parse_form(whole.substr(0, size), "b")) << size;
    for (const std::string& bad :
         {"preamble\r\n" + whole, whole + "epilogue", whole + "\r\n\r\n", "\r\n" + whole,
          kHead + "\r\n\r\none\r\n--bx\r\n--b--", kHead + "\r\n\r\n--b--",
          kHead + "\r\nContent-Transfer-Encoding: base64\r\n\r\nb25l\r\n--b--",
          kHead + "\r\nContent-Disposition: form-data; name=\"z\"\r\n\r\none\r\n--b--",
          std::string("--b\r\nContent-Disposition: form-data\r\n\r\none\r\n--b--"),
          std::string("--b\r\nContent-Disposition: form-data; name=\"\"\r\n\r\none\r\n--b--"),
          std::string("--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\none\r\n--b--"),
          std::string("--b\r\nContent-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\none\r\n--b--"),
          std::string("--b\r\nContent-Disposition: form-data; name=\"a\xFF\"\r\n\r\none\r\n--b--"),
          std::string("--b\r\nContent-Disposition: form-data; name=\"a\tb\"\r\n\r\none\r\n--b--"),
          std::string("--b\r\nno header\r\n\r\none\r\n--b--"), std::string("--b\r\n\r\none\r\n--b--"),
          std::string("--b\n\nContent-Disposition: form-data; name=\"a\"\n\none\n--b--\n")}) {
        EXPECT_FALSE(parse_form(bad, "b")) << bad;
    }
}

TEST(HttpForm, HasAtMostSoManyPartsAndSoLargeHeaders) {
    const auto form = [](std::size_t parts, std::size_t header) {
        std::string body;
        for (std::size_t i = 0; i < parts; ++i) {
            body += kHead + "\r\nX: " + std::string(header - (kHead.size() - 5) - 9, 'x') + "\r\n\r\none\r\n";
        }
        return body + "--b--";
    };
    EXPECT_TRUE(parse_form(form(kMostFormParts, 100), "b"));
    EXPECT_FALSE(parse_form(form(kMostFormParts + 1, 100), "b"));
    EXPECT_TRUE(parse_form(form(1, kMostPartHeader), "b"));
    EXPECT_FALSE(parse_form(form(1, kMostPartHeader + 1), "b"));
}

TEST(HttpForm, BoundaryIsThatOfTheGrammar) {
    EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
    EXPECT_EQ(form_boundary("Multipart/Form-Data; charset=utf-8; BOUNDARY=\"a b\""), "a b");
    EXPECT_TRUE(form_boundary("multipart/form-data; boundary=" + std::string(70, 'x')));
    for (const std::string& bad :
         {std::string("multipart/form-data"), std::string("multipart/mixed; boundary=b"), std::string("application/json"),
          std::string("multipart/form-data; boundary="), std::string("multipart/form-data; boundary=\"a \""),
          std::string("multipart/form-data; boundary=a\r\nb"), std::string("multipart/form-data; boundary=\"a"),
          std::string("multipart/form-data; boundary=a; boundary=b"), std::string(""),
          "multipart/form-data; boundary=" + std::string(71, 'x')}) {
        EXPECT_FALSE(form_boundary(bad)) << bad;
    }
}

}  // namespace
}  // namespace heart::test
