#include "audio/ogg_serial.h"
#include "audio/replace_file.h"
#include "audio/write_file.h"

#include "audio_test_support.h"

#include <csignal>
#include <limits>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace heart::audio {
namespace {

using namespace testing;

constexpr std::size_t kFrames = 30001;  // not a multiple of any block or codec frame

WriteOptions with_format(SampleFormat format) {
    WriteOptions options;
    options.sample_format = format;
    return options;
}

TEST(AudioWaveform, LengthAndSeconds) {
    EXPECT_EQ(Waveform{}.frames(), 0U);
    EXPECT_EQ(noise(24000, 2, 48000, 1).seconds(), 0.5);
}

TEST(AudioWaveform, ScalesDownToFullScaleOnceAndNeverUp) {
    Waveform loud = noise(1000, 2, 48000, 0.5F);
    loud.channels[1][77] = -2.0F;
    EXPECT_EQ(peak(loud), 2.0F);
    EXPECT_NEAR(scale_into_full_scale(loud), 20 * std::log10(0.999 / 2), 1e-6);
    EXPECT_EQ(peak(loud), kFullScale);
    EXPECT_EQ(loud.channels[1][77], -kFullScale);
    EXPECT_EQ(scale_into_full_scale(loud), 0.0);

    Waveform quiet = noise(1000, 2, 48000, 0.25F);
    const Waveform before = quiet;
    EXPECT_EQ(scale_into_full_scale(quiet), 0.0);
    EXPECT_EQ(quiet.channels, before.channels);
    Waveform silence{48000, {{0, 0, 0}}};
    EXPECT_EQ(scale_into_full_scale(silence), 0.0);
}

TEST(AudioWaveform, NonFiniteSampleIsAnInternalErrorWithItsPlace) {
    for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        Waveform wave = noise(1000, 2, 48000, 0.5F);
        wave.channels[1][321] = bad;
        const Error error = error_of([&] { scale_into_full_scale(wave); });
        EXPECT_EQ(error.code(), ErrorCode::internal);
        EXPECT_NE(error.found_text().find("channel 1 at frame 321"), std::string::npos) << error.what();
    }
}

TEST(AudioWrite, ContainerFollowsTheFileEnding) {
    EXPECT_EQ(container_of("a.wav"), Container::wav);
    EXPECT_EQ(container_of("b.x/a.FLAC"), Container::flac);
    EXPECT_EQ(container_of("a.b.Mp3"), Container::mp3);
    EXPECT_EQ(container_of("a.ogg"), Container::ogg_opus);
    EXPECT_EQ(container_of("a.OPUS"), Container::ogg_opus);
    for (const char* name : {"a", "a.m4a", "wav", ".wav", "a.wav/", "a.wav.txt", ""}) {
        const Error error = error_of([&] { (void)container_of(name); });
        EXPECT_EQ(error.code(), ErrorCode::usage) << name;
        EXPECT_EQ(error.expected_text(), ".wav, .flac, .mp3, .ogg or .opus");
    }
}

struct Lossless {
    const char* name;
    SampleFormat format;
    int subtype;
    double step;
};

TEST(AudioWrite, LosslessFormatsAreWithinHalfAStep) {
    const TemporaryFolder folder;
    const Waveform song = noise(kFrames, 2, 48000, 0.9F);
    for (const auto& [name, format, subtype, step] :
         {Lossless{"a.wav", SampleFormat::s16, SF_FORMAT_WAV | SF_FORMAT_PCM_16, 0x1p-15},
          Lossless{"b.wav", SampleFormat::s24, SF_FORMAT_WAV | SF_FORMAT_PCM_24, 0x1p-23},
          Lossless{"c.flac", SampleFormat::s16, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 0x1p-15},
          Lossless{"d.flac", SampleFormat::s24, SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 0x1p-23}}) {
        const WriteReport report = write_audio(folder / name, song, with_format(format), {});
        EXPECT_EQ(report.gain_db, 0.0);
        EXPECT_EQ(report.bytes, fs::file_size(folder / name));
        const ReadBack back = read_sound(folder / name);
        EXPECT_EQ(back.info.format, subtype) << name;
        EXPECT_EQ(back.info.samplerate, 48000);
        ASSERT_EQ(back.wave.channels.size(), 2U);
        ASSERT_EQ(back.wave.frames(), kFrames) << name;
        EXPECT_LE(largest_difference(song, back.wave), step / 2) << name;
        EXPECT_GT(largest_difference(song, back.wave), 0) << name << ": the song should not lie on the steps already";
    }
}

