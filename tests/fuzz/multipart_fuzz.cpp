// Does the form reader keep its promises for any bytes?

#include "core/utf8.h"
#include "fuzz_check.h"
#include "server/http/multipart.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace heart::server::http;

/// The form that has these parts.
std::string form_of(const std::vector<FormPart>& parts, const std::string& boundary) {
    const auto quoted = [](const std::string& text) {
        std::string out = "\"";
        for (const char c : text) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        return out + "\"";
    };
    std::string out;
    for (const FormPart& part : parts) {
        out += "--" + boundary + "\r\nContent-Disposition: form-data; name=" + quoted(part.name);
        if (part.filename) out += "; filename=" + quoted(*part.filename);
        out += "\r\n\r\n" + std::string(part.data) + "\r\n";
    }
    return out + "--" + boundary + "--\r\n";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    // The first line is a Content-Type, the rest a body.
    const auto line = std::min(input.find('\n'), input.size());
    const auto boundary = form_boundary(input.substr(0, line));
    if (!boundary) return 0;
    HEART_FUZZ_CHECK(!boundary->empty() && boundary->size() <= 70);
    const auto body = input.substr(std::min(line + 1, input.size()));
    const auto parts = parse_form(body, *boundary);
    if (!parts) return 0;
    HEART_FUZZ_CHECK(parts->size() <= kMostFormParts);
    for (const FormPart& part : *parts) {
        HEART_FUZZ_CHECK(!part.name.empty() && heart::find_invalid_utf8(part.name) == std::string_view::npos);
        HEART_FUZZ_CHECK(part.data.data() >= body.data() &&
                         part.data.data() + part.data.size() <= body.data() + body.size());
        HEART_FUZZ_CHECK(part.data.find("\r\n--" + *boundary) == std::string_view::npos);
    }
    // What was read says the same when it is written again.
    const std::string again = form_of(*parts, *boundary);
    const auto second = parse_form(again, *boundary);
    HEART_FUZZ_CHECK(second && second->size() == parts->size());
    for (std::size_t i = 0; i < parts->size(); ++i) {
        HEART_FUZZ_CHECK((*second)[i].name == (*parts)[i].name && (*second)[i].filename == (*parts)[i].filename);
        HEART_FUZZ_CHECK((*second)[i].data == (*parts)[i].data);
    }
    return 0;
}
