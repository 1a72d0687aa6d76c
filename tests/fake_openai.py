"""A server that speaks the chat part of the OpenAI API, does what it is told, and keeps its own bill.

In tests: `with FakeOpenAI() as server:` or the fixture `fake_openai` (tests/labeling/crowd/conftest.py).
By hand: `python -m tests.fake_openai --port 8700 --behaviours label,429,garbage`.

Each request takes the next behaviour of the queue, then `label` for ever. Behaviours:
label (the oracle's answer as JSON) · prose ("Sure! The label is ...") · malformed (names no label, each time in other
words) · babble (names none, always in the same words) · leak (label, and repeats the key wherever it can) · truncated
(fewer bytes than announced) · dropped (charged, then the connection ends) · slow (waits `slow_seconds`, then label) ·
drip (one byte at a time) · refusal · partial (of several questions the first) · thinking (all tokens go into a
thought) · redirect · any HTTP status such as 401, 429
(with `Retry-After: retry_after`), 500; 400 is about the text, as are moderated (403) and toolong (400), setup (400)
is about the request, unexplained (400) and forbidden (403) do not say.
Usage: uncounted (none) · zero · total (a thought counts in the total only) · millions (five million tokens).
Successes that are no answer: garbage (a web page) · error (the object `error`) · stream · nochoices · empty · text.
All but refused statuses, redirects, successes that are no answer and slow calls that nobody waited for is charged.
"""

from __future__ import annotations

import argparse
import base64
import json
import math
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Oracle = Callable[[str, list[str]], str]


@dataclass(frozen=True)
class Request:
    """What one request held: its whole body, the text to label, and the header with the key.

    `asked`: of a request that asks several questions the labels of each by its key, and the field of its answer.
    """

    body: dict[str, Any]
    text: str
    labels: list[str]
    authorization: str
    asked: dict[str, tuple[str, list[str]]] = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        return "\n".join(str(message["content"]) for message in self.body["messages"])


def by_keyword(text: str, labels: list[str]) -> str:
    """The first label whose name stands in the text, else the first label."""
    return next((label for label in labels if label.casefold() in text.casefold()), labels[0])


