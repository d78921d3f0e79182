"""What a handler of the control plane gets: the running sandbox and the JSON it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.sandbox.server import Sandbox


@dataclass(frozen=True)
class Ask:
    sandbox: Sandbox
    given: dict[str, Any]
    """The body, and what stood in the query."""
