"""The head of the audit trail leaves the database, so that what is cut off behind it is missed."""

from flask import current_app

from app.audit import anchors, chain
from app.database import db, transaction
from app.mail import letters, outbox
from app.mirror import accounts
from app.settings import Settings


def note_audit_head() -> int:
    """Note the head of the audit trail outside the database; fail loudly where one noted earlier is gone."""
    settings: Settings = current_app.extensions["settings"]
    anchors.check(anchors.noted(settings.audit_anchors_dir))
    head = chain.head()
    db.session.rollback()
    if head is None:
        return 0
    anchor = anchors.note(head, settings.audit_anchors_dir)
    if anchor is not None and settings.audit_anchors_to:
        _mail(anchor, settings)
    return int(anchor is not None)


def _mail(anchor: anchors.Anchor, settings: Settings) -> None:
    letter = letters.write("audit.head", day=f"{anchor.noted_at:%-d %B %Y}", line=str(anchor), head=str(anchor.head))
    account_id = accounts.current(settings.livemode).id
    with transaction():
        outbox.post(
            letter,
            to=settings.audit_anchors_to,
            account_id=account_id,
            by="note_audit_head",
            dedup=f"audit.head:{anchor.head}:{anchor.noted_at:%Y-%m-%d}",
        )
