"""Which bucket has a workspace's objects, and what is no bucket."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from faena.kernel.errors import UserErrorException, WorkspaceException
from faena.people.settings import as_environment, read
from faena.workspaces.objects_place import RECORD, Place, choose, parsed, place


def test_it_is_kept_for_the_next_server(tmp_path: Path) -> None:
    assert place(tmp_path) is None
    given = Place("s3://team-bucket/faena/a?endpoint=https://minio:9000&region=eu-west-1", 5.0)
    choose(tmp_path, given)
    assert place(tmp_path) == given
    assert str(given.address) == "s3://team-bucket/faena/a"
    assert given.address.options == {"endpoint": "https://minio:9000", "region": "eu-west-1"}
    assert stat.S_IMODE((tmp_path / RECORD).stat().st_mode) == 0o600
    choose(tmp_path, Place("s3://team-bucket/faena/a/", 7.0))  # the same one, reached otherwise
    with pytest.raises(WorkspaceException, match="not in s3://team-bucket/faena/b"):
        choose(tmp_path, Place("s3://team-bucket/faena/b"))


def test_one_with_objects_stays_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "objects" / "ab").mkdir(parents=True)
    (tmp_path / "objects" / "ab" / "abc").write_bytes(b"x")
    with pytest.raises(WorkspaceException, match="in its folder"):
        choose(tmp_path, Place("gs://bucket"))


@pytest.mark.parametrize("content", [b"", b"{}", b'{"url": "s3://"}', b'{"url": 1}', b"\xff", b"x" * 10_000])
def test_a_record_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RECORD).write_bytes(content)
    with pytest.raises(WorkspaceException, match=RECORD):
        place(tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "s3://",
        "s3:///a",
        "ftp://bucket",
        "s3://key:secret@bucket/a",
        "s3://bucket/../a",
        "s3://bucket/a//b",
        "s3://bucket/a b",
        "s3://bucket?secret=x",
        "s3://bucket?endpoint=file:///etc",
        "s3://bucket?endpoint=https://key:secret@host",
        "az://container?region=x",
        "s3://bucket#x",
        "s3://bucket/" + "a" * 5000,
        "s3://[/x",
    ],
)
def test_what_is_no_bucket(url: str) -> None:
    with pytest.raises(UserErrorException, match="s3://name/prefix") as told:
        parsed(url)
    assert "secret" not in told.value.message
    if url:
        with pytest.raises(UserErrorException, match="objects is not the URL of a bucket"):
            read({"FAENA_SERVER_OBJECTS": url})


def test_as_settings_of_a_server() -> None:
    given = {"FAENA_SERVER_OBJECTS": "az://data/faena?account=team", "FAENA_SERVER_OBJECTS_CACHE": "2.5"}
    found = read(given)
    assert (found.objects, found.objects_cache) == (given["FAENA_SERVER_OBJECTS"], 2.5)
    assert read(as_environment(found)) == found
    for wrong in ("many", "-1", "nan", "inf"):
        with pytest.raises(UserErrorException, match="objects_cache"):
            read({"FAENA_SERVER_OBJECTS_CACHE": wrong})
