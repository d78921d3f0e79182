"""Who may do what. Read the matrix like a table; a route that names no permission is open to nobody."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from flask import Flask

View = TypeVar("View", bound=Callable[..., Any])


class Access(StrEnum):
    """Doors that are no permission of a role; a route says one of them out loud or names a Permission."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"


class Permission(StrEnum):
    """One thing a person may do. `label` is what the matrix page calls it."""

    CUSTOMER_READ = "customer.read"
    PERSONAL_READ = "personal.read"
    NOTE_WRITE = "note.write"
    CUSTOMER_LINK = "customer.link"
    CUSTOMER_EXPORT = "customer.export"
    CUSTOMER_ERASE = "customer.erase"
    PERSONAL_UNMASK = "personal.unmask"
    METHOD_MANAGE = "method.manage"
    CHARGE_READ = "charge.read"
    CHARGE_CAPTURE = "charge.capture"
    RISK_READ = "risk.read"
    RISK_DECIDE = "risk.decide"
    FRAUD_RESOLVE = "fraud.resolve"
    PAYMENT_LINK_MANAGE = "payment_link.manage"
    REFUND_READ = "refund.read"
    REFUND_CREATE = "refund.create"
    REFUND_APPROVE = "refund.approve"
    DISPUTE_READ = "dispute.read"
    DISPUTE_EVIDENCE = "dispute.evidence"
    DISPUTE_SUBMIT = "dispute.submit"
    DISPUTE_ACCEPT = "dispute.accept"
    DISPUTE_FEE = "dispute.fee"
    PAYOUT_READ = "payout.read"
    RECEIPT_SEND = "receipt.send"
    ALERT_MANAGE = "alert.manage"
    MAIL_READ = "mail.read"
    MAIL_SEND = "mail.send"
    EXPORT = "export"
    EVENT_READ = "event.read"
    EVENT_REPLAY = "event.replay"
    JOB_READ = "job.read"
    JOB_MANAGE = "job.manage"
    SYNC = "sync"
    AUDIT_READ = "audit.read"
    STAFF_READ = "staff.read"
    STAFF_MANAGE = "staff.manage"
    APPROVAL_READ = "approval.read"
    ACT_READ = "act.read"
    ACT_WITHDRAW = "act.withdraw"
    RULES_MANAGE = "rules.manage"
    API_KEY_MANAGE = "api_key.manage"

    @property
    def label(self) -> str:
        return LABELS[self]


Need = Access | Permission
PUBLIC = Access.PUBLIC
SIGNED_IN = Access.SIGNED_IN

