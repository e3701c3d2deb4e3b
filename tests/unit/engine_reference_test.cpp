// Is a song with a reference made, heard, resumed and made again as the song that it is?

#include "engine/reference.h"

#include "audio/song_tags.h"
#include "audio_test_support.h"
#include "core/philox.h"
#include "engine/codes_journal.h"
#include "engine/generator.h"
#include "support/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace heart::test {
namespace {

using namespace engine;
using audio::testing::error_of;
using audio::testing::TemporaryFolder;

EngineOptions plain_options() {
    EngineOptions o;
    o.language_model_type = graph::Type::f32;
    o.threads = 1;
    return o;
}

/// A vector of unit length with all that can be known of it, at a strength that is heard in tiny models.
Reference reference(std::uint64_t seed = 1) {
    Reference r;
    r.embedding.resize(512);
    fill_normal({.seed = seed, .purpose = Draw::weight}, r.embedding);
    double squares = 0;
    for (const float x : r.embedding) squares += static_cast<double>(x) * x;
    for (float& x : r.embedding) x = static_cast<float>(x / std::sqrt(squares));
    r.strength = 12.3;
    r.source = "voice of a river.flac";
    r.start = 30.25;
    r.seconds = 10;
    r.model = "MuQ-MuLan-large";
    r.licence = "CC-BY-NC 4.0";
    return r;
}

SongRequest short_request(std::optional<Reference> r = {}, std::int64_t frames = 20) {
    SongRequest out;
    out.lyrics = "[Verse]\nla la la\n";
    out.tags = "piano,happy";
    out.max_audio_length_ms = (frames - 1) * 80;
    out.seed = 7;
    out.codec_steps = 1;
    out.codec_guidance = 1.0;
    out.reference = std::move(r);
    return out;
}

std::vector<std::int32_t> codes_of(const SongRequest& r) {
    return Generator(tiny(), plain_options()).compose(r, {}, {}).codes.values;
}

std::string value_of(const Settings& settings, const std::string& name) {
    const auto found = std::find_if(settings.begin(), settings.end(), [&](const auto& s) { return s.first == name; });
    return found == settings.end() ? "(none)" : found->second;
}

Settings settings_of(const SongRequest& r) {
    return song_settings(Generator(tiny(), plain_options()).compose(r, {}, {}), plain_options(), "tiny");
}

// --- the song -----------------------------------------------------------------------------------------------------------

TEST(Reference, ChangesTheSongAndAnotherOneChangesItOtherwise) {
    const auto plain = codes_of(short_request()), one = codes_of(short_request(reference(1))),
               other = codes_of(short_request(reference(2)));
    EXPECT_NE(one, plain);
    EXPECT_NE(other, plain);
    EXPECT_NE(one, other);
    auto weaker = reference(1);
    weaker.strength = 6;
    EXPECT_NE(codes_of(short_request(weaker)), one);
}

TEST(Reference, WithoutStrengthIsNone) {
    auto r = reference();
    r.strength = 0;
    EXPECT_EQ(codes_of(short_request(r)), codes_of(short_request()));
    EXPECT_EQ(settings_of(short_request(r)), settings_of(short_request()));
    const Generator generator(tiny(), plain_options());
    const auto key_of = [&](const SongRequest& q) {
        return journal_subject(generator.checkpoints(), plain_options(), "cpu", q).key;
    };
    EXPECT_EQ(key_of(short_request(r)), key_of(short_request()));
}

TEST(Reference, SongsWithAndWithoutShareTheirFramesAndStayThemselves) {
    std::vector<SongRequest> requests{short_request(reference(1)), short_request(), short_request(reference(2), 31),
                                      short_request(reference(1), 9)};
    requests[1].cfg_scale = 1.0;
    requests[3].cfg_scale = 1.0;
    requests[3].take = 1;
    Generator generator(tiny(), plain_options());
    for (const std::int64_t at_once : {2, 4}) {
        const auto together = generator.compose_together(requests, at_once, {}, {});
        for (std::size_t i = 0; i < requests.size(); ++i) {
            EXPECT_EQ(together[i].codes.values, codes_of(requests[i])) << at_once << " at once, song " << i;
        }
    }
}

TEST(Reference, AStreamIsTheSongThatIsMadeAtOnce) {
    const SongRequest r = short_request(reference());
    Generator generator(tiny(), plain_options());
    const Song whole = generator.generate(r, {}, {});
    std::vector<std::vector<float>> heard(2);
    const auto sink = [&](const AudioBlock& block) {
        for (std::size_t i = 0; i < block.stereo.size(); ++i) heard[i % 2].push_back(block.stereo[i]);
    };
    const StreamedSong streamed = generator.stream(r, sink, {}, {});
    EXPECT_EQ(streamed.composition.codes.values, whole.composition.codes.values);
    EXPECT_TRUE(heard == whole.audio.channels);
    EXPECT_NE(whole.composition.codes.values, codes_of(short_request()));
}

// --- what is refused ------------------------------------------------------------------------------------------------------

TEST(Reference, OfAnotherLengthIsRefusedBeforeWeightsAreLoaded) {
    const CheckpointSet set(tiny(), "3B");
    const SongPreparer preparer(set);
    for (const std::size_t size : {0U, 511U, 513U, 1024U}) {
        auto r = reference();
        r.embedding.resize(size);
        const Error e = error_of([&] { (void)preparer.prepare(short_request(r)); });
        EXPECT_EQ(e.code(), ErrorCode::mismatch);
        EXPECT_EQ(e.expected_text(), "512 numbers");
        EXPECT_EQ(e.found_text(), std::to_string(size) + " numbers");
        r.strength = 0;
        EXPECT_EQ(error_of([&] { (void)preparer.prepare(short_request(r)); }).code(), ErrorCode::mismatch)
            << "whatever the strength";
    }
}

TEST(Reference, OfStrangeNumbersIsRefused) {
    const CheckpointSet set(tiny(), "3B");
    const SongPreparer preparer(set);
    const auto code_of = [&](float number, double strength) {
        auto r = reference();
        r.embedding[77] = number;
        r.strength = strength;
        const Error e = error_of([&] { (void)preparer.prepare(short_request(r)); });
        EXPECT_NE(e.found_text().find("number 77"), std::string::npos) << e.what();
        return e.code();
    };
    EXPECT_EQ(code_of(std::numeric_limits<float>::quiet_NaN(), 1), ErrorCode::malformed);
    EXPECT_EQ(code_of(std::numeric_limits<float>::quiet_NaN(), 0), ErrorCode::malformed);
    EXPECT_EQ(code_of(std::numeric_limits<float>::infinity(), 1), ErrorCode::malformed);
    EXPECT_EQ(code_of(-1.1e6F, 1), ErrorCode::limit);
    EXPECT_EQ(code_of(9e5F, 16), ErrorCode::limit) << "with the strength";
    auto large = reference();
    large.embedding[77] = 1e6F;
    large.strength = 1;
    EXPECT_NO_THROW((void)preparer.prepare(short_request(large)));
}

TEST(Reference, OutOfRangeIsRefused) {
    for (const double strength : {-0.1, 16.1, std::numeric_limits<double>::quiet_NaN()}) {
        auto r = reference();
        r.strength = strength;
        EXPECT_EQ(error_of([&] { check_request(short_request(r)); }).code(), ErrorCode::usage) << strength;
    }
    auto before = reference(), endless = reference(), strongest = reference();
    before.start = -1;
    endless.seconds = std::numeric_limits<double>::infinity();
    strongest.strength = 16;
    EXPECT_EQ(error_of([&] { check_request(short_request(before)); }).code(), ErrorCode::usage);
    EXPECT_EQ(error_of([&] { check_request(short_request(endless)); }).code(), ErrorCode::usage);
    EXPECT_NO_THROW(check_request(short_request(strongest)));
}

// --- resuming -------------------------------------------------------------------------------------------------------------

TEST(Reference, ASongThatStoppedGoesOnToTheSameCodes) {
    const TemporaryFolder folder;
    const SongRequest r = short_request(reference(), 40);
    const auto expected = codes_of(r);
    Generator generator(tiny(), plain_options());
    const auto subject = journal_subject(generator.checkpoints(), plain_options(), "cpu", r);
    const auto ignore = [](const AudioBlock&) {};
    CancelToken cancel;
    const auto stop = [&](const Progress& p) {
        if (p.phase == Phase::frames && p.done >= 17) cancel.cancel();
    };
    {
        CodesJournal journal(folder / "song.codes", subject);
        EXPECT_THROW((void)generator.stream(r, ignore, stop, cancel, &journal), Error);
    }
    CodesJournal journal(folder / "song.codes", subject);
    EXPECT_GE(journal.known().size(), 17U);
    EXPECT_EQ(generator.stream(r, ignore, {}, {}, &journal).composition.codes.values, expected);
}

TEST(Reference, ASongIsNotResumedWithAnotherReference) {
    const TemporaryFolder folder;
    const Generator generator(tiny(), plain_options());
    const auto subject_of = [&](const std::optional<Reference>& r) {
        return journal_subject(generator.checkpoints(), plain_options(), "cpu", short_request(r));
    };
    auto weaker = reference(1), renamed = reference(1);
    weaker.strength = 12;
    renamed.source = "another name";
    const heartmula::Frame frame(8, 1);
    for (const std::optional<Reference>& other :
         {std::optional<Reference>(), std::optional(reference(2)), std::optional(weaker)}) {
        CodesJournal(folder / "song.codes", subject_of(reference(1))).append(frame);
        EXPECT_EQ(CodesJournal(folder / "song.codes", subject_of(reference(1))).known().size(), 1U);
        EXPECT_TRUE(CodesJournal(folder / "song.codes", subject_of(other)).known().empty());
    }
    EXPECT_EQ(subject_of(renamed).key, subject_of(reference(1)).key) << "a name changes no code";
}

// --- the recipe -----------------------------------------------------------------------------------------------------------

TEST(ReferenceRecipe, SaysAllThatIsKnown) {
    const Settings settings = settings_of(short_request(reference()));
    EXPECT_EQ(value_of(settings, "reference_source"), "voice of a river.flac");
    EXPECT_EQ(value_of(settings, "reference_start"), "30.25");
    EXPECT_EQ(value_of(settings, "reference_seconds"), "10");
    EXPECT_EQ(value_of(settings, "reference_strength"), "12.3");
    EXPECT_EQ(value_of(settings, "reference_model"), "MuQ-MuLan-large");
    EXPECT_EQ(value_of(settings, "reference_licence"), "CC-BY-NC 4.0");
    EXPECT_EQ(value_of(settings, "reference_sha256"), embedding_sha256(reference().embedding));
    for (const auto& [name, value] : settings_of(short_request())) EXPECT_FALSE(name.starts_with("reference")) << name;
}

// sha256sum of the bytes 00 00 80 3f 00 00 00 c0.
TEST(ReferenceRecipe, HashAndTextAreThoseOfLittleEndianFloats) {
    Reference r;
    r.embedding = {1, -2};
    const Settings settings = reference_settings(r);
    EXPECT_EQ(value_of(settings, "reference_embedding"), "AACAPwAAAMA=");
    EXPECT_EQ(value_of(settings, "reference_sha256"), "ee4ac73c2bd27756ab82780f27c73a7bc4d3f0bb6acb37e008bc27eccd7e588b");
    EXPECT_EQ(value_of(settings, "reference_strength"), "1");
    EXPECT_EQ(settings.size(), 3U) << "what is not known is not there";
}

TEST(ReferenceRecipe, TellsNoFolders) {
    for (const char* path : {"/home/ada/secret/voice.flac", "C:\\secret\\voice.flac", "secret/voice.flac", "voice.flac"}) {
        auto r = reference();
        r.source = path;
        EXPECT_EQ(value_of(reference_settings(r), "reference_source"), "voice.flac");
    }
}

TEST(ReferenceRecipe, FromAnyContainerMakesTheSameSongAgain) {
    const TemporaryFolder folder;
    const SongRequest first = short_request(reference());
    const auto codes = codes_of(first);
    for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.opus"}) {
        audio::SongTags tags;
        tags.settings = settings_of(first);
        audio::write_audio(folder / name, audio::testing::tones(20000, 2, 48000, 300, 0.5), {}, tags);
        const std::optional<Reference> again = reference_of(audio::read_tags(folder / name).settings);
        ASSERT_TRUE(again) << name;
        EXPECT_EQ(again->embedding, first.reference->embedding) << name;
        EXPECT_EQ(again->strength, first.reference->strength);
        EXPECT_EQ(again->source, first.reference->source);
        EXPECT_EQ(again->start, first.reference->start);
        EXPECT_EQ(again->seconds, first.reference->seconds);
        EXPECT_EQ(again->model, first.reference->model);
        EXPECT_EQ(again->licence, first.reference->licence);
        EXPECT_EQ(codes_of(short_request(again)), codes) << name;
        EXPECT_EQ(settings_of(short_request(again)), tags.settings) << "and the same recipe";
    }
}

