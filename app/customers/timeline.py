"""All that happened to a person, each thing once: Stripe's events, acts of staff, mails, notes, and what jobs did."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import text

from app.audit.masked import readable
from app.audit.sentences import label, sentence
from app.database import db
from app.models.audit_log import AuditLog
from app.web.admin import may, sees
from app.web.history import WORDS, Told
from app.web.pages import page_of
from app.web.people import visible
from app.web.permissions import Permission

# Who looked at the page is worth knowing and would bury everything else.
KINDS = {"stripe": "Stripe", "staff": "Staff", "job": "Jobs", "note": "Notes", "mail": "Mails", "access": "Who looked"}
USUAL = tuple(kind for kind in KINDS if kind != "access")
PAGE = 50
# The row itself says these: a note by its words, a mail by its subject, Stripe's answer by Stripe's event.
_SAID_OTHERWISE = "('note.added', 'note.edited', 'mail.queued', 'refund.answered')"

# What belongs to the person, by the names the audit trail has. `:ids` are customers.
THINGS = """
    paid AS (SELECT id, payment_intent_id FROM charges WHERE customer_id = ANY(:ids) AND account_id = :account_id),
    things (type, id) AS (
        SELECT 'customer', unnest(CAST(:ids AS text[]))
        UNION SELECT 'charge', id FROM paid
        UNION SELECT 'payment_intent', id FROM payment_intents WHERE customer_id = ANY(:ids) AND account_id = :account_id
        UNION SELECT 'setup_intent', id FROM setup_intents WHERE customer_id = ANY(:ids) AND account_id = :account_id
        UNION SELECT 'payment_method', id FROM payment_methods WHERE customer_id = ANY(:ids) AND account_id = :account_id
        UNION SELECT 'mandate', id FROM mandates WHERE customer_id = ANY(:ids) AND account_id = :account_id
        UNION SELECT 'subscription', id FROM subscriptions WHERE customer_id = ANY(:ids) AND account_id = :account_id
        UNION SELECT 'invoice', id FROM invoices WHERE customer_id = ANY(:ids) AND account_id = :account_id
        UNION SELECT 'checkout.session', id FROM checkout_sessions WHERE customer_id = ANY(:ids) AND account_id = :account_id
        UNION SELECT 'refund', r.id::text FROM refunds r JOIN paid ON paid.id = r.charge_id WHERE r.account_id = :account_id
        UNION SELECT 'refund.stripe', r.stripe_id FROM refunds r JOIN paid ON paid.id = r.charge_id
               WHERE r.account_id = :account_id AND r.stripe_id IS NOT NULL
        UNION SELECT 'dispute', d.id FROM disputes d JOIN paid ON paid.id = d.charge_id WHERE d.account_id = :account_id
    )"""
# Each part is ordered and cut by itself, so that a long history costs one page and not itself.
_PARTS = f"""
    (SELECT created_at AS at, 'stripe:' || id AS key, 'stripe' AS kind, id AS ref FROM webhook_events
      WHERE customer_id = ANY(:ids) AND account_id = :account_id AND created_at <= CAST(:at AS timestamptz)
        AND (created_at, 'stripe:' || id) < (CAST(:at AS timestamptz), :key) AND 'stripe' = ANY(:kinds)
      ORDER BY 1 DESC, 2 DESC LIMIT :limit)
    UNION ALL
    (SELECT e.created_at, 'stripe:' || e.id, 'stripe', e.id FROM webhook_events e
      WHERE e.object_id IN (SELECT id FROM things) AND e.account_id = :account_id AND e.customer_id IS NULL
        AND (e.created_at, 'stripe:' || e.id) < (CAST(:at AS timestamptz), :key) AND 'stripe' = ANY(:kinds)
      ORDER BY 1 DESC, 2 DESC LIMIT :limit)
    UNION ALL
    (SELECT a.at, 'act:' || lpad(a.id::text, 19, '0'), a.kind, a.id::text FROM (
        SELECT *, CASE WHEN action IN ('personal.read', 'personal.opened', 'timeline.exported') THEN 'access'
            WHEN action IN ('personal.unmasked', 'personal.hidden') AND NOT 'staff' = ANY(:kinds) THEN 'access'
            WHEN actor_kind IN ('job', 'command') THEN 'job'
            WHEN actor_kind = 'stripe' THEN 'stripe' ELSE 'staff' END AS kind FROM audit_logs) AS a
      JOIN things ON things.type = a.object_type AND things.id = a.object_id
      WHERE a.action NOT IN {_SAID_OTHERWISE} AND a.kind = ANY(:kinds)
        AND (a.at, 'act:' || lpad(a.id::text, 19, '0')) < (CAST(:at AS timestamptz), :key)
      ORDER BY 1 DESC, 2 DESC LIMIT :limit)
    UNION ALL
    (SELECT n.written_at, 'note:' || lpad(n.id::text, 19, '0'), 'note', n.id::text FROM notes n
      JOIN things ON things.type = n.subject_type AND things.id = n.subject_id
      WHERE n.account_id = :account_id AND 'note' = ANY(:kinds)
        AND (n.written_at, 'note:' || lpad(n.id::text, 19, '0')) < (CAST(:at AS timestamptz), :key)
      ORDER BY 1 DESC, 2 DESC LIMIT :limit)
    UNION ALL
    (SELECT m.queued_at, 'mail:' || m.id, 'mail', m.id::text FROM mails m
      WHERE m.account_id = :account_id AND m.customer_id = ANY(:ids) AND 'mail' = ANY(:kinds)
        AND (m.queued_at, 'mail:' || m.id) < (CAST(:at AS timestamptz), :key)
      ORDER BY 1 DESC, 2 DESC LIMIT :limit)
