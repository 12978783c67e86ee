"""What deploy/kubernetes makes of itself: the objects of its kustomization, those of its chart, and how they differ."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

DIRECTORY = Path(__file__).resolve().parents[2] / "deploy/kubernetes"
RENDERER = Path(__file__).resolve().parents[1] / "kubernetes/render_chart.go"
CACHE_DIRECTORY = Path(__file__).resolve().parents[1] / "vm/cache-directory"
GO_PACKAGES = Path("/usr/share/gocode")  # where Debian's packages have theirs
NAMESPACE, EVALUATIONS = "assay", "assay-evaluations"


class Failure(Exception):
    pass


def load(text):
    """All objects of a text in YAML."""
    return [each for each in yaml.safe_load_all(text) if each]


def load_file(name):
    return load((DIRECTORY / name).read_text())


def role():
    """The rules of the daemon's account."""
    return next(each for each in load_file("base/account.yaml") if each["kind"] == "Role")["rules"]


def base():
    """As kubectl does, of a kustomization that only lists files and makes ConfigMaps; but for the digests in the names of these."""
    (kustomization,) = load_file("base/kustomization.yaml")
    objects = [each for name in kustomization["resources"] for each in load_file(f"base/{name}")]
    for made in kustomization["configMapGenerator"]:
        data = {name: (DIRECTORY / "base" / name).read_text() for name in made["files"]}
        labels = kustomization["generatorOptions"]["labels"]
        metadata = {"name": made["name"], "namespace": made["namespace"], "labels": labels}
        objects.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    return objects


# The chart.

def why_no_chart():
    """Why no chart can be rendered here, or None."""
    missing = [what for what, there in {
        "go": shutil.which("go"), "golang-github-masterminds-sprig-dev": (GO_PACKAGES / "src/github.com/Masterminds/sprig").exists(),
        "golang-k8s-sigs-yaml-dev": (GO_PACKAGES / "src/sigs.k8s.io/yaml").exists(),
    }.items() if not there]
    return f"needs {', '.join(missing)}" if missing else None


class Chart:
    """The chart of `directory`, rendered by a program that is built for it."""

    def __init__(self, directory=DIRECTORY / "chart"):
        self.directory = directory
        self.scratch = Path(tempfile.mkdtemp(prefix="assay-chart-"))
        self.renderer = self.scratch / "render_chart"

    def __enter__(self):
        cache = subprocess.run([CACHE_DIRECTORY], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        environment = os.environ | {"GO111MODULE": "off", "GOPATH": str(GO_PACKAGES), "GOCACHE": f"{cache}/go", "GOFLAGS": "-trimpath"}
        built = subprocess.run(["go", "build", "-o", self.renderer, RENDERER], env=environment, stderr=subprocess.PIPE, text=True)
        if built.returncode:
            raise Failure(f"{RENDERER.name} could not be built: {built.stderr}")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.scratch)

    def render(self, values=None, *, release="assay", namespace=NAMESPACE, apis=("v1", "policy/v1")):
        """The objects as a text in YAML. `values`: those that differ from the chart's own."""
        (self.scratch / "values.yaml").write_text(json.dumps(values or {}))
        command = [self.renderer, self.directory, release, namespace, self.scratch / "values.yaml", *apis]
        rendered = subprocess.run(command, capture_output=True, text=True)
        if rendered.returncode:
            raise Failure(rendered.stderr)
        return rendered.stdout


# Comparing.

def differences(some, others):
    """Lines, empty where both lists are the same objects; except for what is Helm's: it makes the namespace that it installs into, and
    has annotations of its own. The digests in names of ConfigMaps differ as the texts do, which are compared by what they mean."""
    some, others = ({_key(each): _comparable(each) for each in objects if _key(each) != ("Namespace", None, NAMESPACE)} for objects in (some, others))
    for key in sorted(some.keys() | others.keys(), key=str):
        if key not in some or key not in others:
            yield f"{key} is only in {'the second' if key in others else 'the first'}"
        elif some[key] != others[key]:
            yield from (f"{key}: {path}" for path in _paths(some[key], others[key], ""))


def _without_digest(name):
    return re.sub(r"^assay-[0-9a-z]{10}$", "assay", name)


def _key(one):
    name = one["metadata"]["name"]
    return one["kind"], one["metadata"].get("namespace"), _without_digest(name) if one["kind"] == "ConfigMap" else name


def _comparable(one):
    one = json.loads(json.dumps(one))
    annotations = {key: value for key, value in one["metadata"].pop("annotations", {}).items() if not key.startswith("helm.sh/")}
    if annotations:
        one["metadata"]["annotations"] = annotations
    if one["kind"] == "ConfigMap":
        one["metadata"]["name"] = _without_digest(one["metadata"]["name"])
        one["data"] = {name: yaml.safe_load(text) for name, text in one["data"].items()}
    if one["kind"] == "Deployment":
        _make_pod_comparable(one["spec"]["template"]["spec"])
    return one


def _make_pod_comparable(spec):
    """A patch puts what it adds before what was there."""
    for volume in spec["volumes"]:
        if "configMap" in volume:
            volume["configMap"]["name"] = _without_digest(volume["configMap"]["name"])
    for listed in (spec["volumes"], *(container["volumeMounts"] for container in spec["containers"])):
        listed.sort(key=lambda each: each["name"])


def _paths(one, other, path):
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from _paths(one.get(key), other.get(key), f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from _paths(*pair, f"{path}[{index}]")
    elif one != other:
        yield f"{path}: {one!r} is not {other!r}"
