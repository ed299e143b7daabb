#!/usr/bin/env bash
# Runs a real single-node Apache Kafka (KRaft) for the tests, from the jars of Maven Central.
#
#   tests/kafka.sh start [port]   start it (default port 19092) and wait until it answers;
#                                 the last line printed is the bootstrap address
#   tests/kafka.sh stop           stop it
#   tests/kafka.sh status         say whether it runs; exit 0 when it does
#   tests/kafka.sh wipe           stop it and delete its data (the jars stay)
#
# With WENSHENG_KAFKA set, that broker is used and nothing is started. Needs: JDK 17 or later, Maven, bash.
set -euo pipefail

version=3.9.1
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
home="${CARGO_TARGET_DIR:-$root/target}/kafka"
jars="$home/jars-$version"
data="$home/data"
pid_file="$home/broker.pid"
log="$home/broker.log"

say() { printf '%s\n' "$*" >&2; }
die() { say "kafka.sh: $*"; exit 1; }

running() {
    [[ -f "$pid_file" ]] && kill -0 "$(cut -d' ' -f1 "$pid_file")" 2>/dev/null
}

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

fetch() {
    [[ -f "$jars/.complete" ]] && return
    command -v mvn >/dev/null || die "Maven is needed to fetch Kafka $version"
    say "fetching Kafka $version ..."
    mkdir -p "$home/fetch" "$jars"
    cat >"$home/fetch/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>wensheng.tests</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>$version</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-reload4j</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
POM
    mvn -B -q -f "$home/fetch/pom.xml" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$jars" >&2 || die "Maven could not fetch Kafka $version"
    touch "$jars/.complete"
}

configure() {
    local port=$1 controller=$(($1 + 1))
    cat >"$home/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
log.dirs=$data
num.partitions=4
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
log.segment.bytes=67108864
PROPERTIES
    cat >"$home/log4j.properties" <<LOG4J
log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=%d{ISO8601} %p %m (%c)%n
LOG4J
}

start() {
    local port=${1:-19092}
    if running; then
        port=$(cut -d' ' -f2 "$pid_file")
        say "already running"
        echo "127.0.0.1:$port"
        return
    fi
    command -v java >/dev/null || die "a JDK (17 or later) is needed"
    ! answers "$port" || die "port $port is in use: give another, as in 'kafka.sh start 29092'"
    mkdir -p "$home"
    fetch
    configure "$port"
    local java=(java -Xms256m -Xmx1g -XX:+UseG1GC "-Dlog4j.configuration=file:$home/log4j.properties" -cp "$jars/*")
    if [[ ! -f "$data/meta.properties" ]]; then
        "${java[@]}" kafka.tools.StorageTool format --ignore-formatted -c "$home/server.properties" \
            -t "$("${java[@]}" kafka.tools.StorageTool random-uuid 2>/dev/null)" >"$log" 2>&1 ||
            die "cannot format the storage, see $log"
    fi
    nohup "${java[@]}" kafka.Kafka "$home/server.properties" >"$log" 2>&1 </dev/null &
    echo "$! $port" >"$pid_file"
    for _ in $(seq 1 120); do
        running || die "the broker stopped, see $log"
        answers "$port" && { echo "127.0.0.1:$port"; return; }
        sleep 0.5
    done
    die "the broker does not answer after 60 s, see $log"
}

stop() {
    running || { rm -f "$pid_file"; say "not running"; return; }
    local pid
    pid=$(cut -d' ' -f1 "$pid_file")
    kill "$pid"
    for _ in $(seq 1 60); do
        kill -0 "$pid" 2>/dev/null || { rm -f "$pid_file"; say "stopped"; return; }
        sleep 0.5
    done
    kill -9 "$pid"
    rm -f "$pid_file"
    say "killed"
}

case "${1:-}" in
    start)
        if [[ -n "${WENSHENG_KAFKA:-}" ]]; then echo "$WENSHENG_KAFKA"; else start "${2:-}"; fi ;;
    stop) stop ;;
    status)
        if [[ -n "${WENSHENG_KAFKA:-}" ]]; then
            echo "using $WENSHENG_KAFKA"
        elif running; then
            echo "running at 127.0.0.1:$(cut -d' ' -f2 "$pid_file")"
        else
            echo "not running"
            exit 1
        fi ;;
    wipe)
        stop
        rm -rf "$data" "$log" ;;
    *)
        sed -n '2,11p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
        exit 64 ;;
esac
