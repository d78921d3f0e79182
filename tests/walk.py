"""A walk through the desk: from the menu on, along every link, to one page (or a few) of each kind."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

from flask import Flask
from playwright.sync_api import Page
from werkzeug.exceptions import HTTPException

# Files, and what has no looks of its own.
_NO_PAGE = ("export", "static", "state", "health", "metrics", "file", "pdf", "download", "openapi")
_ENDS = (".csv", ".xlsx", ".jsonl", ".zip", ".pdf", ".json")
# A details page looks different by what it is about: another state, another method.
_OF_EACH = 2


def links_of(page: Page) -> list[str]:
    """Where the links of the page in this window lead, as they are written."""
    found: list[str] = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
    return found


class Walk:
    """Goes where links lead, each kind of page at most twice. `kinds`: the endpoints seen, with how often.

    `app` only tells which address belongs to which page; it is asked for nothing.
    """

    def __init__(self, app: Flask, base: str) -> None:
        self._known = app.url_map.bind(urlsplit(base).netloc)
        self._base = base
        self.kinds: Counter[str] = Counter()

    def pages(self, links: Callable[[], list[str]], start: str = "/admin/") -> Iterator[tuple[str, str]]:
        """(endpoint, address) of each page to look at; open it before going on, because its links are followed.

        links: the `href` of every link of the page that is open.
        """
        waiting, seen = deque([start]), {start}
        while waiting:
            path = waiting.popleft()
            endpoint = self._endpoint(path)
            if endpoint is None or self.kinds[endpoint] >= _OF_EACH:
                continue
            self.kinds[endpoint] += 1
            yield endpoint, path
            for link in self._mine(links(), path):
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)

    def _mine(self, links: list[str], path: str) -> list[str]:
        whole = [urlsplit(urljoin(self._base + path, link)) for link in links]
        mine = [parts for parts in whole if f"{parts.scheme}://{parts.netloc}" == self._base]
        # Sorting, paging and filters are the same page again; forms that ask `?charge=…` are not.
        return [parts.path + (f"?{parts.query}" if parts.path.endswith(("/new", "/edit")) else "") for parts in mine]

    def _endpoint(self, path: str) -> str | None:
        parts = urlsplit(path)
        try:
            endpoint, _ = self._known.match(parts.path, "GET")
        except HTTPException:
            return None
        last = str(endpoint).rpartition(".")[2]
        return None if last.startswith(_NO_PAGE) or parts.path.endswith(_ENDS) else str(endpoint)
