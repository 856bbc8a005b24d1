"""A form with files, as browsers and `requests.post(files=…)` send it."""

from __future__ import annotations

import io
from email import message_from_string
from email.message import Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

MOST_PARTS = 1000


class UploadedFile(io.BytesIO):
    """One file of a form. It can be read and sought, as `PIL.Image.open` and `pandas.read_csv` do, and saved."""

    def __init__(self, name: str, filename: str, content_type: str, data: bytes) -> None:
        super().__init__(data)
        self.name = name
        self.filename = filename
        self.content_type = content_type
        self.mimetype = content_type.split(";")[0].strip().lower()
        self.content_length = len(data)

    @property
    def stream(self) -> UploadedFile:
        return self

    def save(self, dst: str | IO[bytes], buffer_size: int = 16384) -> None:
        if hasattr(dst, "write"):
            dst.write(self.getvalue())
            return
        with open(dst, "wb") as file:
            file.write(self.getvalue())

    def __repr__(self) -> str:
        return "UploadedFile({!r}, {!r})".format(self.filename, self.content_type)


class Lists(dict):  # type: ignore[type-arg]  # dict[…] cannot be subclassed on 3.8
    """The first value of each name; `getlist` has all."""

    def __init__(self, lists: dict[str, list[Any]]) -> None:
        self._lists = lists
        super().__init__((name, values[0]) for name, values in lists.items())

    def getlist(self, name: str) -> list[Any]:
        return list(self._lists.get(name, []))

    def to_dict(self, flat: bool = True) -> dict[str, Any]:
        return dict(self) if flat else {name: list(values) for name, values in self._lists.items()}


def parts(content_type: str, body: bytes) -> tuple[Lists, Lists]:
    """Fields and files. Raises ValueError for what is no such form."""
    boundary = _described("content-type", content_type).get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise ValueError("The form's Content-Type names no boundary.")
    fields: dict[str, list[str]] = {}
    files: dict[str, list[UploadedFile]] = {}
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode(), MOST_PARTS + 2)
    if len(pieces) > MOST_PARTS + 2:
        raise ValueError("The form has over {:,} parts.".format(MOST_PARTS))
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return Lists(fields), Lists(files)
        head, _, data = piece.partition(b"\r\n\r\n")
        described = message_from_string(head.strip().decode("utf-8", "replace") + "\r\n\r\n")
        name = str(described.get_param("name", "", header="content-disposition"))
        filename = described.get_filename()
        if filename is None:
            fields.setdefault(name, []).append(data.decode("utf-8", "replace"))
        else:
            kind = str(described.get("content-type", "application/octet-stream"))
            files.setdefault(name, []).append(UploadedFile(name, filename, kind, data))
    raise ValueError("The form is cut off: its last boundary is missing.")


def _described(name: str, value: str) -> Message:
    made = Message()
    made[name] = value
    return made
