// Manual page and completions, made of the same tables as --help.

#include "interrupt.h"
#include "verbs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace heart::app {

namespace {

struct OptionFacts {
    std::vector<std::string> long_names, short_names;
    std::string text, value, fallback;  ///< value: what it takes, "" for a flag; fallback: "" for none
    std::vector<std::string> choices;
};

struct CommandFacts {
    std::string path;  ///< "generate", "client login"; "" for the program itself
    std::string text, footer;
    std::vector<OptionFacts> options;
    std::vector<OptionFacts> arguments;
    std::vector<std::string> verbs;
};

/// "TEXT:{a,b}" names what an option may be.
std::vector<std::string> choices_in(const std::string& type) {
    const std::size_t begin = type.find('{'), end = type.rfind('}');
    std::vector<std::string> choices;
    if (begin == std::string::npos || end == std::string::npos || end < begin) return choices;
    std::string word;
    for (const char c : type.substr(begin + 1, end - begin - 1) + ",") {
        if (c != ',') {
            word += c;
        } else if (!word.empty()) {
            choices.push_back(std::move(word));
            word.clear();
        }
    }
    return choices;
}

OptionFacts facts_of(const CLI::Option& option) {
    OptionFacts facts;
    for (const std::string& name : option.get_lnames()) {
        // Names of the reference's script with underscores are taken, but not offered beside the same with dashes.
        if (name.find('_') == std::string::npos) facts.long_names.push_back("--" + name);
    }
    for (const std::string& name : option.get_snames()) facts.short_names.push_back("-" + name);
    facts.text = option.get_description();
    facts.fallback = option.get_default_str();
    if (option.get_type_size() != 0) {
        facts.value = option.get_type_name();
        facts.choices = choices_in(facts.value);
        facts.value = facts.value.substr(0, facts.value.find(':'));
    }
    if (facts.long_names.empty() && facts.short_names.empty()) facts.long_names.push_back(option.get_name());
    return facts;
}

/// Options of a command; those of its option groups, which are commands without a name, are its own.
void collect_options(const CLI::App& app, CommandFacts& facts) {
    for (const CLI::Option* option : app.get_options()) {
        if (option->get_group().empty()) continue;
        (option->get_positional() ? facts.arguments : facts.options).push_back(facts_of(*option));
    }
    for (const CLI::App* group : app.get_subcommands([](const CLI::App* a) { return a->get_name().empty(); })) {
        collect_options(*group, facts);
    }
}

void collect(const CLI::App& app, const std::string& path, std::vector<CommandFacts>& all) {
    CommandFacts facts{path, app.get_description(), app.get_footer(), {}, {}, {}};
    collect_options(app, facts);
    const auto verbs = app.get_subcommands([](const CLI::App* verb) { return !verb->get_name().empty(); });
    for (const CLI::App* verb : verbs) facts.verbs.push_back(verb->get_name());
    all.push_back(std::move(facts));
    for (const CLI::App* verb : verbs) collect(*verb, path.empty() ? verb->get_name() : path + " " + verb->get_name(), all);
}

std::vector<CommandFacts> facts_of_all(const CLI::App& app) {
    std::vector<CommandFacts> all;
    collect(app, "", all);
    return all;
}

std::string joined(const std::vector<std::string>& words, std::string_view between = " ") {
    return fmt::format("{}", fmt::join(words, between));
}

std::vector<std::string> names_of(const CommandFacts& command) {
    std::vector<std::string> names;
    for (const OptionFacts& o : command.options) {
        names.insert(names.end(), o.long_names.begin(), o.long_names.end());
        names.insert(names.end(), o.short_names.begin(), o.short_names.end());
    }
    return names;
}

// --- bash ---

std::string bash_completion(const std::vector<CommandFacts>& all) {
    std::string out =
        "# bash completion for heart\n"
        "_heart() {\n"
        "    local cur prev path='' word i\n"
        "    cur=${COMP_WORDS[COMP_CWORD]}\n"
        "    prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        word=${COMP_WORDS[i]}\n"
        "        case \"${path:+$path }$word\" in\n";
    std::vector<std::string> paths;
    for (const CommandFacts& command : all) {
        if (!command.path.empty()) paths.push_back("'" + command.path + "'");
    }
    out += fmt::format("            {}) path=\"${{path:+$path }}$word\" ;;\n", joined(paths, " | "));
    out +=
        "        esac\n"
        "    done\n"
        "    case \"$path $prev\" in\n";
    for (const CommandFacts& command : all) {
        for (const OptionFacts& o : command.options) {
            if (o.choices.empty()) continue;
            std::vector<std::string> cases;
            for (const std::string& name : o.long_names) cases.push_back(fmt::format("'{} {}'", command.path, name));
            out += fmt::format("        {}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return ;;\n", joined(cases, " | "),
                               joined(o.choices));
        }
    }
    out +=
        "    esac\n"
        "    case \"$path\" in\n";
    for (const CommandFacts& command : all) {
        std::vector<std::string> words = names_of(command);
        words.insert(words.end(), command.verbs.begin(), command.verbs.end());
        out += fmt::format("        '{}') word='{}' ;;\n", command.path, joined(words));
    }
    out +=
        "    esac\n"
        "    COMPREPLY=($(compgen -W \"$word\" -- \"$cur\"))\n"
        "    [[ $cur != -* ]] && COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
        "}\n"
        "complete -o filenames -F _heart heart\n";
    return out;
}

// --- zsh ---

std::string zsh_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
            out += '\\';
            out += c;
        } else {
            out += c == '\n' ? ' ' : c;
        }
    }
    return out;
}

