#include "hub/pull.h"
#include "core/error.h"
#include "interrupt.h"
#include "output.h"
#include "progress_bar.h"
#include "verbs.h"

#include <fmt/format.h>

#include <memory>

namespace heart::app {

namespace {

struct PullOptions {
    CommonOptions common;  // --json, --quiet
    std::vector<std::string> names;
    std::string folder = "ckpt", source = "huggingface", revision, version = "3B";
    int connections = 4;
    bool only = false, list = false, dry_run = false;
};

std::string gigabytes(std::uint64_t bytes) {
    return fmt::format("{:.2f} GB", static_cast<double>(bytes) / 1e9);
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
                       {"gigabytes", r.gigabytes},
                       {"recommended", best}});
        if (!o.common.json)
            fmt::print("{} {:<31} {:>5.1f} GB  {:<11} {}\n", best ? '*' : ' ', r.name, r.gigabytes, r.licence, r.about);
    }
    if (o.common.json) print_json({{"checkpoints", all}});
    note(o.common, "* what is pulled when none is named");
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
    return request;
}

nlohmann::ordered_json report_of(const hub::PullRequest& request, const hub::PullPlan& plan) {
    auto items = nlohmann::ordered_json::array();
    for (const hub::PullItem& item : plan.items) {
        items.push_back({{"name", item.repository->name},
                         {"licence", item.repository->licence},
                         {"path", (request.folder / item.folder).string()},
                         {"files", item.files.size()},
                         {"bytes", item.bytes},
                         {"bytes_missing", item.bytes_missing}});
    }
    return {{"folder", request.folder.string()},
            {"source", request.source.base},
            {"checkpoints", items},
            {"bytes", plan.bytes},
            {"bytes_missing", plan.bytes_missing},
            {"bytes_free", plan.bytes_free}};
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

int pull(PullOptions& o) {
    if (o.list) return list(o);
    const hub::PullRequest request = request_of(o);
    ProgressBar bar(!o.common.quiet);
    const auto show = [&bar](const hub::PullProgress& p) {
        bar.show({p.checking ? Phase::verify : Phase::download, static_cast<double>(p.done), static_cast<double>(p.total)});
    };
    const hub::PullPlan plan = hub::plan_pull(request, show, interrupt_token());
    bar.finish();
    tell(o, request, plan);
    auto report = report_of(request, plan);
    if (!o.dry_run) {
        hub::run_pull(request, plan, show, interrupt_token());
        bar.finish();
        note(o.common, fmt::format("All checkpoints are whole. A song of them: heart generate --model-path {}{}", o.folder,
                                   o.version == "3B" ? "" : " --version " + o.version));
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
