#!/usr/bin/env python3
"""Runs `heart bench`, adds a row to docs/benchmarks/results.csv and draws its plots and table anew.

  tools/bench/record.py [--heart build/release/heart] [--out docs/benchmarks] [--note TEXT] -- [options of heart bench]
  tools/bench/record.py --draw            only draws

Python 3, nothing else."""

import argparse
import csv
import datetime
import json
import math
import os
import subprocess
import sys
from xml.sax.saxutils import escape

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Column of results.csv: where it stands in the JSON.
COLUMNS = {
    "machine": "machine.name", "threads": "machine.threads", "instructions": "machine.instructions",
    "device": "machine.device",
    "read_gbps": "machine.read_gbps", "f32_gflops": "machine.f32_gflops", "int8_gops": "machine.int8_gops",
    "model": "model", "type": "lm.type", "context": "lm.context", "ms_per_frame": "lm.ms_per_frame",
    "gb_per_frame": "lm.gb_per_frame", "gbps": "lm.gbps",
    "percent_of_read": "lm.percent_of_read", "percent_of_read_max": "lm.percent_of_read_max",
    "backbone_ms": "lm.backbone_ms", "depth_ms": "lm.depth_ms",
    "backbone_percent_of_read": "lm.backbone_percent_of_read", "depth_percent_of_read": "lm.depth_percent_of_read",
    "prefill_tokens_per_second": "lm.prefill_tokens_per_second",
    "codec_type": "estimator.type", "estimator_ms": "estimator.ms", "estimator_gflops": "estimator.gflops",
    "estimator_percent_of_peak": "estimator.percent_of_peak",
    "sq_seconds_per_second": "sq_decoder.seconds_per_second", "sq_gflops": "sq_decoder.gflops",
    "sq_percent_of_peak": "sq_decoder.percent_of_peak",
    "rtf": "song.rtf", "rtf_composed": "song.composed", "resident_mb": "memory.resident_mb",
    "peak_mb": "memory.peak_mb",
}
FIELDS = ["date", "commit", "note"] + list(COLUMNS)


def commit():
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True).stdout.strip()
    # What the benchmark writes itself does not make a build another one.
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/benchmarks")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+changes" if changed else "")


def look_up(report, path):
    for part in path.split("."):
        if not isinstance(report, dict) or part not in report:
            return ""
        report = report[part]
    return f"{report:.6g}" if isinstance(report, float) else "" if report is None else str(report)


def read_rows(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="") as f:
        return list(csv.DictReader(f))


def write_whole(path, text):
    with open(path + ".part", "w", newline="") as f:
        f.write(text)
    os.replace(path + ".part", path)


def add_row(path, row):
    rows = read_rows(path) + [row]
    with open(path + ".part", "w", newline="") as f:
        out = csv.DictWriter(f, FIELDS, restval="", extrasaction="ignore", lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    os.replace(path + ".part", path)


def number(row, name):
    try:
        value = float(row.get(name) or "nan")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


# --- plots ---------------------------------------------------------------------------------------------------------------

STYLE = """<style>
text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-size:16px;font-weight:600}.small{font-size:11px}
.grid{stroke:#d0d7de;stroke-width:1}.axis{stroke:#57606a;stroke-width:1}.paper{fill:#fff}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#30363d}.axis{stroke:#8b949e}.paper{fill:#0d1117}}
</style>"""
# Told apart by people who do not see all colours, on white and on black; each series has its own mark too.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7f7f7f", "#8a63d2"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 800, 380, 64, 230, 48, 64


def nice_ticks(most):
    step = 10 ** math.floor(math.log10(most / 5)) if most > 0 else 1
    step = next(s for s in (step, 2 * step, 5 * step, 10 * step) if most / s <= 6)
    count = math.ceil(most / step - 1e-9)
    return [i * step for i in range(max(count, 1) + 1)]


def mark(shape, x, y, colour, tip):
    r = 4.5
    shapes = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}"',
        f'<rect x="{x - r:.1f}" y="{y - r:.1f}" width="{2 * r}" height="{2 * r}"',
        f'<path d="M{x:.1f} {y - r - 1:.1f}L{x + r + 1:.1f} {y + r:.1f}H{x - r - 1:.1f}Z"',
        f'<path d="M{x:.1f} {y - r - 1:.1f}L{x + r + 1:.1f} {y:.1f}L{x:.1f} {y + r + 1:.1f}L{x - r - 1:.1f} {y:.1f}Z"',
    ]
    end = f"><title>{escape(tip)}</title></{shapes[shape % 4].split()[0][1:]}>" if tip else "/>"
    return f'{shapes[shape % 4]} fill="{colour}"{end}'


