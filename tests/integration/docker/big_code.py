#!/usr/bin/python3
"""A program of a megabyte, as code and as files, comes in whole: no limit of a command line is in its way."""

import hashlib

from scenario import EVIDENCE, left_by_daemon, main

SIZE = 1 << 20


def a_mebibyte_of_code(scenario, evidence):
    head = "import hashlib, sys\nprint(hashlib.sha256(open(sys.argv[0], 'rb').read()).hexdigest())\n# "
    code = head + "é" * ((SIZE - len(head)) // 2)
    with scenario.daemon(slots=1, evidence=evidence) as daemon:
        evaluation = daemon.client().submit({"runtime": "python", "code": code}, wait=60).json
        if evaluation["status"] != "completed" or evaluation["stdout"]["text"].strip() != hashlib.sha256(code.encode()).hexdigest():
            yield f"{evaluation['verdict']}, {evaluation.get('stdout')}, {evaluation.get('stderr')}"
        yield from left_by_daemon(daemon)


def twenty_mebibytes_in_a_hundred_files(scenario, evidence):
    files = [{"path": f"directory/{number}", "content": "x" * (SIZE // 5)} for number in range(100)]
    with scenario.daemon(slots=1, evidence=evidence) as daemon:
        submission = {"command": ["sh", "-c", "cat directory/* | wc -c"], "files": files}
        evaluation = daemon.client().submit(submission, wait=60).json
        if evaluation["status"] != "completed" or evaluation["stdout"]["text"].strip() != str(SIZE // 5 * 100):
            yield f"{evaluation['verdict']}, {evaluation.get('stdout')}, {evaluation.get('stderr')}"
        yield from left_by_daemon(daemon)


main(*((rule, evidence) for evidence in EVIDENCE for rule in (a_mebibyte_of_code, twenty_mebibytes_in_a_hundred_files)))
