"""How fast a first sync copies charges: read, decoded, written with all their indexes, page by page with its cursor.

`python -m tests.bench.bench_backfill [charges] [threads]`: an embedded PostgreSQL that syncs to disk, a Stripe that reads out
ready-made pages, and one process that copies. Everything shares the cores of one machine. Figures are in docs/performance.md.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import orjson
import psutil
from sqlalchemy import create_engine, text

from app import embedded

ROOT = Path(__file__).parents[2]
CHARGES = 20_000


@dataclass
class Result:
    """`seconds` and `copying` (CPU seconds) are of the run itself; `started_mb` is what the program needs before it begins."""

    objects: int
    seconds: float
    copying: float
    database: float
    started_mb: float
    most_mb: float

    def __str__(self) -> str:
        thousand = self.objects / 1_000
        together = (self.copying + self.database) / thousand
        return (
            f"{self.objects:,} charges in {self.seconds:.2f} s: {self.objects / self.seconds:,.0f}/s; CPU s per 1,000: "
            f"copying {self.copying / thousand:.3f}, PostgreSQL {self.database / thousand:.3f}, together {together:.3f}; "
            f"memory {self.most_mb:.0f} MB, of which {self.started_mb:.0f} before the first page"
        )


def measure(charges: int = CHARGES, threads: int | None = None) -> Result:
    """One first sync into a fresh database. Raises AssertionError when a charge is missing afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database_url = embedded.start(folder / "pg")
        command = [sys.executable, "-m", "tests.canned", str(charges)]
        served = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert served.stdout is not None
            environment = {
                **os.environ,
                "DATABASE_URL": database_url,
                "INSTANCE_DIR": str(folder / "instance"),
                "STRIPE_API_BASE": served.stdout.readline().strip(),
                "LOG_LEVEL": "WARNING",
            }
            flask = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
            subprocess.run(flask, cwd=ROOT, env=environment, check=True, capture_output=True)
            return _copy(database_url, folder / "pg", environment, charges, threads)
        finally:
            served.communicate()
            embedded.stop(folder / "pg")


def _copy(database_url: str, folder: Path, environment: dict[str, str], charges: int, threads: int | None) -> Result:
    before = _database_cpu(folder)
    command = [sys.executable, "-m", "tests.bench.bench_backfill", "copy", str(threads or "")]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    said = orjson.loads(done.stdout)
    time.sleep(0.2)  # the connection's own process has to end before its CPU seconds are its parent's
    database = _database_cpu(folder) - before
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM charges")).scalar() == charges
    engine.dispose()
    return Result(charges, said["seconds"], said["cpu"], database, said["started_mb"], said["most_mb"])


def _run(threads: str) -> None:
    """In a process of its own: the product, one sync of all charges, and what it took."""
    from app.factory import create_app
    from app.gateways.current import gateway
    from app.settings import Settings
    from app.sync import operations

    operations.THREADS = int(threads or operations.THREADS)
    with create_app(Settings.from_env()).app_context():
        started_mb = _most_mb()
        began, used = time.perf_counter(), time.process_time()
        wish = operations.Wish(kinds=("charge",))
        operations.run(gateway().background, livemode=False, take_in=lambda _events: None, wish=wish)
        said = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used}
        sys.stdout.buffer.write(orjson.dumps({**said, "started_mb": started_mb, "most_mb": _most_mb()}))


def _most_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _database_cpu(folder: Path) -> float:
    """CPU seconds so far of the server and all its processes, ended ones included."""
    pid = embedded.status(folder).pid
    assert pid is not None
    server = psutil.Process(pid)
    ended = server.cpu_times()
    total = ended.user + ended.system + ended.children_user + ended.children_system
    for child in server.children():
        with suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            total += times.user + times.system
    return total


def test_backfill() -> None:
    sys.stdout.write(f"\n{measure()}\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["copy"]:
        _run(sys.argv[2])
    else:
        sys.stdout.write(f"{measure(*(int(word) for word in sys.argv[1:]))}\n")
