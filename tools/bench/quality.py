#!/usr/bin/env python3
"""Measures what a checkpoint loses in each number type, against float32 of the same checkpoint, and writes the table.

  tools/bench/quality.py [--program build/release/bench/heart_quality] [--out docs/quality.md] [-- options of heart_quality]
  tools/bench/quality.py --json report.json          from a report that is there already

Python 3, nothing else. Build the program first: cmake --build --preset release --target heart_quality"""

import argparse
import json
import os
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

DEMO_REMARK = """\
**This is the built-in demo model, and it is tiny.** Its numbers show that every type works and that the measurement
measures; they say nothing about the published weights, which must be measured with the same command and `--model-path`.

- Most of its rows are shorter than the 256 numbers that share a scale in the `_k` types, so that most of its matrices fall
  back to q8_0 or q4_0 (the column "kept as").
- Its codebook 0 is a clock that counts the beats, which no type gets wrong; the column "all tokens equal" tells more.
- The codec's quantised rows show one matrix: `transformer_blocks.0.mlp.gate`, once written by hand, holds numbers up to 65
  where half of them are below 0.002, and 32 numbers that share a scale cannot hold both. At q8_0 this gate and its `up`
  alone bring the whole latent error; all other matrices together bring 0.2 %. `--device cpu-ggml`, which multiplies with
  other code, gives the same errors. Run this codec in f32 or f16."""


def percent(share, digits=2):
    return f"{100 * share:.{digits}f} %"


def megabytes(count):
    return f"{count / 1e6:.2f}" if count < 1e8 else f"{count / 1e6:.0f}"


def name(kind):
    return kind.lower()


def kept_as(stored):
    total = sum(stored.values())
    parts = sorted(stored.items(), key=lambda item: -item[1])
    return name(parts[0][0]) if len(parts) == 1 else ", ".join(f"{100 * n / total:.0f} % {name(t)}" for t, n in parts)


def table(heads, rows):
    """`heads`: (text, whether it is a number)."""
    lines = ["| " + " | ".join(text for text, _ in heads) + " |", "|" + "|".join("---:" if n else "---" for _, n in heads) + "|"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def language_model(report):
    part = report["language_model"]
    positions = part["rows"][0]["cache_positions"]
    rows = [[name(r["type"]), name(r["cache"]), kept_as(r["stored"]), megabytes(r["weight_bytes"]),
             megabytes(r["cache_bytes"]), percent(r["codebook0_equal"]), percent(r["all_equal"])] for r in part["rows"]]
    heads = [("matrices", False), ("KV cache", False), ("kept as", False), ("weights MB", True),
             (f"cache MB at {positions} positions", True), ("codebook 0 equal", True), ("all tokens equal", True)]
    return ["## Language model", "",
            f"{part['prompts']} prompts, {part['frames']} frames in all, topk 1, guidance 1.5.", "", *table(heads, rows), "",
            "- **kept as**: the share of the numbers in matrices of products that each type holds; a row that is no multiple "
            "of a type's",
            "  block takes another type. Embeddings and heads stay in bf16 beside quantised matrices.",
            "- **weights**: bytes of all weights in memory, as Heart plans them before it loads.",
            "- **cache**: bytes of keys and values at the model's full context, both guidance rows.",
            "- **codebook 0 equal**: the share of frames whose first token is the one that float32 draws. Each frame is drawn "
            "behind",
            "  float32's frames, not behind the type's own, so that one different token does not make all later ones differ.",
            "- **all tokens equal**: the same for the tokens of all codebooks. Within a frame each token follows the type's "
            "own, so that",
            "  one difference can bring others behind it.", ""]


def codec(report):
    part = report["codec"]
    rows = [[name(r["type"]), kept_as(r["stored"]), megabytes(r["weight_bytes"]), percent(r["latent_error"]),
             percent(r["cells_moved"]), f"{r['mel_distance_db']:.2f}"] for r in part["rows"]]
    heads = [("matrices", False), ("kept as", False), ("weights MB", True), ("latent error", True),
             ("cells in another ninth", True), ("log-mel distance dB", True)]
    return ["## Codec", "",
            f"{part['seconds']:.2f} seconds that the language model composed at float32 (topk 50, seed 11); the same codes and "
            "the same noise",
            "for every type, 10 steps, guidance 1.25.", "", *table(heads, rows), "",
            "- **kept as**, **weights**: as above; quantising concerns the matrices of the flow transformer alone, the rest "
            "stays in f32.",
            "- **latent error**: RMS of the difference to float32's latents divided by RMS of those, before they are rounded "
            "to ninths.",
            f"- **cells in another ninth**: the share of the {part['latent_cells']} latent cells that are rounded to another "
            "multiple of 1/9.",
            "- **log-mel distance**: mean absolute difference of the sound's mel spectra in dB (128 bands, 2048-sample "
            "windows), over the",
            "  cells that come within 80 dB of the loudest in either sound.", ""]


def first_windows(report):
    rows = [[f"{r['codes'] / 12.5:.2f} s", *(f"{r[key]:.3f}" for key in ("before_db", "noise_before_db", "behind_db",
                                                                   "noise_behind_db"))] for r in report["first_windows"]]
    heads = [("first window", True), ("until the second window", True), ("other noise there", True),
             ("from there on", True), ("other noise there", True)]
    return ["## A shorter first window", "",
            "The same codes with the first window cut shorter, against the sound with a whole one: log-mel distance in dB, "
            "before the",
            "second window fades in (4.16 s before the first one's end) and from there on. The sound depends on the noise "
            "that each window",
            "starts from; **other noise** is the distance of the whole window to itself with noise of another seed: what is not "
            "larger than",
            "that is another rendering, not a worse one.", "", *table(heads, rows), ""]


def page(report, words):
    demo = report["model"] == "built-in demo model"
    command = "tools/bench/quality.py" + (" -- " + shlex.join(words) if words else "")
    what = "the built-in demo model" if demo else f"HeartMuLa-oss-{report['version']} and HeartCodec-oss in `{report['model']}`"
    lines = ["# What number types cost", "",
             f"Each type against float32 of the same checkpoint: {what}. The float32 rows are", "measured like the others, "
             "from weights loaded anew, and show that the measurement itself adds nothing.", ""]
    if demo:
        lines += [DEMO_REMARK, ""]
    lines += ["```sh", "cmake --build --preset release --target heart_quality", command, "```", "",
              "writes this page anew; `-- --model-path ckpt --version 3B` behind it measures another checkpoint.", ""]
    return "\n".join(lines + language_model(report) + codec(report) + first_windows(report)).rstrip() + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.path.join(ROOT, "build/release/bench/heart_quality"))
    parser.add_argument("--out", default=os.path.join(ROOT, "docs/quality.md"))
    parser.add_argument("--json", metavar="FILE", help="a report of heart_quality in place of a new measurement")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="-- OPTIONS", help="for heart_quality")
    options = parser.parse_args()
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if options.json:
        with open(options.json) as f:
            report = json.load(f)
    else:
        if not os.path.exists(options.program):
            parser.error(f"no program at '{options.program}': cmake --build --preset release --target heart_quality")
        done = subprocess.run([options.program, *words], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            return done.returncode if done.returncode > 0 else 1
        report = json.loads(done.stdout)
    with open(options.out + ".part", "w") as f:
        f.write(page(report, words))
    os.replace(options.out + ".part", options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
