/* Makes a song with Heart: cc first_song.c -lheart && ./a.out [model-folder] */
#include <heart/heart.h>
#include <stdio.h>

static int show(const heart_progress* p, void* user) {
    (void)user;
    fprintf(stderr, "\r%-20s %5.1f s of audio", p->phase, p->audio_seconds);
    return 0; /* go on */
}

int main(int argc, char** argv) {
    heart_error error;
    heart_engine* engine = NULL;
    heart_engine_options where;
    heart_engine_options_init(&where);
    if (argc > 1) where.model_path = argv[1]; /* else the built-in demo model */

    heart_song* song = NULL;
    heart_song_options what;
    heart_song_options_init(&what);
    what.lyrics = "[verse]\nwe walk along the river\n\n[chorus]\nsing with me tonight\n";
    what.tags = "music box, calm, slow";
    what.max_audio_length_ms = 8000;
    what.progress = show;

    int failed = heart_engine_open(&where, &engine, &error) != HEART_OK ||
                 heart_generate(engine, &what, &song, &error) != HEART_OK ||
                 heart_song_save(song, "first_song.wav", "First song", &error) != HEART_OK;
    if (failed) {
        fprintf(stderr, "\n%s\n", error.message);
    } else {
        printf("\nfirst_song.wav: %.1f s\n", (double)heart_song_samples(song) / heart_song_sample_rate(song));
    }
    heart_song_free(song);
    heart_engine_close(engine);
    return failed;
}
