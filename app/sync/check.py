"""Is the mirror what Stripe is? Row by row, and healed where it is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.actor import Actor
from app.audit import trail
from app.database import db, transaction
from app.errors import GatewayRefused
from app.mirror import pull
from app.mirror.fields import Obj, nested
from app.mirror.kinds import KINDS, Kind, Listing
from app.mirror.pull import Reads
from app.sync.compare import HERE, Drift, compare, is_known, known_ids, missing_there
from app.sync.progress import Progress, Silent

_NOT_FOUND = 404
# Columns that say who somebody is, or lead to a page that does.
_PERSONAL = frozenset(
    {
        *("name", "email", "phone", "customer_email", "receipt_email", "billing_details", "acceptance", "evidence"),
        *("description", "metadata", "client_reference_id", "hosted_invoice_url", "invoice_pdf", "receipt_url", "url"),
    }
)


@dataclass
class Report:
    """`compared`: objects by kind. `drifts`: what differs (or differed, when it was healed)."""

    compared: dict[str, int] = field(default_factory=dict)
    drifts: list[Drift] = field(default_factory=list)
    healed: int = 0

    @property
    def is_whole(self) -> bool:
        """Nothing differs (any more)."""
        return not self.drifts or self.healed == len({(drift.kind, drift.id) for drift in self.drifts})


def check(  # noqa: PLR0913 - all but two by name
    gateway: Reads,
    account_id: int,
    *,
    kinds: Sequence[str] = (),
    heal: bool = False,
    actor: Actor | None = None,
    progress: Progress | None = None,
) -> Report:
    """Read everything from Stripe and compare. What differs is asked for once more, because it may have changed meanwhile.

    `heal` reads what differs again into the mirror and writes who did it into the audit trail.
    Raises:
        GatewayUnavailable, GatewayRefused: not everything could be compared.
    """
    report, show = Report(), progress or Silent()
    for kind in (KINDS[name] for name in kinds or KINDS):
        suspects, seen = _suspects(kind, gateway, account_id, show)
        report.compared[kind.object] = seen
        for object_id in sorted(suspects):
            drifts = look_twice(kind, object_id, gateway)
            report.drifts += drifts
            if drifts and heal:
                heal_one(drifts, gateway, account_id, actor or Actor.command("flask sync check"))
                report.healed += 1
    return report


def _suspects(kind: Kind, gateway: Reads, account_id: int, progress: Progress) -> tuple[set[str], int]:
    """Ids that differ at first sight, and how many objects were compared."""
    suspects: set[str] = set()
    seen: set[str] = set()
    for objects in _everything(kind, gateway, account_id):
        suspects |= {drift.id for drift in differences(kind, objects)}
        db.session.rollback()
        seen |= {obj["id"] for obj in objects}
        progress(kind.object, len(objects))
    only_here = known_ids(kind.door, account_id, kind.listed_while) - seen
    db.session.rollback()
    return suspects | only_here, len(seen)


def _everything(kind: Kind, gateway: Reads, account_id: int) -> Iterator[list[Obj]]:
    """All objects of a kind, as Stripe has them now, in batches."""
    if kind.listing is Listing.BY_CREATED:
        paths = [kind.path]
    elif kind.listing is Listing.BY_CUSTOMER:
        customers = known_ids(KINDS["customer"].door, account_id)
        paths = [f"/v1/customers/{customer_id}/payment_methods" for customer_id in sorted(customers)]
    else:
        paths = []
        known = sorted(known_ids(kind.door, account_id))
        db.session.rollback()  # nothing stays open while Stripe is asked
        for object_id in known:
            answer = gateway.look(f"{kind.path}/{object_id}")
            if answer.status != _NOT_FOUND:
                yield [answer.body]
    db.session.rollback()
    for path in paths:
        yield from _pages(kind, path, gateway)


def _pages(kind: Kind, path: str, gateway: Reads) -> Iterator[list[Obj]]:
    try:
        for answer in pull.pages(path, kind.parameters or {}, gateway):
            for obj in answer.data:
                pull.complete(kind, obj, gateway)
            yield answer.data
    except GatewayRefused as refusal:
        if refusal.code != "resource_missing":  # a customer who was deleted a moment ago has no list
            raise


def differences(kind: Kind, objects: Sequence[Obj]) -> list[Drift]:
    """Of the objects, and of what is inside them; those inside count as their parent's."""
    drifts = compare(kind.object, kind.door, objects)
    if kind.family is None:
        return drifts
    for obj in objects:
        children = kind.family.children(obj)
        there = {child["id"] for child in nested(obj, kind.family.name)}
        found = compare(kind.object, kind.family.door, children)
        drifts += [
            Drift(kind.object, obj["id"], f"{kind.family.name} {one.id} {one.field}".strip(), one.local, one.remote)
            for one in found
        ]
        extra = kind.family.ids_of(obj["id"]) - there
        drifts += [Drift(kind.object, obj["id"], f"{kind.family.name} {child}", HERE, None) for child in sorted(extra)]
    return drifts


def look_twice(kind: Kind, object_id: str, gateway: Reads) -> list[Drift]:
    """Ask for this one object and compare again: webhooks may have been faster than our pages."""
    answer = gateway.look(f"{kind.path}/{object_id}")
    if answer.status == _NOT_FOUND or answer.body.get("deleted") is True:
        is_here = is_known(kind.door, object_id)
        db.session.rollback()
        return [missing_there(kind.object, object_id)] if is_here else []
    pull.complete(kind, answer.body, gateway)
    drifts = differences(kind, [answer.body])
    db.session.rollback()
    return drifts


def heal_one(drifts: Sequence[Drift], gateway: Reads, account_id: int, actor: Actor) -> None:
    first = drifts[0]
    pull.read_again(first.kind, first.id, gateway, account_id)
    with transaction():
        trail.record(
            actor,
            "sync.healed",
            first.kind,
            first.id,
            account_id=account_id,
            before={drift.field or "object": said(drift.field, drift.local) for drift in drifts},
            after={drift.field or "object": said(drift.field, drift.remote) for drift in drifts},
        )


def said(field: str, value: object) -> str:
    """For the trail, which is for ever and for the auditor as well: it says that a person's data changed, not what it is."""
    is_personal = field.rpartition(" ")[2] in _PERSONAL
    return "personal data" if is_personal and value is not None else str(value)