TEST(AudioWrite, SamplesOnTheStepsComeBackExactlyFromFlac) {
    const TemporaryFolder folder;
    Waveform song = noise(kFrames, 2, 44100, 0.99F);
    for (auto& channel : song.channels) {
        for (float& sample : channel) sample = std::nearbyint(sample * 32768) / 32768;
    }
    for (const SampleFormat format : {SampleFormat::s16, SampleFormat::s24}) {
        write_audio(folder / "a.flac", song, with_format(format), {});
        EXPECT_EQ(read_sound(folder / "a.flac").wave.channels, song.channels);
    }
}

TEST(AudioWrite, FloatWavKeepsEverySampleEvenBeyondFullScale) {
    const TemporaryFolder folder;
    const Waveform song = noise(kFrames, 2, 48000, 3.0F);
    EXPECT_EQ(write_audio(folder / "a.wav", song, with_format(SampleFormat::f32), {}).gain_db, 0.0);
    const ReadBack back = read_sound(folder / "a.wav");
    EXPECT_EQ(back.info.format, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
    EXPECT_EQ(back.wave.channels, song.channels);
}

TEST(AudioWrite, LoudSongsAreTurnedDownInsteadOfClipped) {
    const TemporaryFolder folder;
    const Waveform song = noise(kFrames, 2, 48000, 3.0F);
    const double gain = 0.999 / peak(song);
    for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.opus"}) {
        EXPECT_NEAR(write_audio(folder / name, song, {}, {}).gain_db, 20 * std::log10(gain), 1e-4) << name;
    }
    EXPECT_LE(largest_difference(song, read_sound(folder / "a.wav").wave, gain), 0x1p-23);
    EXPECT_LE(largest_difference(song, read_sound(folder / "a.flac").wave, gain), 0x1p-23);
}

TEST(AudioWrite, LossyFormatsKeepLengthRateAndSound) {
    const TemporaryFolder folder;
    for (const std::size_t channels : {std::size_t{1}, std::size_t{2}}) {
        const Waveform song = tones(2 * 48000 + 17, channels, 48000, 440, 0.5);
        for (const char* name : {"a.mp3", "a.ogg", "a.opus"}) {
            write_audio(folder / name, song, {}, {});
            const ReadBack back = read_sound(folder / name);
            EXPECT_EQ(back.info.samplerate, 48000) << name;
            ASSERT_EQ(back.wave.channels.size(), channels) << name;
            ASSERT_EQ(back.wave.frames(), song.frames()) << name;
            EXPECT_GT(signal_to_noise_db(song, back.wave), 20) << name << ", " << channels << " channels";
        }
    }
}

TEST(AudioWrite, EveryAllowedRateOfTheLossyFormatsWorks) {
    const TemporaryFolder folder;
    for (const std::uint32_t rate : {48000U, 24000U, 16000U, 12000U, 8000U}) {
        write_audio(folder / "a.opus", tones(rate, 2, rate, 440, 0.5), {}, {});
        EXPECT_EQ(read_sound(folder / "a.opus").wave.frames(), rate);
    }
    for (const std::uint32_t rate : {48000U, 44100U, 32000U, 24000U, 22050U, 16000U, 12000U, 11025U, 8000U}) {
        write_audio(folder / "a.mp3", tones(rate, 2, rate, 440, 0.5), {}, {});
        const ReadBack back = read_sound(folder / "a.mp3");
        EXPECT_EQ(back.wave.sample_rate, rate);
        EXPECT_EQ(back.wave.frames(), rate);
    }
}

