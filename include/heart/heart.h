/* Heart: lyrics and tags in, a song out. The C interface, for any program that can call C99.
 *
 * Every call that can fail returns a heart_status and, when `error` is not NULL, describes what happened there. No call
 * throws, aborts or prints. Strings are UTF-8 and NUL-terminated. An engine makes one song at a time and is not to be used
 * from two threads at once; engines and songs are independent of each other.
 */
#ifndef HEART_HEART_H
#define HEART_HEART_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define HEART_API __attribute__((visibility("default")))
#else
#define HEART_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers never change meaning; new ones may be added. */
typedef enum heart_status {
    HEART_OK = 0,
    HEART_USAGE = 1,       /* an option or argument makes no sense */
    HEART_NOT_FOUND = 2,   /* a file, folder, tensor or device that was named does not exist */
    HEART_IO = 3,          /* the system refused to read or write */
    HEART_MALFORMED = 4,   /* a file or text does not follow its format */
    HEART_MISMATCH = 5,    /* two well-formed things disagree */
    HEART_UNSUPPORTED = 6, /* well-formed, but not implemented */
    HEART_LIMIT = 7,       /* larger than a stated limit */
    HEART_MEMORY = 8,      /* not enough memory */
    HEART_CANCELLED = 9,   /* a callback asked to stop */
    HEART_INTERNAL = 10    /* a defect in Heart */
} heart_status;

typedef struct heart_error {
    heart_status status;
    char message[1024]; /* one line: what happened, what was expected, what was found, what to do */
} heart_error;

typedef struct heart_engine heart_engine; /* models and devices */
typedef struct heart_song heart_song;     /* codes and sound */

/* "0.1.0" */
HEART_API const char* heart_version(void);

/* Short stable name of a status: "ok", "usage", ... */
HEART_API const char* heart_status_name(heart_status status);

/* --- engine ------------------------------------------------------------------------------------------------------------ */

typedef struct heart_engine_options {
    size_t struct_size;      /* set by heart_engine_options_init: lets later versions add fields */
    const char* model_path;  /* folder of checkpoints; NULL: the built-in demo model */
    const char* version;     /* picks HeartMuLa-oss-<version>; "3B" */
    const char* device;      /* "auto", "cpu", "cuda", "cuda:1", ... */
    const char* mula_dtype;  /* "bfloat16", "float32" (exact) or "float16" */
    const char* codec_dtype; /* "float32" or "float16" */
    int lazy_load;           /* nonzero: hold one model at a time */
    int threads;             /* 0: one per core */
} heart_engine_options;

/* Fills in the defaults. Always call it first. */
HEART_API void heart_engine_options_init(heart_engine_options* options);

/* Opens a folder of checkpoints; models are loaded when first needed. `options` may be NULL. */
HEART_API heart_status heart_engine_open(const heart_engine_options* options, heart_engine** engine, heart_error* error);

/* NULL is allowed. Songs stay valid. */
HEART_API void heart_engine_close(heart_engine* engine);

/* --- songs ------------------------------------------------------------------------------------------------------------- */

typedef struct heart_progress {
    const char* phase;    /* for people: "composing", "rendering audio", ... */
    double done, total;   /* in the phase's own units; a phase may end before total */
    double audio_seconds; /* composed or rendered so far */
} heart_progress;

/* Called on the calling thread, often. Return 0 to go on; anything else stops within one frame or Euler step, and the call
 * returns HEART_CANCELLED. */
typedef int (*heart_progress_fn)(const heart_progress* progress, void* user);

/* Finished audio of a song that is still being made: `frames` times left and right, nominally in [-1, 1], valid during the
 * call. Comes in order, from a thread of Heart's own, never twice at once, until heart_generate returns; it may take its
 * time, since composing goes on. Return 0 to go on; anything else stops, and heart_generate returns HEART_CANCELLED. */
typedef int (*heart_audio_fn)(const float* stereo, size_t frames, uint32_t sample_rate, void* user);

typedef struct heart_song_options {
    size_t struct_size;
    const char* lyrics;          /* NULL: none */
    const char* tags;            /* comma-separated; NULL: none */
    int64_t max_audio_length_ms; /* 240000 */
    int topk;                    /* 50 */
    double temperature;          /* 1.0 */
    double cfg_scale;            /* 1.5 */
    int has_seed;                /* 0: a random one is drawn; heart_song_seed tells */
    uint64_t seed;
    uint32_t take;         /* which of several songs with that seed */
    int codec_steps;       /* 10 */
    double codec_guidance; /* 1.25 */
    heart_progress_fn progress;
    void* user;              /* handed to progress */
    int64_t first_window_ms; /* 29760; 5000 and more: the first audio is there earlier, and sounds a little different */
    heart_audio_fn audio;    /* of heart_generate: hears the song while it is made; with lazy_load once it is composed */
    void* audio_user;        /* handed to audio */
    /* Audio that the song is to take after, as an embedding of MuQ-MuLan: as many numbers as the model takes (512), finite,
     * of unit length. Any other count is HEART_MISMATCH. NULL: none. Read during the call only. */
    const float* reference_embedding;
    size_t reference_count;
    double reference_strength;     /* 1.0; 0 to 16: the embedding times this enters the model; 0: as without */
    const char* reference_source;  /* for the song's file: which audio it was, of a path the last part; NULL: not known */
    const char* reference_model;   /* which model embedded it; NULL: not known */
    const char* reference_licence; /* of that model; NULL: not known */
} heart_song_options;

HEART_API void heart_song_options_init(heart_song_options* options);

/* Makes a song. It is the same song, sample for sample, whether `audio` hears it grow or not. */
HEART_API heart_status heart_generate(heart_engine* engine, const heart_song_options* options, heart_song** song,
                                      heart_error* error);

/* Turns codes into sound: codes[codebook * frames + frame]; lyrics, tags, reference and sampling of `options`
 * change nothing. */
HEART_API heart_status heart_decode(heart_engine* engine, const int32_t* codes, int64_t codebooks, int64_t frames,
                                    const heart_song_options* options, heart_song** song, heart_error* error);

HEART_API uint32_t heart_song_sample_rate(const heart_song* song); /* Hz */
HEART_API size_t heart_song_channels(const heart_song* song);      /* 2 */
HEART_API size_t heart_song_samples(const heart_song* song);       /* of each channel */
/* Samples of one channel, nominally in [-1, 1], valid until the song is freed; NULL for a channel that is not there. */
HEART_API const float* heart_song_channel(const heart_song* song, size_t channel);
/* codes[codebook * frames + frame], valid until the song is freed. */
HEART_API const int32_t* heart_song_codes(const heart_song* song, int64_t* codebooks, int64_t* frames);
HEART_API uint64_t heart_song_seed(const heart_song* song);
HEART_API int heart_song_ended_by_itself(const heart_song* song);

/* Writes .wav (24 bit), .flac, .mp3, .ogg or .opus by ending, with title, lyrics, tags, seed and every setting inside, whole
 * or not at all. A song whose peak is beyond full scale is turned down as a whole. `title` may be NULL. */
HEART_API heart_status heart_song_save(const heart_song* song, const char* path, const char* title, heart_error* error);

/* NULL is allowed. */
HEART_API void heart_song_free(heart_song* song);

#ifdef __cplusplus
}
#endif

#endif /* HEART_HEART_H */
