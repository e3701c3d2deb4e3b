#include "hub/pull.h"
#include "core/error.h"
#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"
#include "verbs.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>

#include <poll.h>
#include <unistd.h>

namespace heart::app {

namespace {

struct PullOptions {
    CommonOptions common;  // --json, --quiet
    std::vector<std::string> names, accepted_licences;
    std::string folder = "ckpt", source = "huggingface", revision, version = "3B";
    int connections = 4;
    bool only = false, list = false, dry_run = false;
};

std::string gigabytes(std::uint64_t bytes) {
    return fmt::format("{:.2f} GB", static_cast<double>(bytes) / 1e9);
}

/// What a licence means that is not free; null for a free one.
nlohmann::ordered_json note_of(const hub::Repository& repository) {
    const hub::Licence licence = hub::licence_named(repository.licence);
    return licence.is_free() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(licence.note());
}

int list(const PullOptions& o) {
    auto all = nlohmann::ordered_json::array();
    const auto recommended = hub::recommended();
    for (const hub::Repository& r : hub::catalogue()) {
        const bool best = std::find(recommended.begin(), recommended.end(), &r) != recommended.end();
        const std::string folder = hub::folder_of(r, o.version);
        all.push_back({{"name", r.name},
                       {"folder", folder},
                       {"about", r.about},
                       {"licence", r.licence},
                       {"licence_note", note_of(r)},
                       {"gigabytes", r.gigabytes},
                       {"recommended", best}});
        if (!o.common.json)
            fmt::print("{} {:<31} {:>5.1f} GB  {:<12}  {}\n", best ? '*' : ' ', r.name, r.gigabytes, r.licence, r.about);
    }
    if (o.common.json) print_json({{"checkpoints", all}});
    note(o.common, "* what is pulled when none is named");
    std::vector<const hub::Repository*> every;
    for (const hub::Repository& r : hub::catalogue()) every.push_back(&r);
    for (const hub::Licence& licence : hub::licences_to_accept(every)) {
        note(o.common, fmt::format("{}: {}; it is fetched for those who accept that", licence.id, licence.in_short));
    }
    return kExitDone;
}

hub::PullRequest request_of(const PullOptions& o) {
    hub::PullRequest request;
    for (const std::string& name : o.names) request.repositories.push_back(&hub::repository_named(name));
    if (request.repositories.empty()) request.repositories = hub::recommended();
    if (!o.only) request.repositories = hub::with_companions(request.repositories);
    request.folder = o.folder;
    request.version = o.version;
    request.source = hub::source_named(o.source, o.revision);
    request.fetch.connections = o.connections;
    request.accepted_licences = o.accepted_licences;
    return request;
}

nlohmann::ordered_json report_of(const hub::PullRequest& request, const hub::PullPlan& plan) {
    auto items = nlohmann::ordered_json::array();
    for (const hub::PullItem& item : plan.items) {
        items.push_back({{"name", item.repository->name},
                         {"licence", item.repository->licence},
                         {"licence_note", note_of(*item.repository)},
                         {"path", (request.folder / item.folder).string()},
                         {"files", item.files.size()},
                         {"bytes", item.bytes},
                         {"bytes_missing", item.bytes_missing}});
    }
    nlohmann::ordered_json report{{"folder", request.folder.string()},
                                  {"source", request.source.base},
                                  {"checkpoints", items},
                                  {"bytes", plan.bytes},
                                  {"bytes_missing", plan.bytes_missing},
                                  {"bytes_free", plan.bytes_free}};
    report["licences_to_accept"] = nlohmann::ordered_json::array();
    for (const hub::Licence& licence : hub::licences_to_accept(request, plan)) {
        report["licences_to_accept"].push_back(licence.id);
    }
    return report;
}

void tell(const PullOptions& o, const hub::PullRequest& request, const hub::PullPlan& plan) {
    for (const hub::PullItem& item : plan.items) {
        const std::string missing = item.missing.empty() ? "whole already" : gigabytes(item.bytes_missing) + " to fetch";
        note(o.common, fmt::format("{:<31} {:>9}, {}  ({}, {})", item.repository->name, gigabytes(item.bytes), missing,
                                   (request.folder / item.folder).string(), item.repository->licence));
    }
    note(o.common, fmt::format("From {}: {} to fetch, {} free on the disk.", request.source.base,
                               gigabytes(plan.bytes_missing), gigabytes(plan.bytes_free)));
}

/// A licence and its meaning, on standard error.
void explain(const hub::Licence& licence) {
    fmt::print(stderr, "\n{}: this is not a free licence.\n", licence.id);
    for (const std::string_view sentence : licence.in_plain_words) fmt::print(stderr, "  {}\n", sentence);
    fmt::print(stderr, "\n");
}

/// Whether the answer on the terminal is yes. Ctrl-C is none: it ends the wait.
bool says_yes(const std::string& question) {
    fmt::print(stderr, "{} [y/N] ", question);
    std::fflush(stderr);
    pollfd keys{STDIN_FILENO, POLLIN, 0};
    constexpr int kLook = 100;  // ms
    while (poll(&keys, 1, kLook) <= 0) interrupt_token().check();
    std::string answer;
    for (char c = 0; answer.size() < 100 && read(STDIN_FILENO, &c, 1) == 1 && c != '\n';) answer += c;
    return answer == "y" || answer == "Y" || answer == "yes" || answer == "Yes";
}

/// Says what licences mean that are not free, and asks whoever sits at a terminal about those under which something is to be
/// fetched. Without a terminal, or without a yes, they stay as they are: not accepted.
void ask_for_licences(const PullOptions& o, hub::PullRequest& request, const hub::PullPlan& plan) {
    std::vector<const hub::Repository*> all;
    for (const hub::PullItem& item : plan.items) all.push_back(item.repository);
    const auto open = hub::licences_to_accept(request, plan);
    const bool can_ask = !o.dry_run && isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
    for (const hub::Licence& licence : hub::licences_to_accept(all)) {
        const bool ask =
            can_ask && std::any_of(open.begin(), open.end(), [&](const hub::Licence& l) { return l.id == licence.id; });
        if (ask || !o.common.quiet) explain(licence);
        if (ask && says_yes(fmt::format("Do you accept {}?", licence.id)))
            request.accepted_licences.emplace_back(licence.id);
    }
}

int pull(PullOptions& o) {
    if (o.list) return list(o);
    hub::PullRequest request = request_of(o);
    ProgressBar bar(!o.common.quiet);
    const auto show = [&bar](const hub::PullProgress& p) {
        bar.show({p.checking ? Phase::verify : Phase::download, static_cast<double>(p.done), static_cast<double>(p.total)});
    };
    const hub::PullPlan plan = hub::plan_pull(request, show, interrupt_token());
    bar.finish();
    tell(o, request, plan);
    ask_for_licences(o, request, plan);
    auto report = report_of(request, plan);
    if (!o.dry_run) {
        hub::run_pull(request, plan, show, interrupt_token());
        bar.finish();
        const bool sings = std::any_of(plan.items.begin(), plan.items.end(), [](const hub::PullItem& item) {
            return item.repository->part == hub::Repository::Part::language_model;
        });
        note(o.common, "All checkpoints are whole.");
        if (sings) {
            note(o.common, fmt::format("A song of them: heart generate --model-path {}{}", o.folder,
                                       o.version == "3B" ? "" : " --version " + o.version));
        }
    }
    report["fetched"] = !o.dry_run;
    if (o.common.json) print_json(report);
    return kExitDone;
}

}  // namespace

void add_pull(CLI::App& app, Action& action) {
    auto o = std::make_shared<PullOptions>();
    CLI::App* verb = app.add_subcommand("pull", "Download the published checkpoints");
    verb->add_option("names", o->names, "Which (see --list); what they need comes along. Default: the recommended ones")
        ->type_name("NAME");
    verb->add_option("--to", o->folder, "Folder of the checkpoints")->capture_default_str()->type_name("DIR");
    verb->add_option("--source", o->source, "huggingface, modelscope, or the address of a mirror")->capture_default_str();
    verb->add_option("--revision", o->revision, "Branch, tag or commit; default: main (modelscope: master)");
    verb->add_option("--version", o->version, "Names the folder of the language model: HeartMuLa-oss-<version>")
        ->capture_default_str();
    verb->add_option("--connections", o->connections, "At once")->capture_default_str()->check(CLI::Range(1, 16));
    verb->add_option("--accept-licence", o->accepted_licences,
                     "You accept this licence, which is not free: CC-BY-NC-4.0. Asked for on a terminal, needed without one")
        ->type_name("SPDX")
        ->allow_extra_args(false);  // a name behind it is one of NAME
    verb->add_flag("--only", o->only, "Nothing but what is named");
    verb->add_flag("--list", o->list, "Show what there is, and stop");
    verb->add_flag("--dry-run", o->dry_run, "Show what would be fetched, and stop");
    o->common.add_output(*verb);
    verb->footer(
        "What has come is kept when it is interrupted: run it again to go on. Files that Hugging Face's or\n"
        "ModelScope's own tools have on this machine are used. Tokens: HF_TOKEN or `hf auth login`,\n"
        "MODELSCOPE_API_TOKEN. Other addresses: HF_ENDPOINT, MODELSCOPE_ENDPOINT; proxies: HTTPS_PROXY and the like.");
    verb->callback([o, &action] { action = [o] { return pull(*o); }; });
}

}  // namespace heart::app
