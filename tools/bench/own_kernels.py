#!/usr/bin/env python3
"""Heart's own CPU kernels beside ggml's operators: the same graphs, sizes, types and threads, random weights, in turns.

  tools/bench/own_kernels.py [--types bf16,q8_0/f32,q4_0,/f16] [--threads 1,2] [--rounds 2]

Types are those of the language model and of the codec; where one of both is left out, only the other is timed. Each turn
starts `heart bench` twice, one after the other, so that what else the machine does falls on both: with `--device cpu-ggml`
and with `--device cpu`. Prints one table in Markdown: medians of the turns, and the median of the turns' ratios. The whole
song is worked out from the parts of both, as `heart bench` does without --full.

  tools/bench/own_kernels.py --against bf16/f32 --types bf16/f32,q8_0/f32,q4_0/f32

holds every choice of types to one of ggml's: a whole song as its operators make it of the weights as they are published.

Python 3, nothing else."""

import argparse
import json
import os
import statistics
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Part of the report, name in it, words, and whether more is better.
ROWS = [("lm", "read_gbps", "reading memory between frames, GB/s", True),
        ("lm", "ms_per_frame", "frame, ms", False), ("lm", "percent_of_read", "frame, % of reading", True),
        ("lm", "backbone_ms", "backbone, ms", False), ("lm", "backbone_percent_of_read", "backbone, % of reading", True),
        ("lm", "depth_ms", "depth decoder, ms", False),
        ("lm", "depth_percent_of_read", "depth decoder, % of reading", True),
        ("lm", "prefill_tokens_per_second", "prompt, tokens/s", True),
        ("estimator", "ms", "flow transformer, ms", False),
        ("estimator", "percent_of_peak", "flow transformer, % of peak", True),
        ("sq_decoder", "seconds_per_second", "scalar decoder, s for 1 s", False),
        ("sq_decoder", "percent_of_peak", "scalar decoder, % of peak", True),
        ("song", "rtf", "song of 20 s, s for 1 s", False), ("memory", "peak_mb", "memory, MB", False)]


def bench(args, device, types, threads):
    kind, _, codec_kind = types.partition("/")
    only = [] if kind and codec_kind else ["--only", "lm" if kind else "codec"]
    types = ["--type", kind] * bool(kind) + ["--codec-type", codec_kind] * bool(codec_kind)
    run = subprocess.run([args.heart, "bench", "--synthetic", args.size, *only, *types, "--device", device, "--threads",
                          str(threads), "--context", str(args.context), "--repeat", str(args.repeat), "--json", "-q"],
                         stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(run.stdout)


def compare(args, types, threads):
    sides = (("cpu-ggml", args.against or types), ("cpu", types))
    turns = [tuple(bench(args, device, side, threads) for device, side in sides) for _ in range(args.rounds)]
    for section, name, words, more_is_better in ROWS:
        if not all(isinstance(report.get(section), dict) for turn in turns for report in turn):
            continue
        theirs, ours = ([turn[i][section][name] for turn in turns] for i in (0, 1))
        ratios = [b / a if more_is_better else a / b for a, b in zip(theirs, ours)]
        print(f"| {types} | {threads} | {words} | {statistics.median(theirs):.4g} | {statistics.median(ours):.4g} "
              f"| {statistics.median(ratios):.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heart", default=os.path.join(ROOT, "build/release/heart"))
    parser.add_argument("--size", default="3B")
    parser.add_argument("--types", default="bf16,q8_0/f32,q4_0,/f16")
    parser.add_argument("--against", metavar="TYPES", help="types of ggml's side; the same ones where left out")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--context", type=int, default=500, help="positions before a frame")
    parser.add_argument("--rounds", type=int, default=2, help="turns")
    parser.add_argument("--repeat", type=int, default=2, help="rounds within a turn")
    args = parser.parse_args()
    print(f"| {args.size} | threads | | ggml's operators | Heart's | times as fast |\n|---|---:|---|---:|---:|---:|", flush=True)
    for threads in map(int, args.threads.split(",")):
        for types in args.types.split(","):
            compare(args, types, threads)


if __name__ == "__main__":
    main()