LABELS: dict[Permission, str] = {
    Permission.CUSTOMER_READ: "See customers",
    Permission.PERSONAL_READ: "See e-mail addresses, phone numbers and addresses in full",
    Permission.NOTE_WRITE: "Write notes, tags and own fields",
    Permission.CUSTOMER_LINK: "Link customers who are one person",
    Permission.CUSTOMER_EXPORT: "Hand out all that is kept of one person",
    Permission.CUSTOMER_ERASE: "Erase a person for good, and agree to it",
    Permission.PERSONAL_UNMASK: "Show one person's data in full for ten minutes, with a reason",
    Permission.METHOD_MANAGE: "Change how customers pay: defaults, detaching, update links, and stopped debits",
    Permission.CHARGE_READ: "See payments",
    Permission.CHARGE_CAPTURE: "Capture and cancel payments that are only held",
    Permission.PAYMENT_LINK_MANAGE: "Make and close payment links",
    Permission.RISK_READ: "See reviews, fraud warnings, blocked payments and the block list",
    Permission.RISK_DECIDE: "Approve reviews, and change the block list",
    Permission.FRAUD_RESOLVE: "Say for good what became of an early fraud warning",
    Permission.REFUND_READ: "See refunds",
    Permission.REFUND_CREATE: "Give money back",
    Permission.REFUND_APPROVE: "Agree to refunds above somebody's limit",
    Permission.DISPUTE_READ: "See disputes",
    Permission.DISPUTE_EVIDENCE: "Write evidence, and see in it what it must say of the customer",
    Permission.DISPUTE_SUBMIT: "Submit evidence to the bank",
    Permission.DISPUTE_ACCEPT: "Accept disputes, which gives the money up",
    Permission.DISPUTE_FEE: "Agree to a network’s fee for answering",
    Permission.PAYOUT_READ: "See payouts and the balance",
    Permission.RECEIPT_SEND: "Send and download receipts",
    Permission.ALERT_MANAGE: "Make alert rules, and see what was told",
    Permission.MAIL_READ: "See mails that were written",
    Permission.MAIL_SEND: "Send mails again, or keep them back",
    Permission.EXPORT: "Download lists",
    Permission.EVENT_READ: "See webhook events",
    Permission.EVENT_REPLAY: "Replay webhook events, or let them be",
    Permission.JOB_READ: "See jobs",
    Permission.JOB_MANAGE: "Run, pause and move jobs, and change what they are told",
    Permission.SYNC: "Read objects again from Stripe",
    Permission.AUDIT_READ: "See the audit trail",
    Permission.STAFF_READ: "See who works here, and what each role may do",
    Permission.STAFF_MANAGE: "Invite people, change roles and what they may do, and end or restore access",
    Permission.APPROVAL_READ: "See what waits for another person's word",
    Permission.ACT_READ: "See all that was asked of Stripe, and what became of it",
    Permission.ACT_WITHDRAW: "Give up what never reached Stripe",
    Permission.RULES_MANAGE: "Change limits, reasons, and what needs another person's word",
    Permission.API_KEY_MANAGE: "Make and revoke keys for programs",
}

_SHOP = {
    Permission.CUSTOMER_READ,
    Permission.CHARGE_READ,
    Permission.REFUND_READ,
    Permission.DISPUTE_READ,
    Permission.RISK_READ,
}
_ANSWER = {Permission.DISPUTE_EVIDENCE, Permission.DISPUTE_SUBMIT, Permission.DISPUTE_ACCEPT}

# What a program can be allowed. Never what decides about people, rules or other keys, and never another person's word.
FOR_KEYS = frozenset(
    {
        Permission.CUSTOMER_READ,
        Permission.PERSONAL_READ,
        Permission.CHARGE_READ,
        Permission.REFUND_READ,
        Permission.REFUND_CREATE,
        Permission.DISPUTE_READ,
        Permission.PAYOUT_READ,
        Permission.EVENT_READ,
        Permission.SYNC,
    }
)

# Nobody can take these from admins, or nobody could give anything back.
ADMINS_KEEP = frozenset({Permission.STAFF_READ, Permission.STAFF_MANAGE})

