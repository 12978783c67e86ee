#!/usr/bin/python3
"""What is written for people is true: manual pages, completion, the metrics by name, the dashboard, the examples with curl."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(SOURCE / "tests"))

from harness import tap, traces
from harness.daemon import Daemon

PAGES = ("assay.1", "assayd.8", "assayd.yaml.5")
EXAMPLE_SECONDS = 60
# An example for a daemon with Docker, or of an evaluation with a webhook, is refused by one without, in words that say so.
ELSEWHERE = {'"backend": "docker"': ("400", "$.backend"), "/redeliver": ("409", "without a callback_url")}


def help_of(program, *arguments):
    return subprocess.run([program, *arguments, "--help"], check=True, capture_output=True, text=True).stdout


def options_in(text):
    return set(re.findall(r"(?m)^ +(?:-\w, )?(--[a-z][a-z-]*)", text))


def page(options, name):
    return (options.build / "docs/man" / name).read_text()


def manual_pages_are_roff_without_a_complaint(options):
    for name in PAGES:
        rendered = subprocess.run(["groff", "-k", "-man", "-Tutf8", "-ww", "-z", options.build / "docs/man" / name], capture_output=True, text=True)
        if rendered.returncode or rendered.stderr:
            yield f"{name}: {rendered.stderr}"


def manual_pages_name_every_option_command_and_key(options):
    plain = {name: re.sub(r"\\f.|\\|\"", "", page(options, name)) for name in PAGES}
    for option in options_in(help_of(options.assayd)):
        if option not in plain["assayd.8"]:
            yield f"assayd.8 does not name {option}"
        key = option[2:].replace("-", "_")
        if key != "help" and not re.search(rf"(?m)^\.BI? {key} ", plain["assayd.yaml.5"]):
            yield f"assayd.yaml.5 does not name {key}"
    for command in commands_of(options):
        for wanted in (f"assay {command} ", *options_in(help_of(options.assay, command))):
            if wanted not in plain["assay.1"]:
                yield f"assay.1 does not name {wanted}"


def commands_of(options):
    return re.findall(r"(?m)^  ([a-z]+)  ", help_of(options.assay))


def completed(options, *words):
    """What bash offers for the last word."""
    script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _assay "$1"; printf "%s\\n" "${COMPREPLY[@]}"'
    shown = subprocess.run(["bash", "-c", script, SOURCE / "deploy/completion/assay", options.assay, *words], check=True, capture_output=True, text=True)
    return set(shown.stdout.split())


def completion_offers_every_command_and_its_options(options):
    if (offered := completed(options, "")) != set(commands_of(options)):
        yield f"commands: {offered}"
    if (offered := completed(options, "ver")) != {"version"}:
        yield f"ver: {offered}"
    for command in commands_of(options):
        if missing := options_in(help_of(options.assay, command)) - completed(options, command, "--"):
            yield f"{command}: {missing} are missing"


def metrics_of(options):
    with Daemon(options.assayd, options.keeper, slots=1) as daemon:
        daemon.client().submit({"runtime": "sh", "code": ""}, wait=30)
        text = daemon.client().request("GET", "/metrics").body.decode()
    return set(re.findall(r"(?m)^# TYPE (\S+) \w+$", text)), set(re.findall(r"(?m)^(\w+)[{ ]", text)), dict(re.findall(r"(?m)^# TYPE (\S+) (\w+)$", text))


def every_metric_is_documented_and_there_is_none_that_is_not(options):
    families, _, types = metrics_of(options)
    rows = dict(re.findall(r"(?m)^\| `(assay_\w+)` \| (\w+) \|", (SOURCE / "docs/operations.md").read_text()))
    if rows != types:
        yield f"documented and not there: {set(rows.items()) - set(types.items())}; there and not documented: {set(types.items()) - set(rows.items())}"


def the_dashboard_asks_for_metrics_that_there_are_and_leaves_none_out(options):
    families, samples, _ = metrics_of(options)
    dashboard = json.loads((SOURCE / "deploy/grafana/assay.json").read_text())
    expressions = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    asked = set(re.findall(r"\bassay_\w+", expressions + dashboard["templating"]["list"][1]["query"]))
    if asked - samples:
        yield f"not there: {asked - samples}"
    if left := {name for name in families if not any(each.startswith(name) for each in asked)}:
        yield f"shown nowhere: {left}"


def examples():
    """The blocks of docs/api.md that are commands."""
    text = (SOURCE / "docs/api.md").read_text()
    blocks = re.findall(r"(?m)(?:^    .*\n(?:\n(?=    ))?)+", text)
    return ["\n".join(line[4:] for line in block.splitlines()) for block in blocks if block.lstrip().startswith("curl")]


def the_examples_with_curl_do_what_they_show(options):
    with tempfile.TemporaryDirectory() as directory, Daemon(options.assayd, options.keeper, slots=2, options=["--listen", "127.0.0.1:0"]) as daemon:
        (address,) = re.findall(r"listening on (127\.0\.0\.1:\d+)", daemon.log())
        client = daemon.client()
        finished = client.submit({"runtime": "sh", "code": "yes | head -n 200; yes >&2 | head -c 200 >&2", "labels": {"run": "42"}}, wait=30).json
        for _ in range(2):
            client.submit({"runtime": "sh", "code": "exit 1", "labels": {"run": "42"}}, wait=30)
        cursor = client.request("GET", "/v1/evaluations?limit=1").json["next_cursor"]
        Path(directory, "programs.jsonl").write_text('{"runtime": "sh", "code": "echo line"}\n' * 3)
        batch = client.request("POST", "/v1/batches", Path(directory, "programs.jsonl").read_bytes(), {"Content-Type": "application/jsonl"}).json
        # Each answer's status is told, and none may last for ever.
        Path(directory, ".curlrc").write_text(f'max-time = {EXAMPLE_SECONDS}\nwrite-out = "%{{stderr}}status %{{http_code}}\\n"\n')
        environment = {
            "PATH": os.environ["PATH"], "HOME": directory, "CURL_HOME": directory, "A": f"http://{address}", "ID": finished["id"],
            "NEXT": cursor, "BATCH": batch["id"], "BODY": '{"runtime": "sh", "code": "echo body"}',
        }
        for example in examples():
            ran = subprocess.run(["bash", "-c", example], env=environment, cwd=directory, capture_output=True, timeout=2 * EXAMPLE_SECONDS)
            told = ran.stderr.decode(errors="replace")
            statuses = re.findall(r"status (\d+)", told)
            expected = next((words for mark, words in ELSEWHERE.items() if mark in example), None)
            if expected and statuses == [expected[0]] and expected[1].encode() in ran.stdout:
                continue
            if len(statuses) < len(re.findall(r"(?m)^ *curl ", example)) or any(status[0] != "2" for status in statuses):
                yield f"{example}\n{told}{ran.stdout[-500:].decode(errors='replace')}"


def main():
    parser = argparse.ArgumentParser()
    for name in ("--build", "--assay", "--assayd", "--keeper"):
        parser.add_argument(name, required=True, type=lambda path: Path(path).resolve())
    options = parser.parse_args()
    traces.adopt_orphans()
    report = tap.Tap()
    needs = {manual_pages_are_roff_without_a_complaint: "groff", the_examples_with_curl_do_what_they_show: "curl"}
    for case in (manual_pages_are_roff_without_a_complaint, manual_pages_name_every_option_command_and_key,
                 completion_offers_every_command_and_its_options, every_metric_is_documented_and_there_is_none_that_is_not,
                 the_dashboard_asks_for_metrics_that_there_are_and_leaves_none_out, the_examples_with_curl_do_what_they_show):
        name, program = case.__name__.replace("_", " "), needs.get(case, "sh")
        if shutil.which(program):
            report.run(name, case, options)
        else:
            report.skip(name, f"needs {program}")
    return report.done()


if __name__ == "__main__":
    sys.exit(main())
