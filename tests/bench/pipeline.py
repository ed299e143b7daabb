#!/usr/bin/env python3
"""The analysis stage as one writes it in Python, beside `wensheng bench enrich`, on the same Kafka and the same posts.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    venv/bin/python pipeline.py --brokers 127.0.0.1:19092 --posts posts.txt --wensheng path/to/wensheng

Each process consumes `feedback` (read_committed), drops repeats by id, cuts words with jieba, scores with SnowNLP, takes
keywords by TF-IDF, looks for the terms of alert rules, and produces `enriched` (and `signals`) in a transaction that
holds the group's offsets, committed once per batch. It gives fewer tags than Wensheng: no aspects, intents, spans or
scopes. `--sentiment none` leaves SnowNLP out and shows what the rest costs.

Time runs from the first batch that a process takes to the last commit, so loading dictionaries is no part of it; that is
also how `wensheng bench enrich` measures. Python is given fewer posts (`--count`), as it takes milliseconds for each.
"""

import argparse
import json
import logging
import multiprocessing
import re
import subprocess
import time

PARTITIONS = 8
# The terms of a rule file of the usual size, one pattern for all.
TERMS = (
    "食物中毒|上吐下泻|进了医院|异物|虫子|蟑螂|过敏|起火|冒烟|爆炸|漏电|自燃|受伤|伤亡|泄露|泄漏|盗刷|诈骗|假货|虚假宣传|"
    "价格欺诈|退款|维权|投诉|曝光|报警|12315|消协|市场监管|起诉|律师|媒体|热搜|抵制|封杀|集体|罢工|欠薪|歧视|辱骂|打人"
)


def settings(brokers, **more):
    return {"bootstrap.servers": brokers, **more}


def create_topics(brokers, names):
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient(settings(brokers))
    topics = [NewTopic(name, PARTITIONS, 1) for name in names]
    for created in admin.create_topics(topics).values():
        created.result()
    return admin


def delete_topics(admin, names):
    for deleted in admin.delete_topics(names).values():
        deleted.result()


def fill(brokers, topic, texts):
    """Writes the posts as connectors do."""
    from confluent_kafka import Producer

    producer = Producer(settings(brokers, **{"enable.idempotence": True, "compression.type": "zstd", "linger.ms": 50}))
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    for number, text in enumerate(texts):
        post = {
            "id": f"{number:032x}",
            "source": "bench",
            "native_id": str(number),
            "channel": "weibo",
            "brand": f"品牌{number % 5}",
            "occurred_at": now,
            "observed_at": now,
            "text": text,
            "provenance": {"connector": ""},
        }
        producer.produce(topic, json.dumps(post, ensure_ascii=False).encode(), post["id"])
        if number % 1000 == 0:
            producer.poll(0)
    producer.flush()


class Analysis:
    def __init__(self, sentiment):
        import jieba
        import jieba.analyse

        jieba.setLogLevel(logging.ERROR)
        self.cut = lambda text: jieba.lcut(text, HMM=False)
        self.keywords = lambda text: jieba.analyse.extract_tags(text, topK=5, withWeight=True)
        self.terms = re.compile(TERMS)
        self.score = lambda text: None
        if sentiment == "snownlp":
            from snownlp import SnowNLP

            self.score = lambda text: SnowNLP(text).sentiments
        # Dictionaries are read at first use; that is no part of the measurement.
        self("味道不错")

    def __call__(self, text):
        score = self.score(text)
        return {
            "tokens": len(self.cut(text)),
            "sentiment": {
                "score": score,
                "label": None if score is None else "positive" if score > 0.6 else "negative" if score < 0.4 else "neutral",
            },
            "keywords": [{"term": term, "weight": round(weight, 4)} for term, weight in self.keywords(text)],
            "rules": sorted(set(self.terms.findall(text))),
        }


