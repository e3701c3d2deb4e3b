#include "hub/demo_model.h"

#include "hub/demo_files.h"

namespace heart::hub {

namespace {

std::string_view text_of(std::string_view name) {
    for (const formats::EmbeddedFile& f : kDemoFiles) {
        if (f.name == name) return {reinterpret_cast<const char*>(f.bytes.data()), f.bytes.size()};
    }
    return {};
}

}  // namespace

formats::Folder demo_model() {
    return formats::Folder::embedded(kDemoFiles, "the built-in demo model");
}

std::string_view demo_model_note() {
    return "Using the built-in demo model: it makes small synthetic tunes in one style and does not sing words. "
           "Name real weights with --model-path.";
}

std::string_view example_lyrics() {
    return text_of("example-lyrics.txt");
}

std::string_view example_tags() {
    const std::string_view tags = text_of("example-tags.txt");
    return tags.substr(0, tags.find_last_not_of("\r\n") + 1);
}

}  // namespace heart::hub
