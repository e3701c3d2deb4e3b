#include "core/error.h"
#include "embedder_choice.h"
#include "engine/lyrics_score.h"
#include "engine/transcriber.h"
#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>

namespace heart::app {

namespace {

using engine::LyricsScore;
using speech::Edit;
using speech::ErrorCounts;
using Json = nlohmann::ordered_json;

struct ScoreOptions {
    CommonOptions common;  // --model-path, --device, --threads, --json, --quiet
    EmbedderChoice choice;
    std::string lyrics, audio, heard, tags, language, dtype = "float16";
};

/// How well a song goes with its tags (HeartMuLa paper, Tag-Sim): the dot product of both embeddings.
struct TagScore {
    double similarity = 0, seconds = 0;
    std::size_t clips = 0;
};

Json counts_json(const ErrorCounts& c) {
    return {{"rate", c.rate()},
            {"hits", c.hits},
            {"substitutions", c.substitutions},
            {"deletions", c.deletions},
            {"insertions", c.insertions}};
}

const char* kind_name(Edit::Kind kind) {
    switch (kind) {
        case Edit::Kind::hit: return "sung";
        case Edit::Kind::substitution: return "changed";
        case Edit::Kind::deletion: return "dropped";
        case Edit::Kind::insertion: return "added";
    }
    return "";
}

Json report_of(const LyricsScore& s, const std::string& language) {
    Json out{{"measure", s.by_characters ? "cer" : "wer"},
             {"rate", s.main().rate()},
             {"language", language},
             {"words", counts_json(s.words)},
             {"characters", counts_json(s.characters)},
             {"phonemes", s.phonemes ? counts_json(*s.phonemes) : Json(nullptr)}};
    out["lines"] = Json::array();
    for (const engine::LineScore& l : s.lines) {
        Json line{{"text", l.text}, {"heard", l.heard}, {"counts", counts_json(l.counts)}};
        line["units"] = Json::array();
        for (const auto& u : l.units)
            line["units"].push_back({{"kind", kind_name(u.kind)}, {"sung", u.sung}, {"heard", u.heard}});
        out["lines"].push_back(std::move(line));
    }
    return out;
}

void print_rate(const char* name, const ErrorCounts& c) {
    fmt::print("{:<22} {:6.1f} %  {} of {} right, {} changed, {} dropped, {} added\n", name, 100 * c.rate(), c.hits,
               c.reference_units(), c.substitutions, c.deletions, c.insertions);
}

/// A line with its differences marked: [sung -> heard], [-dropped], [+added].
std::string marked(const engine::LineScore& line, bool by_characters) {
    std::string out;
    for (const auto& u : line.units) {
        if (!out.empty() && !by_characters) out += ' ';
        switch (u.kind) {
            case Edit::Kind::hit: out += u.sung; break;
            case Edit::Kind::substitution: out += fmt::format("[{} -> {}]", u.sung, u.heard); break;
            case Edit::Kind::deletion: out += fmt::format("[-{}]", u.sung); break;
            case Edit::Kind::insertion: out += fmt::format("[+{}]", u.heard); break;
        }
    }
    return out;
}

void print_for_people(const LyricsScore& s) {
    print_rate(s.by_characters ? "Character error rate" : "Word error rate", s.main());
    if (!s.by_characters) print_rate("Character error rate", s.characters);
    if (s.phonemes) print_rate("Phoneme error rate", *s.phonemes);
    fmt::print("\n");
    for (const engine::LineScore& l : s.lines) {
        fmt::print("{:4.0f} %  {}\n", 100 * l.counts.rate(), marked(l, s.by_characters));
    }
}

/// The tags as they were typed, and all clips of the song: the paper does not say how it joins either.
TagScore score_tags(const ScoreOptions& o) {
    engine::Embedder embedder = o.choice.open(o.common);
    ProgressBar bar(!o.common.quiet);
    const auto words = embedder.embed_text(read_tags(o.tags), bar.callback(), interrupt_token());
    const auto song = embedder.embed(std::filesystem::path(o.audio), bar.callback(), interrupt_token());
    bar.finish();
    return {engine::similarity(song.values, words), song.seconds, song.clips.size()};
}

/// What was heard in the song, and in which language.
std::pair<std::string, std::string> hear(const ScoreOptions& o) {
    if (o.common.model_path.empty()) {
        throw Error(ErrorCode::usage, "no model to transcribe with")
            .expected("--model-path DIR with HeartTranscriptor-oss/");
    }
    engine::Transcriber transcriber(o.common.model_folder(),
                                    {o.common.device, engine::parse_type(o.dtype), o.common.threads});
    engine::TranscriptionRequest request;
    request.language = o.language;
    ProgressBar bar(!o.common.quiet);
    engine::Transcript t =
        transcriber.transcribe(std::filesystem::path(o.audio), request, bar.callback(), interrupt_token());
    bar.finish();
    return {std::move(t.text), std::move(t.language)};
}

void check(const ScoreOptions& o) {
    if (o.lyrics.empty() && o.tags.empty()) {
        throw Error(ErrorCode::usage, "nothing to hold the song to").expected("--lyrics, --tags or both");
    }
    if (!o.lyrics.empty() && o.audio.empty() == o.heard.empty()) {
        throw Error(ErrorCode::usage, "nothing to compare the lyrics with").expected("either --audio or --heard");
    }
    if (!o.tags.empty() && o.audio.empty()) {
        throw Error(ErrorCode::usage, "nothing to compare the tags with").expected("--audio FILE");
    }
}

int score(const ScoreOptions& o) {
    interrupt_token();
    check(o);
    Json report = Json::object();
    if (!o.lyrics.empty()) {
        const std::string lyrics = read_text(o.lyrics);
        const auto [heard, language] = o.audio.empty() ? std::pair(read_text(o.heard), o.language) : hear(o);
        const LyricsScore result = engine::score_lyrics(lyrics, heard, language);
        report = report_of(result, language);
        if (!o.common.json) print_for_people(result);
    }
    if (!o.tags.empty()) {
        const TagScore tags = score_tags(o);
        report["tag_similarity"] = tags.similarity;
        report["embedding_model"] = o.choice.folder;
        if (!o.common.json) {
            fmt::print("{:<22} {:6.3f}    {:.1f} s in {} clip{}\n", "Tag similarity", tags.similarity, tags.seconds,
                       tags.clips, tags.clips == 1 ? "" : "s");
        }
    }
    if (o.common.json) print_json(report);
    return kExitDone;
}

}  // namespace

void add_score(CLI::App& app, Action& action) {
    auto o = std::make_shared<ScoreOptions>();
    CLI::App* verb = app.add_subcommand(
        "score", "Say how well a song sings its lyrics (word, character, phoneme error rate) and goes with its tags");
    verb->add_option("--lyrics", o->lyrics, "What should be sung")->type_name("FILE|-");
    verb->add_option("--tags", o->tags, "How it should sound: adds the similarity of tags and song")->type_name("FILE|TEXT");
    verb->add_option("--audio", o->audio, "The song, which is transcribed first")->type_name("FILE");
    verb->add_option("--heard", o->heard, "A text that was heard, instead of a song")->type_name("FILE");
    verb->add_option("--language", o->language, "Code or English name; detected where not given");
    verb->add_option(both_names("model-path"), o->common.model_path,
                     "Folder with HeartTranscriptor-oss/, or that folder; for --tags with the embedding model")
        ->type_name("DIR");
    const std::string group = "How it runs";
    o->choice.add(*verb, group);
    verb->add_option("--device", o->common.device, "Device of the model")->capture_default_str()->group(group);
    verb->add_option("--dtype", o->dtype, "Matrices: float32, float16, bfloat16 or a quantised type")
        ->capture_default_str()
        ->group(group);
    verb->add_option("--threads", o->common.threads, "CPU threads; 0 means one per core")
        ->capture_default_str()
        ->group(group);
    o->common.add_output(*verb);
    verb->callback([o, &action] { action = [o] { return score(*o); }; });
}

}  // namespace heart::app
