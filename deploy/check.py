"""What no general tool checks of the deployment files; called by check.sh.

check.py QUERIES            docker-compose.yml's names, the dashboard's shape, metric names; writes the dashboard's queries to
                            QUERIES as Prometheus rules, for promtool to parse
check.py --readiness FILE   whether that script tells ready from not ready
"""

import http.server
import json
import pathlib
import re
import subprocess
import sys
import threading

# In check.sh's environment by way of yamllint.
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
METRIC = re.compile(r"\bwensheng_[a-z_]+")
problems = []


def expect(condition, problem):
    if not condition:
        problems.append(problem)


def check_compose():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services = compose["services"]
    roles = set()
    for name, service in services.items():
        command = service.get("command", [])
        if "--roles" in command:
            role = command[command.index("--roles") + 1]
            expect(role == name, f"service {name} runs the role {role}")
            roles.add(role)
        for other in service.get("depends_on", {}):
            expect(other in services, f"service {name} waits for {other}, which is none")
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("./"):
                expect(source == "./inbox" or (ROOT / source).exists(), f"service {name} mounts {source}, which is not there")
            else:
                expect(source in compose["volumes"], f"service {name} mounts the volume {source}, which is none")
        for port in service.get("ports", []):
            expect(port.startswith("127.0.0.1:"), f"service {name} opens {port} to the world")
    cli = (ROOT / "services/wensheng/src/cli.rs").read_text()
    body = re.search(r"pub\(crate\) enum Role \{(.*?)\n\}", cli, re.S).group(1)
    known = {role.lower() for role in re.findall(r"^    ([A-Z][a-z]+),", body, re.M)}
    expect(roles == known, f"docker-compose.yml runs {sorted(roles)}, the roles are {sorted(known)}")
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    names = set(scraped["scrape_configs"][0]["dns_sd_configs"][0]["names"])
    expect(names == known, f"prometheus.yml scrapes {sorted(names)}, the roles are {sorted(known)}")


def check_dashboard():
    dashboard = json.loads((ROOT / "deploy/grafana/dashboards/wensheng.json").read_text())
    source = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text())
    uid = source["datasources"][0]["uid"]
    queries, ids, taken = [], set(), set()
    for panel in dashboard["panels"]:
        title, place = panel["title"], panel["gridPos"]
        expect(panel["id"] not in ids, f"panel {title}: its id is another's")
        ids.add(panel["id"])
        for y in range(place["y"], place["y"] + place["h"]):
            for x in range(place["x"], place["x"] + place["w"]):
                expect((x, y) not in taken and x < 24, f"panel {title} lies on another, or beside the page")
                taken.add((x, y))
        for target in panel.get("targets", []):
            expect(target["datasource"]["uid"] == uid, f"panel {title}: its data source is not provisioned")
            queries.append(target["expr"].replace("$__rate_interval", "1m"))
    expect(len(queries) > 10, "the dashboard asks nothing")
    return queries


def check_metrics(texts):
    """Every metric that is spoken of is a constant of the code, and of the right kind for its suffix."""
    known = set()
    for folder in ("crates", "services"):
        for path in (ROOT / folder).rglob("*.rs"):
            known.update(re.findall(r'const [A-Z_]+: &str =\s*"(wensheng_[a-z_]+)"', path.read_text()))
    for place, text in texts:
        for name in sorted(set(METRIC.findall(text))):
            stem = re.sub(r"_(bucket|sum|count)$", "", name)
            expect(name in known or stem in known, f"{place}: no code has the metric {name}")


def readiness(script):
    class Ready(http.server.BaseHTTPRequestHandler):
        status = 200

        def do_GET(self):
            self.send_response(self.status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Ready)
    port = str(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def run():
        done = subprocess.run([script], env={"WENSHENG_OPS_PORT": port}, capture_output=True, timeout=20, check=False)
        return done.returncode == 0

    expect(run(), "a ready process is called not ready")
    Ready.status = 503
    expect(not run(), "a process that is not ready is called ready")
    server.shutdown()
    server.server_close()
    expect(not run(), "a process that is away is called ready")


def main():
    if sys.argv[1] == "--readiness":
        readiness(sys.argv[2])
    else:
        check_compose()
        queries = check_dashboard()
        rules = (ROOT / "deploy/prometheus/alerts.yml").read_text()
        check_metrics([("dashboard", query) for query in queries] + [("alerts.yml", rules)])
        groups = [{"name": "dashboard", "rules": [{"record": f"query:{i}", "expr": q} for i, q in enumerate(queries)]}]
        pathlib.Path(sys.argv[1]).write_text(yaml.safe_dump({"groups": groups}))
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    sys.exit(bool(problems))


main()