class FakeOpenAI:
    """The server; `bill_microdollars`, `requests` and `behaviours` may be read and changed while it runs.

    `content`: what is said to a request's body in place of the oracle's label, for other kinds of answers.
    `refuses_keys`: where the list of models is asked for.
    """

    def __init__(
        self,
        behaviours: Iterable[str] = (),
        *,
        oracle: Oracle = by_keyword,
        input_price: str = "0.15",
        output_price: str = "0.60",
        port: int = 0,
    ) -> None:
        self.behaviours = deque(behaviours)
        self.oracle = oracle
        self.prices = Decimal(input_price), Decimal(output_price)
        self.requests: list[Request] = []
        self.bill_microdollars = 0
        self.refuses_keys = False
        self.retry_after = "7"
        self.slow_seconds = 5.0
        self.redirect_to = "/elsewhere"
        self.error: object = {"message": "The upstream is overloaded.", "code": 503}
        self.content: Callable[[dict[str, Any]], str] | None = None
        self.closing = threading.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.daemon_threads = True
        self._server.fake = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> FakeOpenAI:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def received(self, request: Request) -> str:
        """Note a request; the behaviour it meets."""
        with self._lock:
            self.requests.append(request)
            return self.behaviours.popleft() if self.behaviours else "label"

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Count how many requests are being served at once; `most_at_once` keeps the most there ever were."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1

    def charge(self, request: Request, content: str, *, beyond: int = 0) -> dict[str, int]:
        """Put a call on the bill; its usage as the API tells it. A token is a word here; `beyond`: more output."""
        written = max(len(content.split()), 1) + beyond
        used = {"prompt_tokens": len(request.prompt.split()), "completion_tokens": written}
        cost = self.prices[0] * used["prompt_tokens"] + self.prices[1] * used["completion_tokens"]
        with self._lock:
            self.bill_microdollars += math.ceil(cost)
        return {**used, "total_tokens": sum(used.values())}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), (OSError, json.JSONDecodeError)):  # a client that was killed is no news
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536

    @property
    def fake(self) -> FakeOpenAI:
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        """The list of models, which costs nothing."""
        if self.fake.refuses_keys:
            self._send(401, json.dumps({"error": {"message": "Incorrect API key provided."}}).encode())
        else:
            self._send(200, json.dumps({"object": "list", "data": [{"id": "fake", "object": "model"}]}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = _request(body, self.headers.get("Authorization", ""))
        behaviour = self.fake.received(request)
        with self.fake.at_work():
            if behaviour.isdigit():
                self._refuse(int(behaviour), request)
            else:
                getattr(self, f"_{behaviour}")(request)

    def _label(self, request: Request) -> None:
        self._say(request, self._right(request))

    def _prose(self, request: Request) -> None:
        if request.asked:
            self._say(request, f"Sure! Here it is: {self._right(request)} Anything else?")
            return
        self._say(request, f"Sure! The label is “{self.fake.oracle(request.text, request.labels)}”.")

    def _malformed(self, request: Request) -> None:
        self._say(request, f"I would rather talk about the weather of day {len(self.fake.requests)}.")

    def _babble(self, request: Request) -> None:
        self._say(request, "I would rather talk about the weather.")

    def _thinking(self, request: Request) -> None:
        limit = int(request.body.get("max_tokens", 100))
        self._say(request, "", finish="length", beyond=limit - 1)

    def _leak(self, request: Request) -> None:
        key = request.authorization.removeprefix("Bearer ")
        label = self.fake.oracle(request.text, request.labels)
        coded = base64.b64encode(request.authorization.encode()).decode()
        spaced = " ".join(key)
        content = json.dumps(
            {"label": label, "why": f"{key} {key.upper()} {spaced} {key[::-1]} {coded} {key.encode().hex()}"}
        )
        self._say(request, content, model=f"model {key}", fingerprint=key, headers={"X-Request": key})

    def _zero(self, request: Request) -> None:
        self._say(request, self._right(request), usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})

    def _total(self, request: Request) -> None:
        used = self.fake.charge(request, self._right(request), beyond=2_000)
        self._say(request, self._right(request), usage={**used, "completion_tokens": used["completion_tokens"] - 2_000})

    def _millions(self, request: Request) -> None:
        self._say(request, self._right(request), beyond=5_000_000)

    def _right(self, request: Request) -> str:
        if self.fake.content is not None:
            return self.fake.content(request.body)
        if request.asked:
            return json.dumps({key: self._answer(request, *told) for key, told in request.asked.items()})
        return json.dumps({"label": self.fake.oracle(request.text, request.labels)}, ensure_ascii=False)

    def _answer(self, request: Request, name: str, labels: list[str]) -> dict[str, Any]:
        """The answer to one of several questions: by the oracle, the middle of a scale, no stretch of text."""
        told = {"label": "", "labels": [], "value": labels[len(labels) // 2], "spans": []}
        if name in ("label", "labels"):
            said = self.fake.oracle(request.text, labels)
            told |= {"label": said, "labels": [said]}
        return {name: told[name]}

    def _partial(self, request: Request) -> None:
        """Of several questions the first alone is answered."""
        whole = json.loads(self._right(request))
        self._say(request, json.dumps({key: whole[key] for key in list(whole)[:1]}))

    def _refusal(self, request: Request) -> None:
        self._say(request, "", message={"refusal": "I cannot help with that."})

    def _uncounted(self, request: Request) -> None:
        self._say(request, self._right(request), usage={})

    def _slow(self, request: Request) -> None:
        if not self.fake.closing.wait(self.fake.slow_seconds):
            self._label(request)

    def _garbage(self, request: Request) -> None:
        self._send(200, b"<html>not at all what was asked for</html>")

    def _error(self, request: Request) -> None:
        self._send(200, json.dumps(self.fake.error).encode())

    def _stream(self, request: Request) -> None:
        self._send(200, b'data: {"choices": [{"delta": {"content": "water"}}]}\n\ndata: [DONE]\n\n')

    def _nochoices(self, request: Request) -> None:
        self._send(200, json.dumps({"id": "fake", "object": "chat.completion", "choices": []}).encode())

    def _empty(self, request: Request) -> None:
        self._send(200, b"")

    def _text(self, request: Request) -> None:
        self._send(200, b"Service is starting, please wait")

    def _truncated(self, request: Request) -> None:
        self.fake.charge(request, "truncated")
        self._send(200, b'{"choices": [{"mess', announced=500)
        self.close_connection = True

    def _dropped(self, request: Request) -> None:
        self.fake.charge(request, "dropped")
        self.close_connection = True
        self.connection.close()

    def _drip(self, request: Request) -> None:
        self.fake.charge(request, "drip")
        self._send(200, b"", announced=1_000)
        for _ in range(1_000):
            if self.fake.closing.wait(0.05):
                return
            try:
                self.wfile.write(b" ")
                self.wfile.flush()
            except OSError:
                return

    def _redirect(self, request: Request) -> None:
        self._send(307, b"", {"Location": self.fake.redirect_to})

    def _refuse(self, status: int, request: Request) -> None:
        headers = {"Retry-After": self.fake.retry_after} if status in (429, 503) else {}
        told = {"message": f"Refused, your key was {request.authorization}", "code": "refused"}
        if status == 400:
            told["code"] = "content_policy_violation"
        self._send(status, json.dumps({"error": told}).encode(), headers)

    def _moderated(self, request: Request) -> None:
        self._send(
            403, json.dumps({"error": {"message": "Your input was flagged by moderation", "code": 403}}).encode()
        )

    def _toolong(self, request: Request) -> None:
        self._send(400, json.dumps({"error": {"message": "Too long.", "code": "context_length_exceeded"}}).encode())

    def _setup(self, request: Request) -> None:
        self._send(
            400, json.dumps({"error": {"message": "Unsupported parameter: 'temperature'", "code": "bad"}}).encode()
        )

    def _nosystem(self, request: Request) -> None:
        self._send(400, json.dumps({"error": {"message": "System role not supported"}}).encode())

    def _unexplained(self, request: Request) -> None:
        self._send(400, json.dumps({"error": {"message": "Bad request"}}).encode())

    def _forbidden(self, request: Request) -> None:
        self._send(403, b"<html>403</html>")

    def _say(
        self,
        request: Request,
        content: str,
        *,
        message: dict[str, str] | None = None,
        usage: dict[str, int] | None = None,
        beyond: int = 0,
        finish: str = "stop",
        model: str = "",
        fingerprint: str = "fp_fake",
        headers: dict[str, str] | None = None,
    ) -> None:
        """An answer; `usage`: what is told instead of what was charged (nothing where it is empty)."""
        counted = (
            self.fake.charge(request, content, beyond=beyond) if usage is None or not usage.get("total_tokens") else {}
        )
        choice = {
            "index": 0,
            "finish_reason": finish,
            "message": {"role": "assistant", "content": content, **(message or {})},
        }
        if request.body.get("logprobs"):
            choice["logprobs"] = {"content": _token_logprobs(content, request.labels)}
        reply = {"id": "fake", "object": "chat.completion", "created": int(time.time()), "choices": [choice]}
        reply |= {"model": model or f"{request.body['model']}-2026-01-01", "system_fingerprint": fingerprint}
        told = counted if usage is None else usage
        self._send(200, json.dumps(reply | ({"usage": told} if told else {})).encode(), headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, announced: int = 0) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(announced or len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:  # the client has gone
            self.close_connection = True


def _request(body: dict[str, Any], authorization: str) -> Request:
    asked = [str(message["content"]) for message in body["messages"] if message["role"] == "user"][-1]
    fenced = re.findall(r"^\[([^\n]*) (\w{12})\]\n(.*?)\n\[/\1 \2\]", asked, re.DOTALL | re.MULTILINE)
    told = str(body["messages"][0]["content"])
    labels = [line[2:].partition(":")[0] for line in told.split("\n\n")[0].splitlines() if line.startswith("- ")]
    text = "\n".join(text for *_, text in fenced) or asked
    return Request(body, text, labels, authorization, dict(_several(told)))


def _several(told: str) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    """The key of each of several questions, the field that its answer has, and its labels."""
    for part in told.split('Question "')[1:]:
        key, _, rest = part.partition('"')
        labels = [line[2:].partition(":")[0] for line in rest.split("\n\n")[0].splitlines() if line.startswith("- ")]
        form = re.search(rf'Its answer is an object: "{key}": {{"(\w+)"', rest)
        assert form
        yield key, (form[1], labels)


def _token_logprobs(content: str, labels: list[str]) -> list[dict[str, Any]]:
    """One token a word or sign; where a label begins, every label is an alternative, the named one at .7."""
    rows = []
    for token in re.findall(r"\w+|\W+", content):
        named = token in labels
        share = 0.3 / max(len(labels) - 1, 1)
        top = [{"token": name, "logprob": math.log(0.7 if name == token else share)} for name in labels]
        rows.append({"token": token, "logprob": -0.1, "top_logprobs": top if named else []})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--behaviours", default="", help="comma-separated, in order; then label for ever")
    options = parser.parse_args()
    behaviours = [name for name in options.behaviours.split(",") if name]
    with FakeOpenAI(behaviours, port=options.port) as server:
        print(f"{server.base_url} (chat:fake@{server.base_url}?local=yes&input=0.15&output=0.60)", flush=True)
        try:
            while True:
                time.sleep(5)
                print(f"{len(server.requests)} requests, {server.bill_microdollars} micro-dollars", flush=True)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