TEST(AudioWrite, AMinuteOfSoundGoesIntoEveryFormat) {
    const TemporaryFolder folder;
    const Waveform song = tones(std::size_t{60} * 8000, 2, 8000, 220, 0.5);
    for (const char* name : {"a.wav", "a.flac", "a.mp3", "a.ogg"}) {
        write_audio(folder / name, song, {}, {});
        EXPECT_EQ(read_sound(folder / name).wave.frames(), song.frames()) << name;
    }
}

TEST(AudioWrite, TheSameSongGivesTheSameBytes) {
    const TemporaryFolder folder;
    const Waveform song = noise(kFrames, 2, 48000, 0.5F);
    const SongTags tags{"Title", "", "", "la", "", {{"seed", "11"}}};
    const auto write_all = [&](const std::string& name) {
        write_audio(folder / (name + ".f32.wav"), song, with_format(SampleFormat::f32), tags);
        for (const char* ending : {".wav", ".flac", ".mp3", ".opus"}) write_audio(folder / (name + ending), song, {}, tags);
    };
    write_all("first");
    ::usleep(1100000);  // encoders that look at the clock do so in seconds
    write_all("second");
    for (const char* ending : {".f32.wav", ".wav", ".flac", ".mp3", ".opus"}) {
        EXPECT_TRUE(file_bytes(folder / (std::string("first") + ending)) ==
                    file_bytes(folder / (std::string("second") + ending)))
            << ending;
    }
    const auto serial = [](const std::string& ogg) { return ogg.substr(14, 4); };
    write_audio(folder / "other.opus", noise(kFrames, 2, 48000, 0.5F, 2), {}, tags);
    EXPECT_NE(serial(file_bytes(folder / "other.opus")), serial(file_bytes(folder / "first.opus")));
}

TEST(AudioWrite, OggSerialRefusesWhatIsNotOgg) {
    std::string text(100, 'x');
    EXPECT_EQ(error_of([&] { set_ogg_serial(text, 1); }).code(), ErrorCode::internal);
    std::string cut = "OggS" + std::string(22, '\0') + "\x05";
    EXPECT_EQ(error_of([&] { set_ogg_serial(cut, 1); }).code(), ErrorCode::internal);
}

TEST(AudioWrite, Wav24IsPlainPcmWithoutAClock) {
    const TemporaryFolder folder;
    write_audio(folder / "a.wav", noise(100, 2, 48000, 0.5F), {}, {});
    const std::string bytes = file_bytes(folder / "a.wav");
    EXPECT_EQ(bytes.substr(0, 4), "RIFF");
    EXPECT_EQ(bytes.substr(20, 2), std::string("\x01\0", 2)) << "the format tag is WAVE_FORMAT_PCM";
    write_audio(folder / "b.wav", noise(100, 2, 48000, 0.5F), with_format(SampleFormat::f32), {});
    EXPECT_EQ(file_bytes(folder / "b.wav").find("PEAK"), std::string::npos);
}

// ---- Errors ----

ErrorCode code_of_write(const fs::path& path, const Waveform& wave, const WriteOptions& options = {},
                        const SongTags& tags = {}) {
    return error_of([&] { write_audio(path, wave, options, tags); }).code();
}

