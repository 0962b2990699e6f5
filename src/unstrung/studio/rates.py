"""How many requests a key may send, or an address without one, counted by the `limits` library."""

import time
from typing import Final

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string
from starlette.responses import Response

from unstrung.studio.errors import ConfigurationError, TooMany
from unstrung.studio.settings import Settings

_REQUESTS: Final = "requests"
_CREATIONS: Final = "creations"
_READINGS: Final = "readings without a key"
_VISITS: Final = "calls without a key"
_APPLICATIONS: Final = "applications"


class Rates:
    """Counts what keys spend.

    In memory each API process counts for itself; with a Redis behind `UNSTRUNG_RATE_LIMIT_STORAGE` all count
    together.
    """

    def __init__(self, settings: Settings) -> None:
        """Open the storage of the counts.

        Raises:
            ConfigurationError: if the storage is not known.
        """
        try:
            storage = storage_from_string(settings.rate_limit_storage)
            # Two counts for each key. An exact window would keep every request, and its memory storage looks
            # through all keys in a thread each time, which costs more than the requests themselves.
            self._limiter = SlidingWindowCounterRateLimiter(storage)
        except Exception as error:
            raise ConfigurationError(
                f"UNSTRUNG_RATE_LIMIT_STORAGE: {error}; try async+memory://"
            ) from error
        self._limits: dict[str, RateLimitItem] = {
            _REQUESTS: RateLimitItemPerMinute(settings.requests_per_minute),
            _CREATIONS: RateLimitItemPerMinute(settings.creations_per_minute),
            _READINGS: RateLimitItemPerMinute(settings.requests_per_minute),
            _VISITS: RateLimitItemPerMinute(settings.visits_per_minute),
            _APPLICATIONS: RateLimitItemPerHour(settings.applications_per_hour),
        }

    async def spend(self, key_id: str, response: Response) -> None:
        """Count a request of a key, and tell what is left in the headers of the closed API.

        Raises:
            TooMany: with the seconds to wait.
        """
        left = await self._spend(_REQUESTS, key_id)
        limit = self._limits[_REQUESTS]
        response.headers["x-ratelimit-limit-requests"] = str(limit.amount)
        response.headers["x-ratelimit-remaining-requests"] = str(left)

    async def spend_creation(self, key_id: str) -> None:
        """Count a video that a key begins.

        Raises:
            TooMany: with the seconds to wait.
        """
        await self._spend(_CREATIONS, key_id)

    async def spend_visit(self, address: str) -> None:
        """Count a call without a key.

        Raises:
            TooMany: with the seconds to wait.
        """
        await self._spend(_VISITS, address, "This address")

    async def spend_reading(self, address: str) -> None:
        """Count a reading of what is public.

        Raises:
            TooMany: with the seconds to wait.
        """
        await self._spend(_READINGS, address, "This address")

    async def spend_application(self, address: str) -> None:
        """Count an application.

        Raises:
            TooMany: with the seconds to wait.
        """
        await self._spend(_APPLICATIONS, address, "This address")

    async def _spend(self, what: str, name: str, who: str = "This key") -> int:
        limit = self._limits[what]
        within = await self._limiter.hit(limit, what, name)
        window = await self._limiter.get_window_stats(limit, what, name)
        if not within:
            wait = max(1, round(window.reset_time - time.time()))
            raise TooMany(
                f"{who} sent more than {limit.amount} {what} within {_span(limit)}; wait {wait} s.",
                retry_after_s=wait,
            )
        return window.remaining


def _span(limit: RateLimitItem) -> str:
    return "an hour" if isinstance(limit, RateLimitItemPerHour) else "a minute"