# The presets of RULES B8, Stripe's own roles translated to this house.
ROLES: dict[str, frozenset[Permission]] = {
    "admin": frozenset(Permission),
    "finance": frozenset(
        _SHOP
        | _ANSWER
        | {
            Permission.DISPUTE_FEE,
            Permission.NOTE_WRITE,
            Permission.METHOD_MANAGE,
            Permission.PAYMENT_LINK_MANAGE,
            Permission.CUSTOMER_LINK,
            Permission.PERSONAL_READ,
            Permission.REFUND_CREATE,
            Permission.REFUND_APPROVE,
            Permission.APPROVAL_READ,
            Permission.ACT_READ,
            Permission.ACT_WITHDRAW,
            Permission.CHARGE_CAPTURE,
            Permission.RISK_DECIDE,
            Permission.FRAUD_RESOLVE,
            Permission.PAYOUT_READ,
            Permission.ALERT_MANAGE,
            Permission.MAIL_READ,
            Permission.MAIL_SEND,
            Permission.RECEIPT_SEND,
            Permission.EXPORT,
            Permission.SYNC,
        }
    ),
    "support_lead": frozenset(
        _SHOP
        | _ANSWER
        | {
            Permission.NOTE_WRITE,
            Permission.METHOD_MANAGE,
            Permission.PAYMENT_LINK_MANAGE,
            Permission.CUSTOMER_LINK,
            Permission.CUSTOMER_EXPORT,
            Permission.CUSTOMER_ERASE,
            Permission.PERSONAL_READ,
            Permission.REFUND_CREATE,
            Permission.ALERT_MANAGE,
            Permission.MAIL_READ,
            Permission.MAIL_SEND,
            Permission.RECEIPT_SEND,
            Permission.REFUND_APPROVE,
            Permission.APPROVAL_READ,
            Permission.ACT_READ,
            Permission.ACT_WITHDRAW,
            Permission.CHARGE_CAPTURE,
            Permission.RISK_DECIDE,
            Permission.FRAUD_RESOLVE,
            Permission.EXPORT,
            Permission.SYNC,
            Permission.STAFF_READ,
        }
    ),
    "support": frozenset(
        _SHOP
        | {
            Permission.NOTE_WRITE,
            Permission.METHOD_MANAGE,
            Permission.PAYMENT_LINK_MANAGE,
            Permission.CUSTOMER_LINK,
            Permission.PERSONAL_READ,
            Permission.REFUND_CREATE,
            Permission.CHARGE_CAPTURE,
            Permission.MAIL_READ,
            Permission.MAIL_SEND,
            Permission.RECEIPT_SEND,
            Permission.APPROVAL_READ,
            Permission.ACT_READ,
            Permission.SYNC,
        }
    ),
    # Addresses stay masked until there is a reason to look, but on the page of the evidence, which has to say who somebody is.
    "dispute_analyst": frozenset(
        _SHOP
        | _ANSWER
        | {
            Permission.NOTE_WRITE,
            Permission.APPROVAL_READ,
            Permission.ACT_READ,
            Permission.FRAUD_RESOLVE,
            Permission.PERSONAL_UNMASK,
            Permission.SYNC,
        }
    ),
    "developer": frozenset(
        _SHOP
        | {
            Permission.EVENT_READ,
            Permission.EVENT_REPLAY,
            Permission.ACT_READ,
            Permission.JOB_READ,
            Permission.JOB_MANAGE,
            Permission.ALERT_MANAGE,
            Permission.MAIL_READ,
            Permission.SYNC,
        }
    ),
    # Sees the trail and nothing else.
    "auditor": frozenset({Permission.AUDIT_READ, Permission.EXPORT}),
    "view_only": frozenset(_SHOP),
}

ROLE_NAMES: dict[str, str] = {
    "admin": "Admin",
    "finance": "Finance",
    "support_lead": "Support lead",
    "support": "Support",
    "dispute_analyst": "Dispute analyst",
    "developer": "Developer",
    "auditor": "Auditor",
    "view_only": "View only",
}


def needs(need: Need) -> Callable[[View], View]:
    """Name what a view function needs; on a method of a StaffView it comes on top of the class's `permission`."""

    def name(view: View) -> View:
        view.needs = need  # type: ignore[attr-defined]
        return view

    return name


def needs_of(app: Flask, endpoint: str) -> tuple[Need, ...]:
    """All a person needs for this endpoint; empty when nobody said so, which means nobody may.

    A Flask-Admin route is a bound method, so the class it belongs to is asked as well.
    """
    view = app.view_functions[endpoint]
    owner = getattr(view, "__self__", None)
    found = (getattr(owner, "permission", None), getattr(view, "needs", None))
    return tuple(need for need in found if need is not None)


def granted(role: str, changes: Mapping[str, bool] | None) -> frozenset[Permission]:
    """What a role may: its preset with what the shop changed about it. An unknown role may nothing.

    changes: rows of `role_permissions`, permission → granted; a permission this program does not know is passed over.
    """
    preset = ROLES.get(role, frozenset())
    if not changes:
        return preset
    known = {Permission(name): given for name, given in changes.items() if name in _NAMES}
    more = {permission for permission, given in known.items() if given}
    less = {permission for permission, given in known.items() if not given}
    return (preset | more) - less


def may(role: str, need: Need) -> bool:
    """Whether a signed-in person of this role meets `need` by the presets; an unknown role may nothing."""
    return isinstance(need, Access) or need in ROLES.get(role, frozenset())


_NAMES = frozenset(permission.value for permission in Permission)
