"""Validate a crate against Workflow Run Crate 0.5, without a network.

A Python with roc-validator, and without the packages of this workflow, runs this program. It prints
a JSON list of issues, each with severity, check, message and entity.

The validator has its profiles in its package, and requests the two JSON-LD contexts of a crate from
the network. Both requests are answered here, and any other request ends the program.
"""

import io
import json
import sys
import urllib.error
import urllib.request
import urllib.response
from email.message import Message

import requests
from rocrate_validator import models, services

# RO-Crate 1.1: the context of a later release in the package rocrate, and names that it changed.
CRATE = "https://w3id.org/ro/crate/1.1/context"
BIOSCHEMAS = "https://bioschemas.org/"
OF_1_1 = {name: f"{BIOSCHEMAS}{name}" for name in ("ComputationalWorkflow", "FormalParameter")}
RUN = "https://w3id.org/ro/terms/workflow-run/context"
OF_RUNS = {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}


class NoNetwork(urllib.request.BaseHandler):
    """Answer requests by urllib, which rdflib uses."""

    handler_order = 100

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents

    def https_open(self, request):
        url = request.full_url
        if url not in self.contents:
            raise urllib.error.URLError(f"there is no network: {url}")
        headers = Message()
        headers["Content-Type"] = "application/ld+json"
        answer = urllib.response.addinfourl(io.BytesIO(self.contents[url]), headers, url, 200)
        answer.msg = "OK"
        return answer

    http_open = https_open

    def send(self, request, **_):
        """Answer requests by the package requests, which the validator's own checks use."""
        if request.url not in self.contents:
            raise requests.ConnectionError(f"there is no network: {request.url}")
        answer = requests.Response()
        answer.status_code = 200
        answer.url, answer.request = request.url, request
        answer.headers["Content-Type"] = "application/ld+json"
        answer.raw = io.BytesIO(self.contents[request.url])
        return answer


def main(crate: str, context: str) -> None:
    with open(context, encoding="utf-8") as file:
        later = json.load(file)["@context"]
    known = {CRATE: later | OF_1_1, RUN: OF_RUNS}
    contents = {url: json.dumps({"@context": terms}).encode() for url, terms in known.items()}
    network = NoNetwork(contents)
    urllib.request.install_opener(urllib.request.build_opener(network))
    requests.adapters.HTTPAdapter.send = network.send
    result = services.validate(
        models.ValidationSettings(
            rocrate_uri=crate,
            profile_identifier="workflow-run-crate-0.5",
            requirement_severity=models.Severity.RECOMMENDED,
            skip_availability_check=True,
            no_cache=True,
        )
    )
    issues = [
        {
            "severity": issue.severity.name,
            "check": issue.check.identifier,
            "message": issue.message,
            "entity": str(issue.violatingEntity),
        }
        for issue in result.get_issues()
    ]
    json.dump(issues, sys.stdout, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
