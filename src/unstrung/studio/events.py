"""News of videos from the database to whoever follows one: LISTEN on one connection, told to many."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import psycopg

from unstrung.studio.queue.service import CHANNEL

_RECONNECT_S: Final = 1.0
_log = logging.getLogger(__name__)


class Listener:
    """Wakes those who follow a video when something about it has changed."""

    def __init__(self, url: str) -> None:
        """Prepare; nothing is heard before `run`."""
        self._url = url
        self._followers: dict[str, set[asyncio.Event]] = defaultdict(set)

    @asynccontextmanager
    async def following(self, video_id: str) -> AsyncIterator[asyncio.Event]:
        """Lend an event that is set whenever the video changes."""
        event = asyncio.Event()
        self._followers[video_id].add(event)
        try:
            yield event
        finally:
            self._followers[video_id].discard(event)
            if not self._followers[video_id]:
                del self._followers[video_id]

    async def run(self) -> None:
        """Listen until cancelled; a lost connection is made again."""
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                _log.warning("The news connection was lost and is made again: %s", error)
            await asyncio.sleep(_RECONNECT_S)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        async with contextlib.aclosing(connection.notifies()) as news, connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            self._wake_all()  # what happened while nobody listened
            async for notice in news:
                for event in self._followers.get(notice.payload, ()):
                    event.set()

    def _wake_all(self) -> None:
        for events in self._followers.values():
            for event in events:
                event.set()
