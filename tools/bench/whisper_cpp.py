#!/usr/bin/env python3
"""HeartTranscriptor beside whisper.cpp: the same sizes, types and threads, random weights, in turns.

  git clone https://github.com/ggml-org/whisper.cpp && cmake -S whisper.cpp -B whisper.cpp/build -DCMAKE_BUILD_TYPE=Release
  cmake --build whisper.cpp/build -j --target whisper whisper-quantize
  tools/bench/whisper_cpp.py --whisper-cpp whisper.cpp/build [--size medium] [--types f16,q8_0,q4_0] [--threads 1,2] [--rounds 5]

Each turn starts both programs anew, one after the other, so that what else the machine does falls on both. Of
whisper.cpp the functions whisper_encode() and whisper_decode() are timed (with one token, and with two at once, which
is what a step of two beams costs it at least: it works out the logits of one of them only); of ours, what
`heart bench --only transcriptor` times. Both with 64 tokens before. Memory is the most the process held.

Python 3, nothing else."""

import argparse
import ctypes
import json
import math
import os
import random
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# width, heads, layers of the encoder and of the decoder, mel bins, vocabulary (the published configurations)
SIZES = {
    "tiny": (384, 6, 4, 4, 80, 51865), "base": (512, 8, 6, 6, 80, 51865), "small": (768, 12, 12, 12, 80, 51865),
    "medium": (1024, 16, 24, 24, 80, 51865), "large-v3": (1280, 20, 32, 32, 128, 51866),
    "turbo": (1280, 20, 32, 4, 128, 51866),
}
BEFORE, REPEAT = 64, 3
WORDS = 50257  # of the vocabulary; the reader names the others itself
ROWS = [("encoder_ms", "encoder of 30 s"), ("token_ms", "token, 1 beam"), ("beams_ms", "token, 2 beams"),
        ("peak_mb", "memory, MB")]


class Ggml:
    """Writes a model of random weights in the form whisper.cpp reads (its models/README.md)."""

    def __init__(self, path, seed=1):
        self.file, self.random = open(path, "wb"), random.Random(seed)

    def ints(self, *values):
        self.file.write(struct.pack(f"<{len(values)}i", *values))

    def head(self, name, shape, half):
        self.ints(len(shape), len(name), int(half), *reversed(shape))
        self.file.write(name.encode())

    def matrix(self, name, *shape):
        """Random halves: any sign, any fraction, and the exponent of 1/128."""
        self.head(name, shape, half=True)
        count = math.prod(shape)
        bits = int.from_bytes(self.random.randbytes(2 * count), "little")
        bits = bits & int.from_bytes(b"\xff\x83" * count, "little") | int.from_bytes(b"\x00\x20" * count, "little")
        self.file.write(bits.to_bytes(2 * count, "little"))

    def constant(self, name, *shape, value=0.0):
        self.head(name, shape, half=False)
        self.file.write(struct.pack("<f", value) * math.prod(shape))

    def linear(self, name, rows, columns, bias=True):
        self.matrix(name + ".weight", rows, columns)
        if bias:
            self.constant(name + ".bias", rows)

    def norm(self, name, width):
        self.constant(name + ".weight", width, value=1)
        self.constant(name + ".bias", width)

    def attention(self, name, width):
        self.norm(name + "_ln", width)
        for part in ("query", "key", "value", "out"):
            self.linear(f"{name}.{part}", width, width, bias=part != "key")

    def block(self, name, width, cross):
        self.attention(name + ".attn", width)
        if cross:
            self.attention(name + ".cross_attn", width)
        self.norm(name + ".mlp_ln", width)
        self.linear(name + ".mlp.0", 4 * width, width)
        self.linear(name + ".mlp.2", width, 4 * width)


def write_model(path, size):
    width, heads, encoder, decoder, mels, vocabulary = SIZES[size]
    f = Ggml(path)
    f.ints(0x67676D6C, vocabulary, 1500, width, heads, encoder, 448, width, heads, decoder, mels, 1)
    f.ints(mels, 201)
    f.file.write(bytes(4 * mels * 201))  # filters: the mel is given
    f.ints(WORDS)
    for i in range(WORDS):
        f.ints(5)
        f.file.write(b"%05d" % i)
    f.constant("encoder.positional_embedding", 1500, width, value=0.01)
    f.matrix("encoder.conv1.weight", width, mels, 3)
    f.constant("encoder.conv1.bias", width, 1)
    f.matrix("encoder.conv2.weight", width, width, 3)
    f.constant("encoder.conv2.bias", width, 1)
    f.norm("encoder.ln_post", width)
    for i in range(encoder):
        f.block(f"encoder.blocks.{i}", width, cross=False)
    f.constant("decoder.positional_embedding", 448, width, value=0.01)
    f.matrix("decoder.token_embedding.weight", vocabulary, width)
    f.norm("decoder.ln", width)
    for i in range(decoder):
        f.block(f"decoder.blocks.{i}", width, cross=True)
    f.file.close()


