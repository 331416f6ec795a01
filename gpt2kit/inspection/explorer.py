"""The live page: a server for this machine only, which shows the model's response to a text as it is typed.

It listens on 127.0.0.1. Requests that name another host are rejected, so that no web page can reach it under its own
host name (DNS rebinding). Requests must carry a secret that only the page from here knows.
"""

import hmac
import json
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gpt2kit.errors import UserError
from gpt2kit.html import OFFLINE, resource
from gpt2kit.inspection.composing import Performance, empty
from gpt2kit.inspection.continuing import drawing, drawn, next_of
from gpt2kit.inspection.neurons import pushed
from gpt2kit.inspection.page import FOLDER, Live, page_of
from gpt2kit.inspection.pieces import piece_of
from gpt2kit.inspection.subject import Subject, followed, short_name
from gpt2kit.inspection.trace import trace_of
from gpt2kit.inspection.view import pieces_view, view_of
from gpt2kit.model.ablation import Off, without
from gpt2kit.pipeline.engine import Engine

LOOPBACK = "127.0.0.1"

NOT_FOUND = "not found: this server has /, /look and /neurons only"

LARGEST = 1 << 20
"""Most bytes of a request."""

MOST_NEURONS = 100
"""Most neurons of one request."""

ASKING = tuple(f"{FOLDER}/{name}" for name in ("server", "live", "typing"))
"""Scripts of the page, in addition to those of `inspect`."""

NEXT = 10
"""Number of likeliest tokens offered."""


@dataclass(frozen=True)
class Side:
    """A model to explore."""

    name: str
    task: str
    engine: Engine


