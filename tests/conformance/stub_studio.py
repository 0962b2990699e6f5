"""A studio for other processes to call: a real API and a real worker, which draws with the fake generator.

Run as `python stub_studio.py api|worker`; settings come from the environment. The API picks a free port and
prints it.
"""

import os
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from unstrung.studio.logs import set_up_logs
from unstrung.studio.settings import load_settings
from unstrung.studio.supervisor import stop_when_orphaned


def main() -> None:
    """Run one part until SIGTERM."""
    stop_when_orphaned()
    if sys.argv[1] == "worker":
        # Each part imports only what it needs: starting is most of what some tests wait for.
        from studio.fakes import EVERYTHING, FakeGenerator
        from unstrung.studio.worker import run_worker

        settings = load_settings()
        set_up_logs("json", os.environ.get("STUB_LOG", "warning"))
        if os.environ.get("STUB_ENGINE"):  # the shipped model, for a run by hand
            from unstrung.studio.generator import EngineGenerator

            run_worker(settings, EngineGenerator())
            return
        abilities = None if os.environ.get("STUB_ABILITIES") == "mini" else EVERYTHING
        generator = FakeGenerator(
            abilities,
            num_steps=int(os.environ.get("STUB_STEPS", "4")),
            step_s=float(os.environ.get("STUB_STEP_S", "0.05")),
        )
        run_worker(settings, generator)
        return
    import uvicorn

    from unstrung.studio.app import create_app

    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", int(os.environ.get("STUB_PORT", "0"))))
    port = listening.getsockname()[1]
    settings = load_settings({"port": port})
    set_up_logs("json", os.environ.get("STUB_LOG", "warning"))
    print(port, flush=True)
    config = uvicorn.Config(create_app(settings), log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
