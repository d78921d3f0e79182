"""Somebody at a real web process, without the browser's looks: cookies, tokens, forms."""

import re

import requests

from tests.stack import Stack

PASSWORD = "four unrelated words"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """Signed in with a session of its own."""

    def __init__(self, stack: Stack, email: str) -> None:
        self.url = stack.url
        self.http = requests.Session()
        self.http.trust_env = False
        self.token = self._token("/login")
        self.post("/login", {"email": email, "password": PASSWORD})
        self.token = self._token("/login/again")

    def get(self, path: str) -> requests.Response:
        return self.http.get(self.url + path, timeout=40)

    def post(self, path: str, form: dict[str, str]) -> requests.Response:
        """Not followed: what a form leads to is the answer."""
        sent = {"csrf_token": self.token, **form}
        return self.http.post(self.url + path, data=sent, timeout=40, allow_redirects=False)

    def _token(self, path: str) -> str:
        found = _TOKEN.search(self.get(path).text)
        assert found, path
        return found.group(1)
