// Included ahead of ggml's CPU backend (cmake/ResolveGgml.cmake): its threads wait for one another by spinning without end,
// which on a busy machine burns the very time slice that the awaited thread needs. Two songs at once on two cores took 38
// times as long as one. Here a waiting thread spins for about as long as a small operator takes and then, again and again,
// offers its core to whoever is ready; alone on its core it gets it straight back.
#ifndef HEART_GGML_BOUNDED_SPIN_H
#define HEART_GGML_BOUNDED_SPIN_H

#if defined(__linux__) || defined(__APPLE__)
#include <sched.h>

enum { HEART_SPINS_BEFORE_YIELD = 64 };  // a few microseconds

// ggml defines ggml_thread_cpu_relax(void), which becomes heart_cpu_pause_void, and calls ggml_thread_cpu_relax(), which
// becomes heart_cpu_pause_.
#define ggml_thread_cpu_relax(parameters) heart_cpu_pause_##parameters()
static inline void heart_cpu_pause_void(void);
static inline void heart_cpu_pause_(void) {
    static _Thread_local unsigned spins = 0;
    if (++spins % HEART_SPINS_BEFORE_YIELD == 0) {
        sched_yield();
    } else {
        heart_cpu_pause_void();
    }
}
#endif

#endif
