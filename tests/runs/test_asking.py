"""What many nodes ask at once is looked up together, and each hears its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from faena.db import Database, Read
from faena.kernel.errors import NotFound
from faena.runs.engine.asking import Together
from faena.runs.engine.order import Known


def test_what_many_ask_at_once_is_one_read_and_what_fails_is_theirs_who_asked(tmp_path: Path) -> None:
    async def story() -> None:
        database = Database(tmp_path / "faena.db")
        try:
            together, views = Together(database), set[int]()

            def look(read: Read, known: Known, number: int) -> int:
                views.add(id(known))
                if number == 7:
                    raise NotFound("seven")
                return number

            def asked(number: int) -> asyncio.Task[int]:
                return asyncio.create_task(together.ask(lambda read, known: look(read, known, number)))

            many = [asked(number) for number in range(100)]
            many[3].cancel()
            answers = await asyncio.gather(*many, return_exceptions=True)
            assert [each for each in answers if isinstance(each, int)] == [
                number for number in range(100) if number not in (3, 7)
            ]
            assert isinstance(answers[7], NotFound)
            assert len(views) == 1
            assert await asked(5) == 5
            with pytest.raises(NotFound, match="seven"):
                await asked(7)
        finally:
            database.close()

    asyncio.run(story())