@dataclass(frozen=True)
class Explorer:
    """One model, or two side by side with the same input."""

    sides: tuple[Side, ...]
    text: str = ""
    """The initial input."""
    fixed: Any = None
    """The input if it is not text: a performance."""
    token: str = field(default_factory=partial(secrets.token_urlsafe, 24))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self) -> str:
        config, plays = self.sides[0].engine.config, self.fixed is not None
        knobs = {"temperature": config.temperature, "top_k": config.top_k, "top_p": config.top_p}
        settings = {"token": self.token, "text": self.text, "fixed": plays, "knobs": knobs}
        piece = empty(self.text) if plays else None
        live = Live(settings, resource(f"{FOLDER}/typing.html"), ASKING, "; connect-src 'self'")
        return page_of(None, f"{short_name(self.sides[0].name)}: what comes next?", piece, live)

    def look(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The page's view of a text and the answer chosen so far; `more` asks for tokens to be drawn first. An empty
        text has no view. Raises UserError for invalid requests."""
        text, answer = asked.get("text", ""), asked.get("answer", [])
        first = self.sides[0]
        if not isinstance(text, str):
            raise UserError("text: expected a string")
        known = range(first.engine.model.vocab_size)
        if not isinstance(answer, list) or not all(isinstance(id, int) and id in known for id in answer):
            raise UserError(f"answer: expected ids of the vocabulary, 0 to {len(known) - 1}")
        off, more = off_of(asked.get("off", {})), asked.get("more")
        drawn_with = None if more is None else drawing(first.engine, more)
        if first.engine.task.blank(self._source(first, text)):
            return {"view": None, "sides": [], "answer": [], "seed": None}
        with self.lock:  # parts are switched off in the model that all requests share
            try:
                if drawn_with is not None:
                    with without(first.engine.model, off):
                        answer = drawn(first.engine, self._source(first, text), answer, *drawn_with)
                view = view_of(trace_of(self._subject(first, text, answer), off), neurons=False)
            except ValueError as error:
                raise UserError(f"off: {error}") from None
            piece = None if self.fixed is None else Performance.of(first.engine, self.fixed, answer)
            sides = [self._next(side, text, answer, off, piece) for side in self.sides]
            seed = drawn_with[1].seed if drawn_with is not None and drawn_with[1].temperature > 0 else None
            found = {"view": view, "sides": sides, "answer": answer, "seed": seed}
            if piece is None:
                return found
            view["remarks"] = [*view["remarks"], *piece.remarks]
            return found | {"piece": piece.view(self.text), "chosen": piece.chosen()}

    def neurons(self, asked: dict[str, Any]) -> dict[str, Any]:
        """What neurons of a layer push, with the pieces of these tokens. Raises UserError for invalid requests."""
        engine, layer, numbers = self.sides[0].engine, asked.get("layer"), asked.get("numbers")
        config = engine.model.config
        if not isinstance(layer, int) or layer not in range(config.n_layer):
            raise UserError(f"layer: expected a number from 0 to {config.n_layer - 1}")
        known = range(config.inner)
        if not isinstance(numbers, list) or not all(isinstance(each, int) and each in known for each in numbers):
            raise UserError(f"numbers: expected neurons, from 0 to {len(known) - 1}")
        tokens = pushed(engine.model, layer, numbers[:MOST_NEURONS])
        ids = {id for pair in tokens.values() for each in pair for id in each}
        named = {f"{layer}.{neuron}": pair for neuron, pair in tokens.items()}
        return {"pushed": named, "pieces": pieces_view(engine.task, ids)}

    def _source(self, side: Side, text: str) -> Any:
        return side.engine.task.parse(text) if self.fixed is None else self.fixed

    def _subject(self, side: Side, text: str, answer: list[int]) -> Subject:
        return followed(side.engine, side.name, side.task, self._source(side, text), answer)

    def _next(self, side: Side, text: str, answer: list[int], off: Off, piece: Performance | None) -> dict[str, Any]:
        """The likeliest next tokens of one side; for the first side also with all parts on."""
        first = self.sides[0]
        if side is not first:
            off, answer = Off(), _respelled(answer, first, side)
        with without(side.engine.model, off):
            subject = self._subject(side, text, answer)
            if subject.labels:
                return {"name": side.name, "labels": True, "next": [[-1, *each] for each in subject.labels.items()]}
            chances = next_of(subject)
        best = chances.topk(min(NEXT, len(chances)))
        ids = best.indices.tolist()
        names = [piece_of(side.engine.task, id).shown if piece is None else piece.told(id) for id in ids]
        likeliest = list(zip(ids, names, best.values.tolist(), strict=True))
        plain = next_of(subject) if off != Off() else None
        shares = None if plain is None else [[id, float(plain[id])] for id in ids]
        return {"name": side.name, "labels": False, "next": likeliest, "plain": shares}


def off_of(asked: Any) -> Off:
    """{"heads": [[layer, head], ...], "attentions": [layer, ...], "mlps": [layer, ...]}, counted from 0."""
    try:
        heads = frozenset((int(layer), int(head)) for layer, head in asked.get("heads", ()))
        return Off(heads, *(frozenset(map(int, asked.get(key, ()))) for key in ("attentions", "mlps")))
    except (AttributeError, TypeError, ValueError):
        raise UserError("off: expected heads, attentions and mlps, as lists of numbers") from None


def _request(body: bytes) -> dict[str, Any]:
    """Raises UserError unless it is a JSON object."""
    try:
        asked = json.loads(body)
    except ValueError:
        raise UserError("the request is not JSON") from None
    if not isinstance(asked, dict):
        raise UserError("the request is not a JSON object")
    return asked


def _respelled(answer: list[int], first: Side, other: Side) -> list[int]:
    """An answer in the other side's ids: unchanged if the vocabularies are equal, otherwise for the same text."""
    if not answer or first.engine.task.vocabulary.fingerprint() == other.engine.task.vocabulary.fingerprint():
        return answer
    return other.engine.task.encode_target(first.engine.task.decode(answer))[:-1]


class Server(ThreadingHTTPServer):
    """Listens only on this machine; `port` 0 selects a free one."""

    daemon_threads = False  # a thread that still runs when Python ends may abort the process

    def __init__(self, explorer: Explorer, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self.explorer = explorer
        self.connections: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Finish the responses in progress; read nothing more, so that every thread ends."""
        for connection in list(self.connections):
            with suppress(OSError):  # the other side has closed it
                connection.shutdown(socket.SHUT_RD)
        super().server_close()

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    """GET / returns the page, POST /look the numbers for a text, POST /neurons what neurons push."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "gpt2kit"
    sys_version = ""
    timeout = 60

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing: the page shows errors."""

    def _hosts(self) -> tuple[str, ...]:
        return tuple(f"{name}:{self.server.server_port}" for name in (LOOPBACK, "localhost"))

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"{OFFLINE}; connect-src 'self'; frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _json(self, code: int, value: dict[str, Any]) -> None:
        self._answer(code, "application/json", json.dumps(value, allow_nan=False).encode())

    def _refuse(self, code: int, why: str) -> None:
        """Send an error and end the connection."""
        self.close_connection = True
        self._json(code, {"error": why})

    def do_GET(self) -> None:
        if self.headers.get("Host") not in self._hosts():
            self._refuse(403, "this server answers requests to its own address only")
        elif self.path == "/":
            self._answer(200, "text/html; charset=utf-8", self.server.explorer.page().encode())
        elif self.path == "/favicon.ico":
            self._answer(204, "image/x-icon", b"")
        else:
            self._refuse(404, NOT_FOUND)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        body = self.rfile.read(int(length)) if length.isdecimal() and int(length) <= LARGEST else None
        if (refusal := self._refusal(length, body)) is not None:
            self._refuse(*refusal)
            return
        try:
            explorer, asked = self.server.explorer, _request(body or b"")
            self._json(200, explorer.neurons(asked) if self.path == "/neurons" else explorer.look(asked))
        except UserError as error:
            self._json(400, {"error": str(error)})

    def _refusal(self, length: str, body: bytes | None) -> tuple[int, str] | None:
        """Why a request is rejected, if it is; a `body` that is too long was not read."""
        hosts, given = self._hosts(), self.headers.get("X-Explorer", "")
        if self.headers.get("Host") not in hosts:
            return 403, "this server answers requests to its own address only"
        if self.headers.get("Origin", f"http://{hosts[0]}") not in [f"http://{host}" for host in hosts]:
            return 403, "this server answers requests of its own page only"
        if not hmac.compare_digest(given.encode(), self.server.explorer.token.encode()):
            return 403, "the page is from another server: reload it"
        if self.path not in ("/look", "/neurons"):
            return 404, NOT_FOUND
        if self.headers.get_content_type() != "application/json":
            return 415, "the request is not of type application/json"
        if not length.isdecimal():
            return 411, "the request has no valid Content-Length"
        return (413, f"a request may have {LARGEST:,} bytes") if body is None else None