def plot(title, unit, labels, series, limit=None):
    """`labels`: one under each column; `series`: {name: [value or None for each column]}; `limit`: a line to reach."""
    values = [v for line in series.values() for v in line if v is not None]
    ticks = nice_ticks(max(values + ([limit] if limit else [])) * 1.05)
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(i):
        return LEFT + wide * (i + 0.5) / len(labels)

    def y(v):
        return TOP + high * (1 - v / ticks[-1])

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
           f'role="img" aria-label="{escape(title)}">', STYLE,
           f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
           f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
           f'<text class="small" x="{LEFT}" y="{TOP - 8}">{escape(unit)}</text>']
    for t in ticks:
        out.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + wide}" y1="{y(t):.1f}" y2="{y(t):.1f}"/>'
                   f'<text class="small" x="{LEFT - 8}" y="{y(t) + 4:.1f}" text-anchor="end">{t:g}</text>')
    out.append(f'<line class="axis" x1="{LEFT}" x2="{LEFT + wide}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>')
    every = math.ceil(len(labels) / 8)
    for i in range(len(labels) - 1, -1, -every):
        first, second = labels[i]
        out.append(f'<text class="small" x="{x(i):.1f}" y="{y(0) + 18:.1f}" text-anchor="middle">{escape(first)}</text>'
                   f'<text class="small" x="{x(i):.1f}" y="{y(0) + 33:.1f}" text-anchor="middle">{escape(second)}</text>')
    for s, (name, line) in enumerate(sorted(series.items())):
        colour = COLOURS[s % len(COLOURS)]
        points = [(x(i), y(v), v, labels[i]) for i, v in enumerate(line) if v is not None]
        if len(points) > 1:
            path = " ".join(f"{px:.1f},{py:.1f}" for px, py, _, _ in points)
            out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [mark(s, px, py, colour, f"{name}: {v:g} ({' '.join(label)})") for px, py, v, label in points]
        at = TOP + 10 + 20 * s
        out.append(mark(s, LEFT + wide + 20, at, colour, "") +
                   f'<text class="small" x="{LEFT + wide + 32}" y="{at + 4}">{escape(name)}</text>')
    return "\n".join(out) + "\n</svg>\n"


PLOTS = [
    ("frame.svg", "A frame of the language model", "milliseconds; 80 is real time", "ms_per_frame", "type"),
    ("reading.svg", "How much of the memory's speed a frame uses", "% of what plain reading reaches", "percent_of_read",
     "type"),
    ("estimator.svg", "The flow transformer", "% of the arithmetic peak", "estimator_percent_of_peak", "codec_type"),
    ("decoder.svg", "The scalar decoder", "seconds for one second of audio", "sq_seconds_per_second", "codec_type"),
    ("song.svg", "A song", "seconds for one second of audio (RTF)", "rtf", "type"),
]


def draw(folder, rows):
    drawn = []
    for name, title, unit, field, kind in PLOTS:
        some = [r for r in rows if number(r, field) is not None]
        path = os.path.join(folder, name)
        if not some:
            if os.path.exists(path):
                os.remove(path)
            continue
        series = {}
        for i, r in enumerate(some):
            key = f"{r['model']} {r[kind]}, {r['threads']} threads"
            series.setdefault(key, [None] * len(some))[i] = number(r, field)
        write_whole(path, plot(title, unit, [(r["date"][:10], r["commit"]) for r in some], series))
        drawn.append((name, title))
    write_whole(os.path.join(folder, "README.md"), page(rows, drawn))


def page(rows, drawn):
    def cell(row, name, digits):
        v = number(row, name)
        return "" if v is None else f"{v:.{digits}f}"

    out = ["# Benchmarks", "",
           "`tools/bench/record.py -- --type bf16` measures with `heart bench`, adds a row to [results.csv](results.csv) "
           "and", "draws this page anew. What the numbers mean: [command.md](../command.md).", ""]
    if not rows:
        return "\n".join(out + ["Nothing is recorded yet.", ""])
    out += [f"![{title}]({name})" for name, title in drawn] + [""]
    heads = [("read GB/s", "read_gbps", 1), ("ms a frame", "ms_per_frame", 1), ("% of read", "percent_of_read", 0),
             ("at most", "percent_of_read_max", 0),
             ("prompt tokens/s", "prefill_tokens_per_second", 1), ("flow ms", "estimator_ms", 0),
             ("% of peak", "estimator_percent_of_peak", 0), ("decoder s/s", "sq_seconds_per_second", 3),
             ("RTF", "rtf", 2), ("peak MB", "peak_mb", 0)]
    out.append("| date | commit | machine | model | types | " + " | ".join(h for h, _, _ in heads) + " | note |")
    out.append("|---|---|---|---|---|" + "---:|" * len(heads) + "---|")
    for r in reversed(rows):
        machine = f"{r['machine']}, {r['threads']} threads, {r['instructions'] if r['device'] == 'cpu' else r['device']}"
        types = " / ".join(t for t in (r["type"], r["codec_type"]) if t)
        words = [r["date"][:10], r["commit"], machine, r["model"], types]
        words += [cell(r, name, digits) for _, name, digits in heads] + [r["note"]]
        out.append("| " + " | ".join(w.replace("|", "/") for w in words) + " |")
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heart", default=os.path.join(ROOT, "build/release/heart"))
    parser.add_argument("--out", default=os.path.join(ROOT, "docs/benchmarks"))
    parser.add_argument("--note", default="")
    parser.add_argument("--draw", action="store_true", help="only draw what is recorded")
    parser.add_argument("bench", nargs=argparse.REMAINDER, metavar="-- OPTIONS", help="for heart bench")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    results = os.path.join(options.out, "results.csv")
    if not options.draw:
        words = options.bench[1:] if options.bench[:1] == ["--"] else options.bench
        done = subprocess.run([options.heart, "bench", "--json", *words], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            return done.returncode if done.returncode > 0 else 1
        report = json.loads(done.stdout)
        row = {name: look_up(report, path) for name, path in COLUMNS.items()}
        row["date"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        row["commit"], row["note"] = commit(), options.note
        add_row(results, row)
    draw(options.out, read_rows(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