TEST(AudioWriteErrors, WrongRequests) {
    const TemporaryFolder folder;
    const Waveform song = noise(1000, 2, 48000, 0.5F);
    EXPECT_EQ(code_of_write(folder / "a.xyz", song), ErrorCode::usage);
    EXPECT_EQ(code_of_write(folder / "a.flac", song, with_format(SampleFormat::f32)), ErrorCode::usage);
    EXPECT_EQ(code_of_write(folder / "a.wav", Waveform{48000, {{}, {}}}), ErrorCode::usage);
    EXPECT_EQ(code_of_write(folder / "a.wav", Waveform{}), ErrorCode::internal);
    EXPECT_EQ(code_of_write(folder / "a.wav", Waveform{0, {{1}}}), ErrorCode::internal);
    EXPECT_EQ(code_of_write(folder / "a.wav", Waveform{48000, {{0, 0}, {0}}}), ErrorCode::internal);
    EXPECT_EQ(code_of_write(folder / "a.opus", noise(10, 2, 44100, 0.5F)), ErrorCode::unsupported);
    EXPECT_EQ(code_of_write(folder / "a.mp3", noise(10, 2, 96000, 0.5F)), ErrorCode::unsupported);
    EXPECT_EQ(code_of_write(folder / "a.mp3", noise(10, 3, 48000, 0.5F)), ErrorCode::unsupported);
    EXPECT_EQ(code_of_write(folder / "a.opus", noise(10, 3, 48000, 0.5F)), ErrorCode::unsupported);
    EXPECT_EQ(code_of_write(folder / "a.flac", noise(10, 9, 48000, 0.5F)), ErrorCode::unsupported);
    EXPECT_EQ(code_of_write(folder / "a.flac", noise(10, 1, 700000, 0.5F)), ErrorCode::unsupported);
    EXPECT_EQ(code_of_write(folder / "a.wav", noise(10, 1, 4000000000U, 0.5F)), ErrorCode::unsupported);
    EXPECT_EQ(code_of_write(folder / "a.wav", noise(10, 9, 48000, 0.5F)), ErrorCode::unsupported);
    const Error rate = error_of([&] { write_audio(folder / "a.opus", noise(10, 2, 44100, 0.5F), {}, {}); });
    EXPECT_FALSE(rate.hint_text().empty());
    EXPECT_EQ(rate.expected_text(), "48000, 24000, 16000, 12000, 8000 Hz");
    EXPECT_TRUE(folder.names().empty());
}

TEST(AudioWriteErrors, WavBeyondFourGigabytesIsRefused) {
    EXPECT_NO_THROW(check_wav_size(std::uint64_t{48000} * 3600 * 4, 2, SampleFormat::s24));
    EXPECT_NO_THROW(check_wav_size(2134800000 / 2, 2, SampleFormat::s16));
    const Error error = error_of([] { check_wav_size(std::uint64_t{48000} * 3600 * 4, 2, SampleFormat::f32); });
    EXPECT_EQ(error.code(), ErrorCode::limit);
    EXPECT_EQ(error.hint_text(), "write .flac instead");
    EXPECT_EQ(error_of([] { check_wav_size(std::uint64_t{1} << 62, 2, SampleFormat::s16); }).code(), ErrorCode::limit);
    EXPECT_EQ(error_of([] { check_wav_size(1 << 30, 2, SampleFormat::s16); }).code(), ErrorCode::limit);
}

TEST(AudioWriteErrors, NonFiniteSamplesNeverReachAFile) {
    const TemporaryFolder folder;
    Waveform song = noise(1000, 2, 48000, 0.5F);
    song.channels[0][999] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_EQ(code_of_write(folder / "a.wav", song, with_format(SampleFormat::f32)), ErrorCode::internal);
    EXPECT_EQ(code_of_write(folder / "a.mp3", song), ErrorCode::internal);
    EXPECT_TRUE(folder.names().empty());
}

TEST(AudioWriteErrors, TargetsThatAreNoFiles) {
    const TemporaryFolder folder;
    const Waveform song = noise(1000, 2, 48000, 0.5F);
    const Error missing = error_of([&] { write_audio(folder / "no/such/a.wav", song, {}, {}); });
    EXPECT_EQ(missing.code(), ErrorCode::not_found);
    EXPECT_FALSE(missing.hint_text().empty());
    put_file(folder / "file", "x");
    EXPECT_EQ(code_of_write(folder / "file/a.wav", song), ErrorCode::not_found);
    fs::create_directory(folder / "folder.wav");
    EXPECT_EQ(code_of_write(folder / "folder.wav", song), ErrorCode::usage);
    ASSERT_EQ(::mkfifo((folder / "pipe.wav").c_str(), 0600), 0);
    EXPECT_EQ(code_of_write(folder / "pipe.wav", song), ErrorCode::usage);
    fs::create_symlink("nowhere.wav", folder / "dangling.wav");
    EXPECT_EQ(code_of_write(folder / "dangling.wav", song), ErrorCode::not_found);
    EXPECT_EQ(error_of([&] { check_target(folder.path() / ""); }).code(), ErrorCode::usage);
    EXPECT_NO_THROW(check_target(folder / "fine.wav"));
    EXPECT_NO_THROW(check_target("fine-in-the-current-folder.wav"));
    EXPECT_EQ(folder.names(), (std::vector<std::string>{"dangling.wav", "file", "folder.wav", "pipe.wav"}));
    const Error long_name = error_of([&] { write_audio(folder / (std::string(300, 'a') + ".wav"), song, {}, {}); });
    EXPECT_EQ(long_name.code(), ErrorCode::io) << long_name.what();
}