TEST(ReferenceRecipe, NamesThatAreNoTextDoNotSpoilTheFile) {
    const TemporaryFolder folder;
    auto r = reference();
    r.source = std::string("caf\xe9\n\0.wav", 10);
    r.model = std::string(100'000, 'm');
    audio::SongTags tags;
    tags.settings = reference_settings(r);
    audio::write_audio(folder / "a.flac", audio::testing::tones(20000, 2, 48000, 300, 0.5), {}, tags);
    const auto again = reference_of(audio::read_tags(folder / "a.flac").settings);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->source, "caf???.wav");
    EXPECT_LT(again->model.size(), 300U);
}

TEST(ReferenceRecipe, OfSongsWithoutAReferenceNamesNone) {
    EXPECT_FALSE(reference_of(settings_of(short_request())));
    EXPECT_FALSE(reference_of({}));
}

TEST(ReferenceRecipe, ThatIsDamagedIsRefused) {
    const Settings whole = reference_settings(reference());
    const auto with = [&](const std::string& name, const std::string& value) {
        Settings settings = whole;
        for (auto& [key, text] : settings) {
            if (key == name) text = value;
        }
        return settings;
    };
    const std::string text = value_of(whole, "reference_embedding");
    std::string other = text;
    other[0] = other[0] == 'A' ? 'B' : 'A';
    const std::vector<Settings> damaged{
        with("reference_embedding", other),
        with("reference_embedding", ""),
        with("reference_embedding", text.substr(0, text.size() - 4)),
        with("reference_embedding", text.substr(1)),
        with("reference_embedding", "AACAPwAA"),
        with("reference_embedding", text + "\n"),
        with("reference_sha256", std::string(64, 'a')),
        with("reference_sha256", ""),
        with("reference_strength", "much"),
        with("reference_strength", "nan"),
        with("reference_strength", "1 "),
        with("reference_start", ""),
        with("reference_seconds", "inf"),
    };
    for (std::size_t i = 0; i < damaged.size(); ++i) {
        EXPECT_EQ(error_of([&] { (void)reference_of(damaged[i]); }).code(), ErrorCode::malformed) << i;
    }
    EXPECT_TRUE(reference_of(whole));
}

}  // namespace
}  // namespace heart::test
