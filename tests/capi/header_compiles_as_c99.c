/* Does the public header compile as pedantic C99, and do its defaults and errors work from C? */
#include "heart/heart.h"

#include <stdio.h>
#include <string.h>

static int failures = 0;

static void expect(int holds, const char* what) {
    if (!holds) {
        fprintf(stderr, "failed: %s\n", what);
        ++failures;
    }
}

static int stop_at_once(const heart_progress* progress, void* user) {
    (void)progress;
    ++*(int*)user;
    return 1;
}

/* What a song's audio callback heard. */
struct heard {
    float samples[2 * 6 * 3840]; /* room for six frames */
    size_t frames;
    int calls, stops;
};

static int hear(const float* stereo, size_t frames, uint32_t sample_rate, void* user) {
    struct heard* h = user;
    expect(sample_rate == 48000 && (h->frames + frames) * 2 <= sizeof h->samples / sizeof h->samples[0],
           "audio as promised");
    memcpy(h->samples + 2 * h->frames, stereo, 2 * frames * sizeof(float));
    h->frames += frames;
    ++h->calls;
    return h->stops;
}

static void check_stream(heart_engine* engine, heart_song_options what, const heart_song* song) {
    static struct heard h;
    heart_error error;
    heart_song* streamed = NULL;
    size_t i, same = 0;
    what.audio = hear;
    what.audio_user = &h;
    expect(heart_generate(engine, &what, &streamed, &error) == HEART_OK, "a song is made while it is heard");
    expect(h.frames == heart_song_samples(song) && heart_song_samples(streamed) == h.frames, "all of it");
    for (i = 0; i < h.frames; ++i) {
        same += h.samples[2 * i] == heart_song_channel(song, 0)[i] &&
                h.samples[2 * i + 1] == heart_song_channel(song, 1)[i] &&
                heart_song_channel(streamed, 0)[i] == heart_song_channel(song, 0)[i];
    }
    expect(same == h.frames, "sample for sample the song that is made at once");
    heart_song_free(streamed);
    memset(&h, 0, sizeof h);
    h.stops = 1;
    streamed = NULL;
    expect(heart_generate(engine, &what, &streamed, &error) == HEART_CANCELLED && streamed == NULL,
           "the listener can stop it");
    expect(h.calls == 1, "and hears no more");
    what.audio = NULL;
    what.first_window_ms = 1;
    expect(heart_generate(engine, &what, &streamed, &error) == HEART_USAGE,
           "a first window that is too short is HEART_USAGE");
}

static void check_errors(void) {
    heart_error error;
    heart_engine* engine = NULL;
    heart_engine_options where;
    heart_engine_options_init(&where);
    where.model_path = "/no/such/folder";
    expect(heart_engine_open(&where, &engine, &error) == HEART_NOT_FOUND, "a missing folder is HEART_NOT_FOUND");
    expect(error.status == HEART_NOT_FOUND && strstr(error.message, "/no/such/folder") != NULL, "the message names it");
    expect(engine == NULL, "no engine");
    where.struct_size = 3;
    expect(heart_engine_open(&where, &engine, &error) == HEART_USAGE, "a struct that was not set up is HEART_USAGE");
    expect(heart_engine_open(NULL, NULL, &error) == HEART_USAGE, "NULL is HEART_USAGE");
    expect(strcmp(heart_status_name(HEART_OK), "ok") == 0, "status names");
    expect(heart_song_samples(NULL) == 0 && heart_song_channel(NULL, 0) == NULL, "accessors take NULL");
    heart_song_free(NULL);
    heart_engine_close(NULL);
}

static void check_song(void) {
    heart_error error;
    heart_engine* engine = NULL;
    heart_song *song = NULL, *again = NULL;
    heart_song_options what;
    int64_t codebooks = 0, frames = 0;
    int calls = 0;
    const int32_t* codes;
    expect(heart_engine_open(NULL, &engine, &error) == HEART_OK, "the built-in model opens");
    heart_song_options_init(&what);
    what.tags = "piano, happy";
    what.max_audio_length_ms = 400;
    what.has_seed = 1;
    what.seed = 5;
    expect(heart_generate(engine, &what, &song, &error) == HEART_OK, "a song is made");
    expect(heart_song_sample_rate(song) == 48000 && heart_song_channels(song) == 2, "48 kHz stereo");
    codes = heart_song_codes(song, &codebooks, &frames);
    expect(codes != NULL && codebooks == 8 && frames == 6, "1 + 400 / 80 frames of 8 codes");
    expect(heart_song_samples(song) == (size_t)frames * 3840, "12.5 frames a second");
    expect(heart_song_seed(song) == 5, "the seed stays with the song");
    expect(heart_decode(engine, codes, codebooks, frames, &what, &again, &error) == HEART_OK, "its codes decode");
    expect(memcmp(heart_song_channel(song, 0), heart_song_channel(again, 0), heart_song_samples(song) * sizeof(float)) == 0,
           "to the same sound");
    heart_song_free(again);
    check_stream(engine, what, song);
    expect(heart_song_save(song, "/no/such/folder/x.wav", NULL, &error) == HEART_NOT_FOUND, "saving nowhere fails");
    heart_song_free(song);
    song = NULL;
    what.progress = stop_at_once;
    what.user = &calls;
    expect(heart_generate(engine, &what, &song, &error) == HEART_CANCELLED && song == NULL, "a callback can stop it");
    expect(calls >= 1, "the callback was called");
    what.progress = NULL;
    what.temperature = -1;
    expect(heart_generate(engine, &what, &song, &error) == HEART_USAGE, "a bad temperature is HEART_USAGE");
    heart_engine_close(engine);
}

int main(void) {
    check_errors();
    check_song();
    return failures == 0 ? 0 : 1;
}
