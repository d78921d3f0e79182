"""The acts that can need another person's word. Features write their line, the factory puts the table together."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flask import Flask, current_app

from app.errors import Unknown
from app.models.approval import Approval
from app.web.permissions import Permission

_TABLE = "approvals.acts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act: what it is called, who may ask for it, who may agree to it, and how it is carried out.

    name: its name in the tables, like `refund`; never changed once it was used. label: as people say it.
    execute: do it, and say in words what came of it. The facts are checked again in it, under a lock. A DomainError says in words
        why it cannot be done any more; GatewayUnavailable that it has to be tried again. It may be called again after a crash:
        whatever it does is keyed by `approval.id`.
    in_transaction: `execute` runs inside the transaction that marks the request as done, opens none of its own and calls nobody
        outside; then it happens exactly once by itself.
    facts: what is true now, in words by name; shown beside what was true when it was asked for.
    url: the page of what it is about. on_by_default: holds until an admin sets something else.
    with_amounts: it is about money, so that its rule may begin at an amount.
    """

    name: str
    label: str
    ask: Permission
    approve: Permission
    execute: Callable[[Approval], str]
    in_transaction: bool = False
    facts: Callable[[Approval], Mapping[str, str]] = lambda _approval: {}
    url: Callable[[Approval], str | None] = lambda _approval: None
    on_by_default: bool = False
    with_amounts: bool = False


def init_four_eyes(app: Flask, acts: Iterable[Act]) -> None:
    """Say once which acts there are."""
    app.extensions[_TABLE] = {act.name: act for act in acts}


def every() -> tuple[Act, ...]:
    table: dict[str, Act] = current_app.extensions[_TABLE]
    return tuple(table.values())


def of(name: str) -> Act:
    """The act of this name.

    Raises:
        Unknown: there is none, or not any more.
    """
    table: dict[str, Act] = current_app.extensions[_TABLE]
    if name not in table:
        raise Unknown("There is no such act.")
    return table[name]


def label_of(name: str) -> str:
    """Also of an act that a later version of the program does not know."""
    table: dict[str, Act] = current_app.extensions[_TABLE]
    return table[name].label if name in table else name.replace(".", " ").capitalize()
