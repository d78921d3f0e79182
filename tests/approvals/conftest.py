"""Two acts that exist for the tests only: one that writes here, and one that goes out."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flask import Flask

from app.actor import Actor
from app.approvals.acts import Act, init_four_eyes
from app.audit import trail
from app.models.approval import Approval
from app.staff import operations as staff
from app.web.permissions import Permission


@dataclass
class Probe:
    """What was carried out, and what the next execution is to run into."""

    done: list[str] = field(default_factory=list)
    trouble: Exception | None = None
    left: str = "50.00 EUR"

    def execute(self, approval: Approval) -> str:
        if self.trouble:
            raise self.trouble
        self.done.append(approval.payload["what"])
        return f"Did {approval.payload['what']}."

    def write(self, approval: Approval) -> str:
        trail.record(Actor.job("probe"), "probe.written", "probe", approval.object_id)
        return self.execute(approval)


def install(app: Flask, probe: Probe) -> None:
    shared = {"ask": Permission.REFUND_CREATE, "approve": Permission.REFUND_APPROVE, "on_by_default": True}
    init_four_eyes(
        app,
        [
            Act(
                name="probe",
                label="Try it",
                execute=probe.execute,
                facts=lambda _approval: {"Left": probe.left},
                with_amounts=True,
                **shared,  # type: ignore[arg-type]
            ),
            Act(name="write", label="Write it", execute=probe.write, in_transaction=True, **shared),  # type: ignore[arg-type]
        ],
    )


@pytest.fixture
def probe(app: Flask) -> Iterator[Probe]:
    known = app.extensions["approvals.acts"]
    probe = Probe()
    install(app, probe)
    yield probe
    app.extensions["approvals.acts"] = known


def person(email: str, role: str = "support_lead") -> Actor:
    staff.add_staff(email, role=role, password="four unrelated words", actor=Actor.command("tests"))
    return Actor("staff", email)