def find(build, name):
    for folder, _, files in os.walk(build):
        if name in files:
            return os.path.join(folder, name)
    sys.exit(f"{name} was not found under {build}: build the targets whisper and whisper-quantize first")


def peak_mb():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) / 1e3 for line in f if line.startswith("VmHWM"))


def milliseconds(call):
    start = time.perf_counter()
    if call():
        sys.exit("whisper.cpp answered with an error")
    return (time.perf_counter() - start) * 1e3


def child(library, model, mels, threads, tokens):
    """Times whisper.cpp in a process of its own: prints one JSON object."""
    whisper = ctypes.CDLL(library)
    whisper.whisper_init_from_file.restype = ctypes.c_void_p
    context = ctypes.c_void_p(whisper.whisper_init_from_file(model.encode()))
    if not context:
        sys.exit("whisper.cpp could not read " + model)
    sound = (ctypes.c_float * (mels * 3000))(*(random.Random(2).gauss(0, 1) for _ in range(mels * 3000)))
    ids = (ctypes.c_int32 * BEFORE)(*range(BEFORE))
    if whisper.whisper_set_mel(context, sound, 3000, mels):
        sys.exit("whisper.cpp did not take the mel")

    def decode(count, past):
        return milliseconds(lambda: whisper.whisper_decode(context, ids, count, past, threads))

    encoder = [milliseconds(lambda: whisper.whisper_encode(context, 0, threads)) for _ in range(REPEAT)]
    decode(BEFORE, 0)
    decode(1, BEFORE)
    decode(2, BEFORE)
    print(json.dumps({
        "encoder_ms": statistics.median(encoder),
        "token_ms": statistics.median(decode(1, BEFORE) for _ in range(tokens)),
        "beams_ms": statistics.median(decode(2, BEFORE) for _ in range(tokens)),
        "peak_mb": peak_mb()}))


def time_theirs(library, model, mels, threads, tokens):
    run = subprocess.run([sys.executable, __file__, "--child", library, model, str(mels), str(threads), str(tokens)],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
    return json.loads(run.stdout)


def time_ours(heart, size, kind, threads):
    run = subprocess.run([heart, "bench", "--only", "transcriptor", "--synthetic", size, "--type", kind, "--threads",
                          str(threads), "--repeat", str(REPEAT), "--json", "-q"],
                         stdout=subprocess.PIPE, check=True, text=True)
    t = json.loads(run.stdout)
    memory, t = t["memory"], t["transcriptor"]
    assert t["context"] == BEFORE
    steps = {step["beams"]: step["ms_per_token"] for step in t["steps"]}
    return {"encoder_ms": t["encoder_ms"], "token_ms": steps[1], "beams_ms": steps[2], "peak_mb": memory["peak_mb"]}


def compare(args, folder):
    library, quantise = find(args.whisper_cpp, "libwhisper.so"), find(args.whisper_cpp, "whisper-quantize")
    mels = SIZES[args.size][4]
    plain = os.path.join(folder, "f16.bin")
    write_model(plain, args.size)
    print(f"| {args.size} | threads | | whisper.cpp | Heart | whisper.cpp / Heart |\n|---|---:|---|---:|---:|---:|", flush=True)
    for kind in args.types.split(","):
        model = plain if kind == "f16" else os.path.join(folder, kind + ".bin")
        if kind != "f16":
            subprocess.run([quantise, plain, model, kind], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for threads in map(int, args.threads.split(",")):
            pairs = [(time_theirs(library, model, mels, threads, args.tokens),
                      time_ours(args.heart, args.size, kind, threads)) for _ in range(args.rounds)]
            for key, name in ROWS:
                theirs, ours = ([pair[i][key] for pair in pairs] for i in (0, 1))
                ratio = statistics.median(a / b for a, b in zip(theirs, ours))
                print(f"| {kind} | {threads} | {name} | {statistics.median(theirs):.1f} | {statistics.median(ours):.1f} "
                      f"| {ratio:.2f} |", flush=True)
        if kind != "f16":
            os.remove(model)


def main():
    if sys.argv[1:2] == ["--child"]:
        return child(sys.argv[2], sys.argv[3], *map(int, sys.argv[4:7]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whisper-cpp", required=True, help="build folder of whisper.cpp")
    parser.add_argument("--heart", default=os.path.join(ROOT, "build/release/heart"))
    parser.add_argument("--size", default="medium", choices=list(SIZES))
    parser.add_argument("--types", default="f16,q8_0,q4_0")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=24, help="tokens timed in a round")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(args, folder)


if __name__ == "__main__":
    main()
