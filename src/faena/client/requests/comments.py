"""What is asked about comments on runs."""

from __future__ import annotations

import msgspec

from faena.client.wire import encode
from faena.kernel.ids import new_request_id
from faena.kernel.transport import Transport, segment
from faena.runs.comments.schemas import CommentText, CommentView


class CommentApi:
    """Each method is one request; each raises the FaenaError that the server names, or ServerUnreachable."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, run_id: str) -> list[CommentView]:
        answer = self._transport.request("GET", _of(run_id))
        return msgspec.json.decode(answer.data, type=list[CommentView])

    def add(self, run_id: str, text: str, author: str) -> CommentView:
        asked = encode(CommentText(text, author, new_request_id()))
        answer = self._transport.request("POST", _of(run_id), asked)
        return msgspec.json.decode(answer.data, type=CommentView)

    def change(self, run_id: str, comment_id: str, text: str) -> CommentView:
        asked = encode(CommentText(text))
        answer = self._transport.request("PATCH", f"{_of(run_id)}/{segment(comment_id)}", asked)
        return msgspec.json.decode(answer.data, type=CommentView)

    def delete(self, run_id: str, comment_id: str) -> None:
        self._transport.request("DELETE", f"{_of(run_id)}/{segment(comment_id)}")


def _of(run_id: str) -> str:
    return f"/runs/{segment(run_id)}/comments"
