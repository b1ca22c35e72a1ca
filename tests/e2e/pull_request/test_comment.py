"""The comment on a pull request: the step with the token treats the plan as a file, and finds its comment again."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from tests.e2e.pull_request.machine import environment
from tests.e2e.pull_request.test_github import HOSTILE

from edgewright.scaffold.contents import contents

MARK = "<!-- edgewright plan -->"
SHA = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Api:
    """GitHub's API, as far as comments on pull requests go: pulls by head, comments with their authors, pages."""

    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    url: str = ""

    def answer(self, method: str, address: str, body: Any) -> Any:
        parts = urlsplit(address)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.asked.append((method, parts.path))
        if method == "GET" and parts.path == "/repos/fleet/shops/pulls":
            return [pull for pull in self.pulls if pull["label"] == query["head"] and query["state"] == "open"]
        if method == "GET" and parts.path == "/repos/fleet/shops/issues/7/comments":
            size, page = int(query["per_page"]), int(query["page"])
            return self.comments[size * (page - 1) : size * page]
        if method == "POST" and parts.path == "/repos/fleet/shops/issues/7/comments":
            self.comments.append({"id": 900 + len(self.comments), "user": {"type": "Bot"}, "body": body["body"]})
            return self.comments[-1]
        if method == "PATCH" and parts.path.startswith("/repos/fleet/shops/issues/comments/"):
            [comment] = [c for c in self.comments if c["id"] == int(parts.path.rsplit("/", 1)[1])]
            comment["body"] = body["body"]
            return comment
        return None


class Handler(BaseHTTPRequestHandler):
    api: Api

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _serve(self) -> None:
        self.api.tokens.add(str(self.headers["Authorization"]))
        length = int(self.headers.get("Content-Length", 0))
        found = self.api.answer(self.command, self.path, json.loads(self.rfile.read(length)) if length else None)
        data = json.dumps(found).encode()
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = _serve


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"api": made}))
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Comment:
    """The step of the workflow, with a plan that a pull request's job has left."""

    folder: Path
    api: Api
    branch: str = "change"

    @property
    def plan(self) -> Path:
        return self.folder / "temp" / "reports" / "plan.md"

    def post(self, sha: str = SHA) -> subprocess.CompletedProcess[str]:
        workflow = yaml.safe_load(contents("handbook-search", ["github"])[".github/workflows/plan-comment.yml"])
        [step] = [step for step in workflow["jobs"]["comment"]["steps"] if step.get("shell") == "python"]
        script = self.folder / "step.py"
        script.write_text(step["run"], encoding="utf-8")
        given = {"GITHUB_TOKEN": "t0ken", "HEAD_OWNER": "anna", "HEAD_BRANCH": self.branch, "HEAD_SHA": sha}
        assert set(given) == set(step["env"])
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        variables = {
            **environment(home),
            **given,
            "GITHUB_API_URL": self.api.url,
            "GITHUB_REPOSITORY": "fleet/shops",
            "RUNNER_TEMP": str(self.folder / "temp"),
        }
        argv = [sys.executable, str(script)]
        return subprocess.run(argv, env=variables, cwd=home, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def comment(tmp_path: Path, api: Api) -> Comment:
    made = Comment(tmp_path, api)
    made.plan.parent.mkdir(parents=True)
    made.plan.write_text("## Plan\n\ncounter-pc: 2 devices\n", encoding="utf-8")
    api.pulls = [{"number": 7, "label": "anna:change", "head": {"sha": SHA}}]
    return made


def test_the_first_plan_is_a_new_comment_and_the_next_one_replaces_it(comment: Comment, api: Api) -> None:
    api.comments = [{"id": 1, "user": {"type": "User"}, "body": f"{MARK}\nnot the pipeline's"}] * 130
    assert comment.post().returncode == 0
    assert len(api.comments) == 131
    assert api.comments[-1]["body"].startswith(f"{MARK}\n## Plan\n\ncounter-pc: 2 devices\n")
    comment.plan.write_text("## Plan\n\nnothing changes\n", encoding="utf-8")
    assert comment.post().returncode == 0
    assert len(api.comments) == 131
    assert "nothing changes" in api.comments[-1]["body"]
    assert api.comments[0]["body"] == f"{MARK}\nnot the pipeline's"
    assert api.tokens == {"Bearer t0ken"}


def test_a_branch_with_any_name_is_found_and_asked_for_as_text(comment: Comment, api: Api) -> None:
    comment.branch = f"{HOSTILE}&state=closed#x?per_page=1"
    api.pulls = [{"number": 7, "label": f"anna:{comment.branch}", "head": {"sha": SHA}}]
    assert comment.post().returncode == 0
    assert len(api.comments) == 1
    assert not list(comment.folder.rglob("PWNED*"))


def test_a_plan_of_an_older_commit_or_a_closed_pull_request_is_not_posted(comment: Comment, api: Api) -> None:
    assert comment.post(sha="f" * 40).returncode == 0
    api.pulls = []
    assert comment.post().returncode == 0
    assert api.comments == []


def test_what_is_no_small_file_is_not_read(comment: Comment, api: Api) -> None:
    comment.plan.write_bytes(b"x" * (256 * 1024 + 1))
    large = comment.post()
    assert large.returncode == 1
    assert "no regular file" in large.stderr
    comment.plan.unlink()
    secret = comment.folder / "secret"
    secret.write_text("of the runner", encoding="utf-8")
    comment.plan.symlink_to(secret)
    assert comment.post().returncode == 1
    assert api.comments == []


def test_a_long_or_broken_plan_fits_a_comment_and_cannot_pose_as_another(comment: Comment, api: Api) -> None:
    comment.plan.write_bytes(f"{MARK}\n".encode() + b"\xff\xfe" + "é".encode() * 100_000)
    assert comment.post().returncode == 0
    [posted] = api.comments
    assert len(posted["body"]) < 65_536, "GitHub takes no more"
    assert posted["body"].count(MARK) == 1
