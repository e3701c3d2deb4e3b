// Does a journal of codes keep what was composed, and nothing that was not?

#include "engine/codes_journal.h"

#include "core/error.h"
#include "engine/generator.h"
#include "support/golden.h"

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace heart::test {
namespace {

namespace fs = std::filesystem;
using engine::CodesJournal;
using heartmula::Frame;

class Journal : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (fs::temp_directory_path() / "heart-journal-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        file = folder / "song.codes";
    }
    void TearDown() override { fs::remove_all(folder); }

    [[nodiscard]] std::vector<Frame> known(const engine::JournalSubject& of) const { return CodesJournal(file, of).known(); }
    void write(const engine::JournalSubject& of, const std::vector<Frame>& more) const {
        CodesJournal journal(file, of);
        for (const Frame& frame : more) journal.append(frame);
    }
    [[nodiscard]] std::string bytes() const {
        std::ostringstream out;
        out << std::ifstream(file, std::ios::binary).rdbuf();
        return out.str();
    }
    void put(const std::string& text) const { std::ofstream(file, std::ios::binary | std::ios::trunc) << text; }

    fs::path folder, file;
    engine::JournalSubject subject{std::string(64, 'a'), 2};
    std::vector<Frame> frames{{1, 2}, {3, 4}, {8196, -1}, {0, 0}};
};

TEST_F(Journal, KeepsFramesFromOneProcessToTheNext) {
    EXPECT_TRUE(known(subject).empty());
    write(subject, frames);
    EXPECT_EQ(known(subject), frames);
    write(subject, {{9, 9}});
    frames.push_back({9, 9});
    EXPECT_EQ(known(subject), frames);
}

TEST_F(Journal, IsReadableByItsOwnerOnly) {
    write(subject, frames);
    struct stat about {};
    ASSERT_EQ(::stat(file.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(Journal, OfAnotherSongStartsAnew) {
    write(subject, frames);
    EXPECT_TRUE(known({std::string(64, 'b'), 2}).empty());
    EXPECT_TRUE(known(subject).empty()) << "the other song's journal took its place";
    write(subject, frames);
    EXPECT_TRUE(known({subject.key, 3}).empty()) << "other codebooks";
}

TEST_F(Journal, TornAnywhereGivesTheFramesBeforeThat) {
    write(subject, frames);
    const std::string whole = bytes();
    const std::size_t head = whole.find('\n') + 1, record = (whole.size() - head) / frames.size();
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        put(whole.substr(0, size));
        const auto got = known(subject);
        const std::size_t expected = size < head ? 0 : (size - head) / record;
        ASSERT_EQ(got, std::vector<Frame>(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(expected))) << size;
    }
}

TEST_F(Journal, GoesOnBehindATornFrame) {
    write(subject, frames);
    put(bytes().substr(0, bytes().size() - 5));
    write(subject, {{7, 7}});
    frames.back() = {7, 7};
    EXPECT_EQ(known(subject), frames);
}

TEST_F(Journal, AnyFlippedBitEndsIt) {
    write(subject, frames);
    const std::string whole = bytes();
    const std::size_t head = whole.find('\n') + 1, record = (whole.size() - head) / frames.size();
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string broken = whole;
        broken[at] = static_cast<char>(broken[at] ^ 0x10);
        put(broken);
        const std::size_t expected = at < head ? 0 : (at - head) / record;
        ASSERT_EQ(known(subject).size(), expected) << "byte " << at;
    }
}

TEST_F(Journal, ZeroesThatADeadMachineLeftAreNoFrames) {
    write(subject, frames);
    put(bytes() + std::string(240, '\0'));
    EXPECT_EQ(known(subject), frames);
}

TEST_F(Journal, FramesElsewhereThanTheyWereWrittenAreNoFrames) {
    write(subject, {{5, 5}, {6, 6}});
    const std::string whole = bytes();
    const std::size_t head = whole.find('\n') + 1, record = (whole.size() - head) / 2;
    put(whole.substr(0, head) + whole.substr(head + record) + whole.substr(head, record));
    EXPECT_TRUE(known(subject).empty());
}

TEST_F(Journal, ThatCannotBeOpenedIsATypedError) {
    for (const fs::path& bad : {folder, folder / "no" / "such" / "folder"}) {
        try {
            const CodesJournal journal(bad, subject);
            FAIL() << bad;
        } catch (const Error& e) {
            EXPECT_EQ(e.code(), ErrorCode::io);
        }
    }
    fs::create_symlink(folder / "elsewhere", folder / "link");
    EXPECT_THROW(CodesJournal(folder / "link", subject), Error);
    EXPECT_FALSE(fs::exists(folder / "elsewhere"));
}

// --- what it is for ------------------------------------------------------------------------------------------------------

engine::EngineOptions options() {
    engine::EngineOptions o;
    o.language_model_type = graph::Type::f32;
    o.threads = 1;
    return o;
}

engine::SongRequest request() {
    engine::SongRequest r;
    r.lyrics = "[Verse]\nla la la\n";
    r.tags = "piano,happy";
    r.max_audio_length_ms = 39 * 80;
    r.seed = 7;
    r.codec_steps = 1;
    r.codec_guidance = 1.0;
    return r;
}

/// What a stream hands on.
struct Heard {
    std::vector<float> samples;
    engine::AudioBlockSink sink() {
        return [this](const engine::AudioBlock& b) { samples.insert(samples.end(), b.stereo.begin(), b.stereo.end()); };
    }
};

TEST_F(Journal, AStreamThatStoppedAnywhereGoesOnToTheSameSong) {
    engine::Generator whole(tiny(), options());
    const auto about = engine::journal_subject(whole.checkpoints(), options(), "cpu", request());
    Heard expected;
    const auto codes = whole.stream(request(), expected.sink(), {}, {}).composition.codes.values;

    for (const bool lazy : {false, true}) {
        auto o = options();
        o.lazy_load = lazy;
        fs::remove(file);
        for (const std::size_t stop_at : {1U, 2U, 17U, 17U, 39U}) {
            engine::Generator generator(tiny(), o);
            CodesJournal journal(file, about);
            CancelToken cancel;
            const auto stop = [&](const Progress& p) {
                if (p.phase == Phase::frames && p.done >= static_cast<double>(stop_at)) cancel.cancel();
            };
            EXPECT_THROW((void)generator.stream(request(), Heard().sink(), stop, cancel, &journal), Error);
            EXPECT_GE(known(about).size(), stop_at);
        }
        engine::Generator generator(tiny(), o);
        CodesJournal journal(file, about);
        EXPECT_FALSE(journal.known().empty());
        Heard resumed;
        const auto song = generator.stream(request(), resumed.sink(), {}, {}, &journal);
        EXPECT_EQ(song.composition.codes.values, codes);
        EXPECT_TRUE(resumed.samples == expected.samples) << (lazy ? "one model at a time" : "both models");
        EXPECT_EQ(known(about).size(), codes.size() / 8);
    }
}

TEST_F(Journal, SubjectsDifferInWhateverChangesTheCodes) {
    const engine::Generator generator(tiny(), options());
    const auto key_of = [&](const engine::SongRequest& r, const engine::EngineOptions& o, const char* device) {
        return engine::journal_subject(generator.checkpoints(), o, device, r).key;
    };
    const std::string key = key_of(request(), options(), "cpu");
    EXPECT_EQ(key, key_of(request(), options(), "cpu"));
    std::vector<engine::SongRequest> others(8, request());
    others[0].lyrics += "x";
    others[1].tags += "x";
    others[2].seed = 8;
    others[3].take = 1;
    others[4].topk = 49;
    others[5].temperature = 0.9;
    others[6].cfg_scale = 1.6;
    others[7].max_audio_length_ms += 80;
    for (std::size_t i = 0; i < others.size(); ++i) EXPECT_NE(key, key_of(others[i], options(), "cpu")) << i;
    EXPECT_NE(key, key_of(request(), options(), "cuda"));
    auto o = options();
    o.language_model_type = graph::Type::bf16;
    EXPECT_NE(key, key_of(request(), o, "cpu"));
    auto same_sound = request();
    same_sound.codec_steps = 10;
    EXPECT_EQ(key, key_of(same_sound, options(), "cpu")) << "the codec comes behind the codes";
}

}  // namespace
}  // namespace heart::test
