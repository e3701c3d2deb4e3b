#!/usr/bin/env python3
"""What a running studio bears: `heart serve` on a folder of its own, with many clients or many connections.

    tools/bench/studio.py clients                       # 200 signed-in clients poll and listen while songs are made
    tools/bench/studio.py connections --model-path DIR  # frames with and without 1,000 idle and slow connections, in turn

Builds nothing: heart and studio_load must stand in --build (cmake --build --preset release --target heart_command
studio_load). A checkpoint whose frames take about 100 ms, as on the machines people have:
`heart make-checkpoint --lm 1B --codec tiny --output DIR`.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


class Studio:
    """`heart serve` as a process; accounts come from addresses of their own, as behind a proxy."""

    def __init__(self, build: Path, folder: Path, options: list[str]):
        self.log = folder / "log"
        command = [str(build / "heart"), "serve", "--port", "0", "--data-dir", str(folder / "data"), "--behind-proxy",
                   "127.0.0.1", "--max-queue-per-user", "500", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.log.open("w"))
        self.url = ""
        while not self.url:
            if self.process.poll() is not None:
                sys.exit(f"the studio did not start:\n{self.log.read_text()}")
            found = re.search(r"http://127\.0\.0\.1:\d+", self.log.read_text())
            self.url = found[0] if found else ""
            time.sleep(0.05)
        self.port = int(self.url.rsplit(":", 1)[1])

    def ask(self, method: str, path: str, body=None, token: str = "", address: str = ""):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if address:
            headers["X-Forwarded-For"] = address
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)

    def account(self, number: int) -> str:
        name = f"user{number}"
        body = {"username": name, "email": f"{name}@example.org", "password": "a password"}
        answer = self.ask("POST", "/api/auth/register", body, address=f"10.0.{number // 250}.{number % 250 + 1}")
        return answer["token"]["access_token"]

    def song(self, token: str, seconds: int, seed: int) -> str:
        body = {"lyrics": "[Verse]\nRain on the window\nall night long", "tags": "piano,calm", "seed": seed,
                "max_audio_length_ms": seconds * 1000}
        return self.ask("POST", "/api/generate", body, token)["id"]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def load(build: Path, studio: Studio, tokens: Path, seconds: int, **counts: int) -> str:
    command = [str(build / "bench" / "studio_load"), "--port", str(studio.port), "--token-file", str(tokens),
               "--seconds", str(seconds), "--pid", str(studio.process.pid)]
    for name, count in counts.items():
        command += [f"--{name}", str(count)]
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def clients(args, build: Path, folder: Path):
    studio = Studio(build, folder, ["--threads", str(args.threads)])
    tokens = [studio.account(n) for n in range(args.clients)]
    file = folder / "tokens"
    file.write_text("\n".join(tokens) + "\n")
    for n, token in enumerate(tokens[: args.songs]):
        studio.song(token, 20, n)
    print(load(build, studio, file, args.seconds, clients=args.clients), end="")
    made = re.search(r'heart_jobs_ended_total\{state="completed"\} (\d+)',
                     urllib.request.urlopen(studio.url + "/metrics").read().decode())
    print(f"songs finished meanwhile: {made[1] if made else 'unknown'}")
    studio.stop()


class Frames(threading.Thread):
    """Hears the frames of jobs as they are told: (seconds, job, frames)."""

    def __init__(self, studio: Studio, token: str):
        super().__init__(daemon=True)
        request = urllib.request.Request(studio.url + "/api/events", headers={"Authorization": f"Bearer {token}"})
        self.stream = urllib.request.urlopen(request)
        self.heard: list[tuple[float, str, int]] = []
        self.start()

    def run(self):
        for line in self.stream:
            if line.startswith(b"data:"):
                news = json.loads(line[5:])
                if news.get("phase") == "composing":
                    self.heard.append((time.monotonic(), news["id"], news["progress"]))

    def pace(self, begin: float, end: float) -> float:
        """Milliseconds a frame between two moments: the slope of a line through what was heard of the job that was heard
        most. What lies between two songs, prompts and rendering, is no frame."""
        jobs: dict[str, list[tuple[float, int]]] = {}
        for t, job, n in self.heard:
            if begin <= t <= end:
                jobs.setdefault(job, []).append((t, n))
        inside = max(jobs.values(), key=len, default=[])
        if len(inside) < 5:
            sys.exit(f"only {len(inside)} reports in a window of {end - begin:.0f} s: use longer ones (--window)")
        return 1000 / statistics.linear_regression(*zip(*inside)).slope


def connections(args, build: Path, folder: Path):
    options = ["--threads", str(args.threads)]
    if args.model_path:
        options += ["--model-path", args.model_path]
    studio = Studio(build, folder, options)
    token = studio.account(0)
    file = folder / "tokens"
    file.write_text(token + "\n")
    frames = Frames(studio, token)
    for n in range(args.songs):
        studio.song(token, 240, n)
    while not frames.heard:
        time.sleep(0.1)
    quiet, beside = [], []
    for turn in range(args.turns):
        begin = time.monotonic()
        time.sleep(args.window)
        quiet.append(frames.pace(begin, time.monotonic()))
        begin = time.monotonic()
        load(build, studio, file, int(args.window), clients=0, idle=args.idle, slow=args.slow)
        beside.append(frames.pace(begin, time.monotonic()))
        print(f"turn {turn + 1}: {quiet[-1]:.2f} ms a frame alone, {beside[-1]:.2f} beside them", flush=True)
    ratio = statistics.median(b / q for q, b in zip(quiet, beside))
    print(f"{args.idle} idle and {args.slow} slow connections: {statistics.median(quiet):.2f} ms a frame alone, "
          f"{statistics.median(beside):.2f} beside them, ratio {ratio:.3f}")
    studio.process.kill()
    studio.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["clients", "connections"])
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--model-path", default="", help="checkpoint folder; default: the built-in demo model")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of the engine")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=600, help="how long clients stay")
    parser.add_argument("--songs", type=int, default=40, help="in the queue")
    parser.add_argument("--idle", type=int, default=500)
    parser.add_argument("--slow", type=int, default=500)
    parser.add_argument("--window", type=float, default=20, help="seconds alone, and beside connections")
    parser.add_argument("--turns", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="heart-bench-") as folder:
        {"clients": clients, "connections": connections}[args.what](args, args.build, Path(folder))


if __name__ == "__main__":
    main()
