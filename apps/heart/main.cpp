// The `heart` command: reads the command line, calls the engine, prints.

#include "core/error.h"
#include "interrupt.h"
#include "output.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <exception>
#include <new>
#include <string>
#include <string_view>

namespace heart::app {

namespace {

int exit_code_of(const std::exception& error) {
    const auto* typed = dynamic_cast<const Error*>(&error);
    if (typed == nullptr) return kExitFailed;
    if (typed->code() == ErrorCode::cancelled) return kExitInterrupted;
    return typed->code() == ErrorCode::usage ? kExitUsage : kExitFailed;
}

int fail(const std::exception& error, bool json) {
    fmt::print(stderr, "heart: {}\n", printable(error.what(), 2000));
    if (json) print_json(error_json(error));
    return exit_code_of(error);
}

int run(int argc, char** argv) {
    CLI::App app{"Heart: lyrics and tags in, a song out.", "heart"};
    app.set_version_flag("--version", std::string("heart ") + HEART_VERSION);
    app.require_subcommand(1);
    app.footer("Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.");
    Action action;
    add_generate(app, action);
    add_pull(app, action);
    add_decode(app, action);
    add_transcribe(app, action);
    add_score(app, action);
    add_embed(app, action);
    add_info(app, action);
    add_make_checkpoint(app, action);
    add_bench(app, action);
    add_quantize(app, action);
    add_serve(app, action);
    add_client(app, action);
    add_archive(app, action);
    add_describe(app, action);
    if (argc < 2) {
        fmt::print(stderr, "{}", app.help());
        return kExitUsage;
    }
    const auto verbs = app.get_subcommands([](CLI::App*) { return true; });
    const auto is_named = [&](const CLI::App* verb) { return verb->get_name() == argv[1]; };
    if (argv[1][0] != '-' && std::none_of(verbs.begin(), verbs.end(), is_named)) {
        std::string names;
        for (const CLI::App* verb : verbs) names += (names.empty() ? "" : ", ") + verb->get_name();
        fmt::print(stderr, "heart: no verb '{}': expected one of {}\n", printable(argv[1], 40), names);
        return kExitUsage;
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? kExitDone : kExitUsage;
    }
    const bool json = std::any_of(argv + 1, argv + argc, [](std::string_view a) { return a == "--json"; });
    try {
        return action();
    } catch (const std::bad_alloc&) {
        return fail(Error(ErrorCode::memory, "not enough memory"), json);
    } catch (const std::exception& e) {
        return fail(e, json);
    }
}

}  // namespace

}  // namespace heart::app

int main(int argc, char** argv) {
    return heart::app::run(argc, argv);
}