def work(arguments, prefix, number, ready, results):
    """One process: batches until all partitions are read to their end."""
    from confluent_kafka import Consumer, Producer, TopicPartition

    analyse = Analysis(arguments.sentiment)
    consumer = Consumer(
        settings(
            arguments.brokers,
            **{
                "group.id": prefix + "enrich",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "max.poll.interval.ms": 600000,
            },
        )
    )
    producer = Producer(
        settings(
            arguments.brokers,
            **{"transactional.id": f"{prefix}{number}", "compression.type": "zstd", "linger.ms": 5},
        )
    )
    producer.init_transactions()
    feedback, enriched, signals = (prefix + name for name in ("feedback", "enriched", "signals"))
    # Assigned by hand, so that no rebalance is part of the measurement.
    mine = [TopicPartition(feedback, p, 0) for p in range(PARTITIONS) if p % arguments.processes == number]
    ends = {p.partition: consumer.get_watermark_offsets(p)[1] for p in mine}
    consumer.assign(mine)
    seen = set()
    at = {p.partition: 0 for p in mine}
    done = 0
    ready.wait()
    began = None
    while any(at[partition] < end for partition, end in ends.items()):
        messages = consumer.consume(arguments.batch, timeout=0.1)
        if not messages:
            continue
        began = began or time.time()
        producer.begin_transaction()
        for message in messages:
            at[message.partition()] = message.offset() + 1
            post = json.loads(message.value())
            if post["id"] in seen:
                continue
            seen.add(post["id"])
            tags = analyse(post["text"])
            key = post["brand"].encode()
            if tags["rules"]:
                signal = {"event": post["id"], "brand": post["brand"], "terms": tags["rules"]}
                producer.produce(signals, json.dumps(signal, ensure_ascii=False).encode(), key)
            value = json.dumps({"feedback": post, **tags}, ensure_ascii=False).encode()
            producer.produce(enriched, value, key)
            producer.poll(0)
            done += 1
        positions = [TopicPartition(feedback, partition, offset) for partition, offset in at.items()]
        producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata())
        producer.commit_transaction()
    results.put((began or time.time(), time.time(), done))
    consumer.close()


def measure_python(arguments, texts):
    prefix = f"bench-py-{time.time_ns()}-"
    names = [prefix + name for name in ("feedback", "enriched", "signals")]
    admin = create_topics(arguments.brokers, names)
    fill(arguments.brokers, names[0], texts)
    ready = multiprocessing.Barrier(arguments.processes)
    results = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=work, args=(arguments, prefix, number, ready, results))
        for number in range(arguments.processes)
    ]
    for process in processes:
        process.start()
    spans = [results.get() for _ in processes]
    for process in processes:
        process.join()
    delete_topics(admin, names)
    done = sum(span[2] for span in spans)
    if done != len(texts):
        raise SystemExit(f"{len(texts)} posts went in, {done} came out")
    return done / (max(span[1] for span in spans) - min(span[0] for span in spans))


def measure_wensheng(arguments):
    command = [arguments.wensheng, "bench", "enrich", "--kafka", arguments.brokers, "--output", "json"]
    command += ["--posts", arguments.posts, "--count", str(arguments.wensheng_count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures = json.loads(done.stdout)["figures"]
    return {f["name"]: f["value"] for f in figures if f["name"].startswith("enrich kafka")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--posts", required=True, help="a text file with one post a line")
    parser.add_argument("--count", type=int, default=3000, help="posts for Python")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--batch", type=int, default=500, help="messages in one transaction, at most")
    parser.add_argument("--sentiment", choices=["snownlp", "none"], default="snownlp")
    parser.add_argument("--wensheng", help="the binary to measure beside it")
    parser.add_argument("--wensheng-count", type=int, default=100000, help="posts for Wensheng")
    parser.add_argument("--rounds", type=int, default=1, help="Wensheng and Python in turn, this many times")
    arguments = parser.parse_args()
    with open(arguments.posts, encoding="utf-8") as file:
        lines = [line.strip() for line in file if line.strip()]
    texts = [lines[number % len(lines)] for number in range(arguments.count)]
    for _ in range(arguments.rounds):
        figures = measure_wensheng(arguments) if arguments.wensheng else {}
        python = measure_python(arguments, texts)
        name = f"python, {arguments.processes} process(es), sentiment {arguments.sentiment}"
        print(f"{name}: {python:.0f} posts/s", flush=True)
        for name, value in figures.items():
            print(f"{name}: {value:.0f} posts/s, {value / python:.1f} times python", flush=True)


if __name__ == "__main__":
    main()