TEST(AudioWriteErrors, AFailedWriteLeavesTheOldFileAndNothingElse) {
    const TemporaryFolder folder;
    put_file(folder / "song.wav", "an older song");
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    rlimit small = before;
    small.rlim_cur = 10000;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const Error error = error_of([&] { write_audio(folder / "song.wav", noise(kFrames, 2, 48000, 0.5F), {}, {}); });
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_EQ(error.code(), ErrorCode::io);
    EXPECT_FALSE(error.found_text().empty()) << error.what();
    EXPECT_EQ(folder.names(), (std::vector<std::string>{"song.wav"}));
    EXPECT_EQ(file_bytes(folder / "song.wav"), "an older song");
}

TEST(AudioWriteErrors, CancellingLeavesTheOldFile) {
    const TemporaryFolder folder;
    put_file(folder / "song.mp3", "an older song");
    CancelToken token;
    token.cancel();
    WriteOptions options;
    options.cancel = &token;
    EXPECT_EQ(code_of_write(folder / "song.mp3", noise(kFrames, 2, 48000, 0.5F), options), ErrorCode::cancelled);
    EXPECT_EQ(folder.names(), (std::vector<std::string>{"song.mp3"}));
    EXPECT_EQ(file_bytes(folder / "song.mp3"), "an older song");
}

TEST(AudioWriteErrors, WithoutPermissionTheSystemsWordsAreGiven) {
    const TemporaryFolder folder;
    fs::create_directory(folder / "closed");
    put_file(folder / "mine.wav", "mine");
    fs::permissions(folder.path(), fs::perms::all);
    fs::permissions(folder / "closed",
                    fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
    fs::permissions(folder / "mine.wav", fs::perms::owner_read | fs::perms::others_read);
    const bool root = ::geteuid() == 0;
    const auto as_nobody = [&](auto action) {  // root may write anywhere
        // access() asks about the real user, so that both have to change.
        if (root && ::setresuid(65534, 65534, 0) != 0) throw std::runtime_error("cannot become nobody");
        const Error error = error_of(action);
        if (root && ::setresuid(0, 0, 0) != 0) throw std::runtime_error("cannot become root again");
        return error;
    };
    const Waveform song = noise(10, 1, 48000, 0.5F);
    for (const char* name : {"closed/a.wav", "mine.wav"}) {
        const Error error = as_nobody([&] { write_audio(folder / name, song, {}, {}); });
        EXPECT_EQ(error.code(), ErrorCode::io) << error.what();
        EXPECT_EQ(error.found_text(), "Permission denied");
    }
    EXPECT_EQ(file_bytes(folder / "mine.wav"), "mine");
    fs::permissions(folder / "closed", fs::perms::owner_all);
}

TEST(AudioWrite, ReplacedFilesKeepPermissionsAndLinksStayLinks) {
    const TemporaryFolder folder;
    put_file(folder / "song.wav", "an older song");
    fs::permissions(folder / "song.wav", fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
    fs::create_symlink("song.wav", folder / "link.wav");
    write_audio(folder / "link.wav", noise(10, 1, 48000, 0.5F), {}, {});
    EXPECT_TRUE(fs::is_symlink(folder / "link.wav"));
    EXPECT_EQ(read_sound(folder / "song.wav").wave.frames(), 10U);
    EXPECT_EQ(fs::status(folder / "song.wav").permissions(),
              fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
    const mode_t mask = ::umask(022);
    write_audio(folder / "new.wav", noise(10, 1, 48000, 0.5F), {}, {});
    ::umask(mask);
    EXPECT_EQ(static_cast<unsigned>(fs::status(folder / "new.wav").permissions()), 0644U);
}

}  // namespace
}  // namespace heart::audio
