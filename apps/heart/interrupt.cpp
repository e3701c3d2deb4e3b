#include "interrupt.h"

#include <csignal>

#include <unistd.h>

namespace heart::app {

namespace {

CancelToken token;

void on_signal(int) {
    if (token.cancelled()) _exit(kExitInterrupted);
    token.cancel();
}

}  // namespace

CancelToken& interrupt_token() {
    static const bool installed = [] {
        struct sigaction action {};
        action.sa_handler = on_signal;
        sigaction(SIGINT, &action, nullptr);
        sigaction(SIGTERM, &action, nullptr);
        return true;
    }();
    (void)installed;
    return token;
}

void ignore_broken_pipes() {
    std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace heart::app
