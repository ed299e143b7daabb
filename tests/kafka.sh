#!/usr/bin/env bash
# Runs a real single-node Apache Kafka (KRaft) for the tests, from the jars of Maven Central. It listens in the clear, and
# with TLS and SASL/SCRAM two ports further on, under a certificate authority that is made at the first start.
#
#   tests/kafka.sh start [port]   start it (default port 19092) and wait until it answers;
#                                 the last line printed is the bootstrap address
#   tests/kafka.sh secured        print how to reach the secured listener: address, user, password and the file of the
#                                 certificate authority, one space between them; this is WENSHENG_KAFKA_SECURED
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
secured="$home/secured"
pid_file="$home/broker.pid"
log="$home/broker.log"
# Of a test broker on this machine alone.
user=wensheng password=wen-sheng-er-dong

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

# A certificate authority, and the broker's certificate signed by it. With keytool, which every JDK has.
certify() {
    [[ -f "$secured/.complete" ]] && return
    rm -rf "$secured"
    mkdir -p "$secured"
    local store=(-storetype PKCS12 -storepass "$password" -noprompt)
    (
        cd "$secured"
        keytool -genkeypair -alias ca -keystore ca.p12 "${store[@]}" -dname "CN=Wensheng test authority" \
            -keyalg EC -groupname secp256r1 -validity 3650 -ext bc:c=ca:true -ext ku:c=keyCertSign
        keytool -exportcert -rfc -alias ca -keystore ca.p12 "${store[@]}" -file ca.pem
        keytool -genkeypair -alias broker -keystore broker.p12 "${store[@]}" -dname "CN=localhost" \
            -keyalg EC -groupname secp256r1 -validity 3650
        keytool -certreq -alias broker -keystore broker.p12 "${store[@]}" -file broker.csr
        keytool -gencert -rfc -alias ca -keystore ca.p12 "${store[@]}" -infile broker.csr -outfile broker.pem \
            -validity 3650 -ext san=dns:localhost,ip:127.0.0.1
        keytool -importcert -alias ca -keystore broker.p12 "${store[@]}" -file ca.pem
        keytool -importcert -alias broker -keystore broker.p12 "${store[@]}" -file broker.pem
    ) >"$log" 2>&1 || die "keytool cannot make the certificates, see $log"
    touch "$secured/.complete"
}

configure() {
    local port=$1 controller=$(($1 + 1)) tls=$(($1 + 2))
    cat >"$home/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,SASL_SSL://127.0.0.1:$tls,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port,SASL_SSL://127.0.0.1:$tls
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PKCS12
ssl.keystore.location=$secured/broker.p12
ssl.keystore.password=$password
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
    for taken in "$port" "$((port + 2))"; do
        ! answers "$taken" || die "port $taken is in use: give another first one, as in 'kafka.sh start 29092'"
    done
    mkdir -p "$home"
    fetch
    certify
    configure "$port"
    local java=(java -Xms256m -Xmx1g -XX:+UseG1GC "-Dlog4j.configuration=file:$home/log4j.properties" -cp "$jars/*")
    # The user is made with the storage; one of an earlier kind knows none.
    if [[ ! -f "$data/meta.properties" || ! -f "$secured/.user" ]]; then
        rm -rf "$data"
        "${java[@]}" kafka.tools.StorageTool format --ignore-formatted -c "$home/server.properties" \
            --add-scram "SCRAM-SHA-512=[name=$user,password=$password]" \
            -t "$("${java[@]}" kafka.tools.StorageTool random-uuid 2>/dev/null)" >"$log" 2>&1 ||
            die "cannot format the storage, see $log"
        touch "$secured/.user"
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
    secured)
        running || die "not running: start it first"
        echo "127.0.0.1:$(($(cut -d' ' -f2 "$pid_file") + 2)) $user $password $secured/ca.pem" ;;
    wipe)
        stop
        rm -rf "$data" "$secured" "$log" ;;
    *)
        sed -n '2,14p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2
        exit 64 ;;
esac