"""
# The words are fetched for one page only, by key.
_PAGE = text(f"""
    WITH {THINGS}, lines AS ({_PARTS}
      ORDER BY 1 DESC, 2 DESC LIMIT :limit)
    SELECT lines.at, lines.key, lines.kind, to_jsonb(a) AS act, e.id AS event_id, e.type AS event_type, e.object_id,
           n.words, n.replaced_at, n.version, n.written_by, n.subject_type, n.subject_id, m.subject, m.state AS mail_state,
           m.asked_by, m.id AS mail_id
      FROM lines
      LEFT JOIN webhook_events e ON lines.key LIKE 'stripe:%' AND e.id = lines.ref
      LEFT JOIN audit_logs a ON lines.key LIKE 'act:%' AND a.id = CASE WHEN lines.key LIKE 'act:%' THEN lines.ref::bigint END
      LEFT JOIN notes n ON lines.kind = 'note' AND n.id = CASE WHEN lines.kind = 'note' THEN lines.ref::bigint END
      LEFT JOIN mails m ON lines.kind = 'mail' AND m.id = CASE WHEN lines.kind = 'mail' THEN lines.ref::uuid END
     ORDER BY lines.at DESC, lines.key DESC
""")


@dataclass(frozen=True, slots=True)
class Happening:
    """One line. `key` orders those of one instant, and is what a page begins after. `source`: the id of what it is about."""

    at: datetime
    key: str
    kind: str
    title: str
    actor: str
    text: str | None
    source: str | None
    url: str | None
    tone: str = "calm"
    icon: str = "point"


def page(  # noqa: PLR0913 - all but two by name
    ids: Sequence[str],
    account_id: int,
    *,
    kinds: Sequence[str] = USUAL,
    after: tuple[datetime, str] | None = None,
    size: int = PAGE,
    here: bool = False,
) -> list[Happening]:
    """The newest `size` happenings of these customers that are older than `after`; one query.

    here: for their page, where what was unmasked of all of them shows; a download stays masked.
    """
    at, key = (after[0].isoformat(), after[1]) if after else ("infinity", "")
    asked = {"ids": list(ids), "account_id": account_id, "kinds": list(kinds), "limit": size, "at": at, "key": key}
    of = ids[0] if here and ids and all(map(sees, ids)) else None
    return [_happening(row, of) for row in db.session.execute(_PAGE, asked)]


def every(ids: Sequence[str], account_id: int, *, kinds: Sequence[str], size: int) -> Iterator[list[Happening]]:
    """All of them, a batch at a time."""
    after = None
    while batch := page(ids, account_id, kinds=kinds, after=after, size=size):
        after = (batch[-1].at, batch[-1].key)
        db.session.rollback()
        yield batch


def _happening(row: Any, of: str | None) -> Happening:
    match row.key.partition(":")[0]:
        case "note":
            return _note(row, of)
        case "mail":
            return _mail(row, of)
        case "act":
            return _act(row, of)
    words = WORDS.get(row.event_type) or Told(row.event_type)
    seen = may(Permission.EVENT_READ)
    url = url_for("webhooks.details", event_id=row.event_id) if seen else _page_by_id(row.object_id or "")
    return Happening(row.at, row.key, row.kind, words.title, "Stripe", None, row.object_id, url, words.tone, words.icon)


def _act(row: Any, of: str | None) -> Happening:
    names = ("actor_kind", "actor", "action", "object_type", "object_id", "reason", "before", "after")
    act = readable(AuditLog(**{name: row.act[name] for name in names}), of=of)
    icon = {"staff": "user", "job": "robot", "access": "eye"}.get(row.kind, "arrows-exchange")
    title = label(act.action) if row.kind == "access" else sentence(act)
    tone = "note" if row.kind == "staff" else "calm"
    url = page_of(act.object_type, act.object_id)
    actor = "Stripe" if act.actor_kind == "stripe" else act.actor
    return Happening(row.at, row.key, row.kind, title, actor, act.reason, act.object_id, url, tone, icon)


def _note(row: Any, of: str | None) -> Happening:
    title = "Note" if row.version == 1 else "Note changed"
    url = page_of(row.subject_type, row.subject_id)
    # What was changed or removed since is read in the note's own history.
    said = visible(row.words, of=of) if row.replaced_at is None else "Changed or removed since."
    return Happening(row.at, row.key, row.kind, title, row.written_by, said, row.subject_id, url, "note", "note")


def _mail(row: Any, of: str | None) -> Happening:
    url = url_for("mails.details", key=row.mail_id) if may(Permission.MAIL_READ) else None
    title = f"Mail: {visible(row.subject, of=of)}"
    return Happening(
        row.at,
        row.key,
        row.kind,
        title,
        row.asked_by,
        row.mail_state.capitalize(),
        str(row.mail_id),
        url,
        "calm",
        "mail",
    )


def _page_by_id(object_id: str) -> str | None:
    beginnings = {"ch_": "charge", "py_": "charge", "dp_": "dispute", "du_": "dispute"}
    kind = beginnings.get(object_id[:3])
    return page_of(kind, object_id) if kind else None
