"""A client that holds every request and answer against the API's own description, and remembers what of it was seen."""

import json
import re
import urllib.parse

from jsonschema import Draft202012Validator, RefResolver

OURS = re.compile(r"(?i)assay-.*|etag|location|content-range|idempotency-replayed|allow")


class Description:
    """/openapi.json of a daemon."""

    def __init__(self, document):
        self.document = document
        self.resolver = RefResolver("", document)
        self.operations = {
            (method.upper(), path): operation for path, item in document["paths"].items() for method, operation in item.items()
        }

    def resolved(self, node):
        return self.resolver.resolve(node["$ref"])[1] if "$ref" in node else node

    def faults_of(self, schema, value):
        return [f"{error.json_path}: {error.message}"[:500] for error in Draft202012Validator(schema, resolver=self.resolver).iter_errors(value)]

    def operation_of(self, method, path):
        for (its_method, template), operation in self.operations.items():
            if its_method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return operation
        raise AssertionError(f"{method} {path} is not described")

    def documented(self):
        return {(operation["operationId"], status) for operation in self.operations.values() for status in operation["responses"]}

    def own_faults(self):
        """What is wrong with the description itself."""
        for name, schema in self.document["components"]["schemas"].items():
            Draft202012Validator.check_schema(schema)
            if not schema:
                yield f"the schema {name} says nothing"
        for reference in re.findall(r'"\$ref": "([^"]*)"', json.dumps(self.document)):
            self.resolver.resolve(reference)
        names = [operation["operationId"] for operation in self.operations.values()]
        if len(set(names)) != len(names):
            yield f"an operationId is there twice: {names}"


class Checked:
    """Asks through `client`. `seen` has (operationId, status), `faults` what did not agree."""

    def __init__(self, description, client, seen, faults):
        self.description, self.client, self.seen, self.faults = description, client, seen, faults

    def ask(self, method, target, body=None, headers=None, wrong=False):
        """`wrong`: the description must refuse the request, as the daemon does."""
        path, _, query = target.partition("?")
        operation = self.description.operation_of(method, path)
        against = list(self._request_faults(operation, query, body, headers or {}))
        if bool(against) != wrong:
            self.faults.append(f"{method} {target}: " + ("; ".join(against) or "by the description it is right"))
        answer = self.client.request(method, target, body, headers)
        for fault in self._answer_faults(operation, answer):
            self.faults.append(f"{method} {target} was answered {answer}: {fault}")
        self.seen.add((operation["operationId"], str(answer.status)))
        return answer

    def _request_faults(self, operation, query, body, headers):
        parameters = {(p["in"], p["name"].lower()): p for p in map(self.description.resolved, operation["parameters"])}
        given = [("query", name, value) for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True)]
        given += [("header", name, value) for name, value in headers.items() if name not in ("Content-Type", "Authorization", "Origin")]
        for place, name, value in given:
            if not (parameter := parameters.get((place, name.lower()))):
                yield f"no {place} parameter {name}"
                continue
            number = parameter["schema"].get("type") == "integer" and value.isdigit()
            yield from self.description.faults_of(parameter["schema"], int(value) if number else value)
        if "requestBody" in operation:
            types = operation["requestBody"]["content"]
            kind = headers.get("Content-Type", "application/json")
            if kind not in types:
                yield f"no body of type {kind}"
            elif isinstance(body, dict):
                yield from self.description.faults_of(types[kind]["schema"], body)
        elif body is not None:
            yield "no body"

    def _answer_faults(self, operation, answer):
        if not (response := operation["responses"].get(str(answer.status))):
            yield "this status is not described"
            return
        kind = answer.headers.get_content_type()
        if "content" not in response:
            if answer.body:
                yield "a body is not described"
        elif kind not in response["content"]:
            yield f"{kind} is not described"
        elif kind.endswith("json"):
            yield from self.description.faults_of(response["content"][kind]["schema"], answer.json)
        described = {name.lower(): header for name, header in response.get("headers", {}).items()}
        for name, value in answer.headers.items():
            if not OURS.fullmatch(name) or answer.status >= 400:
                continue
            if not (header := described.get(name.lower())):
                yield f"the header field {name} is not described"
                continue
            schema = self.description.resolved(header)["schema"]
            yield from self.description.faults_of(schema, int(value) if schema.get("type") == "integer" else value)
