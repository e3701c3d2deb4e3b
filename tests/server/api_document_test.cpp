// Does /openapi.json say what the router does, and the router what /openapi.json says?

#include "server/studio_fixture.h"

#include <algorithm>
#include <set>

namespace heart::test {
namespace {

using server::api::Json;

/// Every "METHOD /path" of the document; a path that answers 101 is a WebSocket.
std::set<std::string> documented(const Json& document) {
    std::set<std::string> out;
    for (const auto& [path, item] : document.at("paths").items()) {
        for (const auto& [method, operation] : item.items()) {
            std::string name = method;
            std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
            out.insert((operation.at("responses").contains("101") ? "WS" : name) + " " + path);
        }
    }
    return out;
}

/// All "$ref"s in it.
void collect_references(const Json& value, std::set<std::string>& out) {
    if (value.is_object() && value.contains("$ref")) out.insert(value.at("$ref").get<std::string>());
    if (!value.is_structured()) return;
    for (const auto& [name, inner] : value.items()) collect_references(inner, out);
}

class ApiDocument : public ::testing::Test {
protected:
    StudioRooms rooms;
    Json document = rooms.ask("GET", "/openapi.json").json();
};

TEST_F(ApiDocument, HasEveryRouteAndNoOther) {
    std::set<std::string> routes;
    for (const std::string& route : rooms.router.routes()) routes.insert(route);
    const auto written = documented(document);
    for (const std::string& route : routes) EXPECT_TRUE(written.contains(route)) << route << " is not in the document";
    for (const std::string& route : written) EXPECT_TRUE(routes.contains(route)) << route << " is only in the document";
}

TEST_F(ApiDocument, EveryReferenceLeadsSomewhere) {
    std::set<std::string> references;
    collect_references(document, references);
    EXPECT_GT(references.size(), 10U);
    for (const std::string& r : references) {
        ASSERT_TRUE(r.starts_with("#/")) << r;
        EXPECT_TRUE(document.contains(Json::json_pointer(r.substr(1)))) << r;
    }
}

TEST_F(ApiDocument, EveryOperationHasAName_ATagAndAnswers) {
    std::set<std::string> names, tags;
    for (const Json& tag : document.at("tags")) tags.insert(tag.at("name").get<std::string>());
    for (const auto& [path, item] : document.at("paths").items()) {
        for (const auto& [method, operation] : item.items()) {
            EXPECT_TRUE(names.insert(operation.at("operationId").get<std::string>()).second) << path << " twice";
            EXPECT_TRUE(tags.contains(operation.at("tags").at(0).get<std::string>())) << path;
            EXPECT_FALSE(operation.at("summary").get<std::string>().empty()) << path;
            EXPECT_TRUE(operation.contains("security")) << path;
            EXPECT_FALSE(operation.at("responses").empty()) << path;
        }
    }
}

TEST_F(ApiDocument, ParametersOfPathsAreDescribed) {
    for (const auto& [path, item] : document.at("paths").items()) {
        for (const auto& [method, operation] : item.items()) {
            std::set<std::string> described;
            for (const Json& p : operation.value("parameters", Json::array())) {
                const Json& parameter =
                    p.contains("$ref") ? document.at(Json::json_pointer(p.at("$ref").get<std::string>().substr(1))) : p;
                if (parameter.at("in") == "path") described.insert(parameter.at("name").get<std::string>());
            }
            std::set<std::string> there;
            for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
                there.insert(path.substr(at + 1, path.find('}', at) - at - 1));
            }
            EXPECT_EQ(described, there) << method << " " << path;
        }
    }
}

TEST_F(ApiDocument, AnswersCarryTheFieldsThatItNames) {
    const auto ada = rooms.add_user("ada");
    const std::string token = rooms.token_of(ada);
    const auto song = rooms.add_song(ada);
    const auto job = rooms.add_job(ada);
    rooms.services->likeness.add_reference({.id = "r", .user_id = ada.id, .source = "s", .model = "m", .embedding = {1.0F}});
    const std::pair<Json, const char*> answers[] = {
        {rooms.ask("GET", "/api/history/" + song.id, token).json(), "Song"},
        {rooms.ask("GET", "/api/jobs/" + job.id, token).json(), "Job"},
        {rooms.ask("GET", "/api/auth/me", token).json(), "User"},
        {rooms.ask("GET", "/api/status").json(), "Status"},
        {rooms.ask("GET", "/api/references", token).json().at("items").at(0), "Reference"},
        {rooms.ask("GET", "/api/songs/" + song.id + "/embedding", token).json(), "Embedding"},
    };
    for (const auto& [answer, name] : answers) {
        std::set<std::string> said, promised;
        for (const auto& [field, value] : answer.items()) said.insert(field);
        for (const auto& [field, value] : document.at("components").at("schemas").at(name).at("properties").items()) {
            promised.insert(field);
        }
        EXPECT_EQ(said, promised) << name;
    }
}

}  // namespace
}  // namespace heart::test
