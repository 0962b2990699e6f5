"""Figures for Prometheus, of the API and of a worker; each process has a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_RUN_BUCKETS = (1, 2, 5, 10, 20, 40, 80, 160, 320, 640)


class ApiMetrics:
    """What the API has answered, and how long the queue is."""

    def __init__(self) -> None:
        """Make the figures, all at zero."""
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "unstrung_requests_total", "Requests answered", ["method", "route", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "unstrung_request_seconds", "Seconds to answer a request", ["method", "route"],
            buckets=_REQUEST_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.queued = Gauge("unstrung_videos_queued", "Videos that wait", registry=self.registry)
        self.running = Gauge("unstrung_videos_running", "Videos being made", registry=self.registry)
        self.workers = Gauge("unstrung_workers", "Workers alive", registry=self.registry)

    def text(self) -> bytes:
        """All figures in Prometheus' text form."""
        return generate_latest(self.registry)


class WorkerMetrics:
    """What a worker has made."""

    def __init__(self) -> None:
        """Make the figures, all at zero."""
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "unstrung_video_seconds", "Seconds to make a video",
            buckets=_RUN_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._failed = Counter(
            "unstrung_videos_failed_total", "Videos that failed", ["code"], registry=self.registry
        )
        self._lost = Counter(
            "unstrung_videos_lost_total", "Videos cancelled or given to another worker meanwhile",
            registry=self.registry,
        )  # fmt: skip

    def made(self, seconds: float) -> None:
        """Count a video that was completed."""
        self._seconds.observe(seconds)

    def failed(self, code: str) -> None:
        """Count a video that was given up."""
        self._failed.labels(code).inc()

    def lost(self) -> None:
        """Count a video that was taken away."""
        self._lost.inc()

    def text(self) -> bytes:
        """All figures in Prometheus' text form."""
        return generate_latest(self.registry)