std::string zsh_option(const OptionFacts& o) {
    std::string out;
    std::vector<std::string> names = o.long_names;
    names.insert(names.end(), o.short_names.begin(), o.short_names.end());
    for (const std::string& name : names) {
        std::string value;
        if (!o.value.empty()) {
            value = fmt::format(":{}:{}", zsh_text(o.value), o.choices.empty() ? "_files" : "(" + joined(o.choices) + ")");
        }
        out += fmt::format(" \\\n                '{}[{}]{}'", name, zsh_text(o.text), value);
    }
    return out;
}

std::string zsh_completion(const std::vector<CommandFacts>& all) {
    std::string out =
        "#compdef heart\n"
        "_heart() {\n"
        "    local path='' word i\n"
        "    for ((i = 2; i < CURRENT; i++)); do\n"
        "        word=$words[i]\n"
        "        case \"${path:+$path }$word\" in\n";
    std::vector<std::string> paths;
    for (const CommandFacts& command : all) {
        if (!command.path.empty()) paths.push_back("'" + command.path + "'");
    }
    out += fmt::format("            {}) path=\"${{path:+$path }}$word\" ;;\n", joined(paths, " | "));
    out +=
        "        esac\n"
        "    done\n"
        "    case \"$path\" in\n";
    for (const CommandFacts& command : all) {
        out += fmt::format("        '{}')\n", command.path);
        out += "            _arguments -s";
        for (const OptionFacts& o : command.options) out += zsh_option(o);
        out += fmt::format(" \\\n                '*: :{}'\n            ;;\n",
                           command.verbs.empty() ? "_files" : "(" + joined(command.verbs) + ")");
    }
    out +=
        "    esac\n"
        "}\n"
        "_heart \"$@\"\n";
    return out;
}

// --- fish ---

std::string fish_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\'' || c == '\\') out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out;
}

