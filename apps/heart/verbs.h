#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace heart::app {

/// What a verb does once its options are read; returns the exit code.
using Action = std::function<int()>;

/// Each adds its verb to the command line and, when it is the one asked for, sets `action`.
void add_generate(CLI::App& app, Action& action);
void add_decode(CLI::App& app, Action& action);
void add_info(CLI::App& app, Action& action);
void add_make_checkpoint(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_quantize(CLI::App& app, Action& action);
void add_pull(CLI::App& app, Action& action);
void add_describe(CLI::App& app, Action& action);
void add_transcribe(CLI::App& app, Action& action);
void add_score(CLI::App& app, Action& action);
void add_embed(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_archive(CLI::App& app, Action& action);
void add_client(CLI::App& app, Action& action);

}  // namespace heart::app
