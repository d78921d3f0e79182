"""`make bench`: everything is measured once, and told in one table."""

import os

from tests.bench import bench_backfill, bench_lists, bench_sandbox, bench_search, bench_webhooks
from tests.bench.figures import Figure, say, table


def main() -> None:
    say(f"Load before: {_load()} on {os.cpu_count()} cores. On a busy machine figures say more about the neighbours.")
    figures = [*_backfill(), *_webhooks(), *_lists(), *_finding(), *_sandbox()]
    say(f"\n{table(figures)}\n\nLoad after: {_load()}")


def _backfill() -> list[Figure]:
    result = bench_backfill.measure()
    say(f"Backfill: {result}")
    thousand = result.objects / 1_000
    together = (result.copying + result.database) / thousand
    return [
        Figure("Backfill", result.objects / result.seconds, "charges/s", 10_000, more_is_better=True),
        Figure("Backfill, CPU with PostgreSQL", together, "s per 1,000", 0.11),
        Figure("Backfill, memory", result.most_mb, "MB", 80),
    ]


def _webhooks() -> list[Figure]:
    figures = []
    for workers in (1, 2):
        result = bench_webhooks.measure(bench_webhooks.EVENTS, workers)
        name = f"Webhooks, {workers} process{'es' if workers > 1 else ''}"
        say(f"{name}: {result}")
        figures += [
            Figure(name, result.rate, "events/s", 3_000, more_is_better=True),
            Figure(f"{name}, p99", result.percentile(0.99) * 1e3, "ms", 15),
            Figure(f"{name}, CPU of all parts", result.cpu_of_one * 1e6, "µs an event"),
        ]
    return figures


def _lists() -> list[Figure]:
    pages, downloads = bench_lists.measure()
    figures = []
    for label, page in pages.items():
        say(f"List, {label}: {page}")
        figures.append(Figure(f"List, {label}", page.median, "ms", 6))
    for end, download in downloads.items():
        say(f"List, {end}: {download}")
        figures += [
            Figure(f"List, {end}, a million lines", download.million, "s", 3 if end == "csv" else None),
            Figure(f"List, {end}, first byte", download.first, "ms", 100),
            Figure(f"List, {end}, growth of memory", download.grown_mb, "MB", 20),
        ]
    return figures


def _finding() -> list[Figure]:
    """On a tenth of the large shop, which takes a minute to make and not ten."""
    figures = []
    for label, times in bench_search.measure(bench_search.CUSTOMERS // 10, bench_search.CHARGES // 10).items():
        say(f"Finding, {label}: {times}")
        figures.append(Figure(f"Finding, {label}, p95", times.p95, "ms", 200 if label.startswith("list") else 10))
    return figures


def _sandbox() -> list[Figure]:
    result = bench_sandbox.measure()
    say(f"Sandbox: {result}")
    return [
        Figure("Sandbox, seeding", result.charges / result.seeding, "charges/s"),
        Figure("Sandbox, page of 100", result.page, "ms", 5),
        Figure("Sandbox, a write", result.write, "ms", 5),
        Figure("Sandbox, a paid charge", result.payment, "ms", 5),
        Figure("Sandbox, sixty days", result.sixty_days, "s", 30),
    ]


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


if __name__ == "__main__":
    main()