std::string fish_completion(const std::vector<CommandFacts>& all) {
    std::string out = "# fish completion for heart\ncomplete -c heart -e\n";
    for (const CommandFacts& command : all) {
        std::string when = command.path.empty() ? "__fish_use_subcommand" : "";
        for (std::size_t at = 0; at < command.path.size();) {
            const std::size_t end = std::min(command.path.find(' ', at), command.path.size());
            when += fmt::format("{}__fish_seen_subcommand_from {}", when.empty() ? "" : "; and ",
                                command.path.substr(at, end - at));
            at = end + 1;
        }
        for (const std::string& verb : command.verbs) {
            const std::string path = command.path.empty() ? verb : command.path + " " + verb;
            const auto found = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.path == path; });
            const std::string others =
                command.path.empty() ? "" : "; and not __fish_seen_subcommand_from " + joined(command.verbs);
            out += fmt::format("complete -c heart -f -n '{}{}' -a {} -d '{}'\n", when, others, verb, fish_text(found->text));
        }
        for (const OptionFacts& o : command.options) {
            out += fmt::format("complete -c heart -n '{}'", when);
            for (const std::string& name : o.long_names) out += " -l " + name.substr(2);
            for (const std::string& name : o.short_names) out += " -s " + name.substr(1);
            if (!o.value.empty()) out += " -r";
            if (!o.choices.empty()) out += fmt::format(" -f -a '{}'", joined(o.choices));
            out += fmt::format(" -d '{}'\n", fish_text(o.text));
        }
    }
    return out;
}

// --- man ---

std::string roff(std::string_view text) {
    std::string out;
    bool line_begins = true;
    for (const char c : text) {
        if (line_begins && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\' || c == '-') out += '\\';
        if (c == '\\') {
            out += 'e';
        } else {
            out += c;
        }
        line_begins = c == '\n';
    }
    return out;
}

void add_options(std::string& out, const CommandFacts& command) {
    for (const auto* list : {&command.arguments, &command.options}) {
        for (const OptionFacts& o : *list) {
            std::vector<std::string> names = o.short_names;
            names.insert(names.end(), o.long_names.begin(), o.long_names.end());
            for (std::string& name : names) name = "\\fB" + roff(name) + "\\fR";
            const std::string value = o.choices.empty() ? o.value : joined(o.choices, "|");
            out += fmt::format(".TP\n{}{}\n{}", joined(names, ", "), value.empty() ? "" : " \\fI" + roff(value) + "\\fR",
                               roff(o.text));
            if (!o.fallback.empty()) out += fmt::format(" (default: {})", roff(o.fallback));
            out += '\n';
        }
    }
}

std::string manual(const std::vector<CommandFacts>& all) {
    std::string out = fmt::format(
        ".TH HEART 1 \"\" \"heart {}\" \"User Commands\"\n.SH NAME\nheart \\- {}\n.SH SYNOPSIS\n.B heart\n\\fIverb\\fR "
        "[\\fIoptions\\fR]\n",
        HEART_VERSION, "lyrics and tags in, a song out");
    for (const CommandFacts& command : all) {
        if (command.path.empty()) {
            out += ".SH OPTIONS\n";
        } else {
            out += fmt::format(".SH \"heart {}\"\n{}\n", roff(command.path), roff(command.text));
        }
        add_options(out, command);
        if (!command.footer.empty()) out += fmt::format(".PP\n.nf\n{}\n.fi\n", roff(command.footer));
    }
    return out;
}

}  // namespace

void add_describe(CLI::App& app, Action& action) {
    auto what = std::make_shared<std::string>();
    CLI::App* verb = app.add_subcommand("describe", "Print the manual page, or completions for a shell");
    verb->add_option("what", *what, "What to print")->required()->check(CLI::IsMember({"man", "bash", "zsh", "fish"}));
    verb->footer(
        "    source <(heart describe bash)\n"
        "    heart describe zsh > \"${fpath[1]}/_heart\"\n"
        "    heart describe fish > ~/.config/fish/completions/heart.fish\n"
        "    heart describe man | man -l -");
    verb->callback([what, &app, &action] {
        action = [what, &app] {
            const auto all = facts_of_all(app);
            fmt::print("{}", *what == "man"    ? manual(all)
                             : *what == "bash" ? bash_completion(all)
                             : *what == "zsh"  ? zsh_completion(all)
                                               : fish_completion(all));
            return kExitDone;
        };
    });
}

}  // namespace heart::app
