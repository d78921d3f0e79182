"""The only place that wires: settings, extensions, views."""

from collections.abc import Sequence
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate

from app import logs
from app.acts.registry import init_acts
from app.acts.views import ActsView
from app.alerts.digest_pages import DigestView
from app.alerts.log_pages import AlertLogView
from app.alerts.views import AlertRulesView
from app.approvals.acts import init_four_eyes
from app.approvals.views import ApprovalRulesView, ApprovalsView
from app.audit import trail
from app.audit.views import AuditView
from app.calls.api_views import ApiCallsView
from app.calls.views import GatewayCallsView
from app.charges.views import ChargesView
from app.checkout import door as checkout_door
from app.checkout.views import PaymentLinksView
from app.customers import agreed as agreed_export
from app.customers.erasing import agreed as agreed_erasure
from app.customers.erasing.views import ErasuresView
from app.customers.views import CustomersView
from app.database import db, drop_session, engine_options
from app.debits.notice_pages import DebitNoticesView, DebitsToComeView, NoticeRulesView
from app.debits.stop_pages import DebitStopsView
from app.disputes import agreed
from app.disputes.acts import ACTS as DISPUTE_ACTS
from app.disputes.policies import EvidenceWordsView
from app.disputes.result_pages import DisputeResultsView
from app.disputes.rules import DisputeRulesView
from app.disputes.views import DisputesView
from app.gateways.current import init_gateway
from app.health.views import init_health
from app.home.views import TodayView
from app.jobs_console.views import JobRunsView, JobsView
from app.keys.api import api
from app.keys.views import KeysView
from app.mail.views import MailsView
from app.methods import door as card_door
from app.methods.acts import ACTS as METHOD_ACTS
from app.methods.expiring_pages import CardLinksView, ExpiringCardsView
from app.methods.mandate_pages import MandatesView
from app.methods.method_pages import MethodsView
from app.payments.acts import ACTS as PAYMENT_ACTS
from app.payments.authorisations import AuthorisationsView
from app.payments.views import PaymentsView
from app.payouts.views import PayoutsView
from app.receipts.operations import print_receipt
from app.receipts.views import ReceiptsView
from app.refunds import approved, credit_notes
from app.refunds.batches import agreed as agreed_batches
from app.refunds.batches.views import RefundBatchesView
from app.refunds.note_pages import CreditNotesView
from app.refunds.queue import RefundQueueView
from app.refunds.rules import RefundRulesView
from app.refunds.views import RefundsView
from app.remarks.views import RemarksView
from app.risk.acts import ACTS as RISK_ACTS
from app.risk.views import BlockedView, BlockListView, ReviewsView
from app.risk.warning_pages import FraudRulesView, FraudWarningsView
from app.saved_views.views import SavedViewsView
from app.search.views import SearchView
from app.settings import Settings, database_url
from app.staff import agreed as agreed_staff
from app.staff import door
from app.staff.factors.views import SecondFactorView
from app.staff.invitations import door as links_door
from app.staff.invitations.views import InvitationsView
from app.staff.networks.views import NetworksView
from app.staff.passkeys import door as passkey_door
from app.staff.passkeys.views import PasskeysView
from app.staff.seeing_views import SeeAsView
from app.staff.sso import door as sso_door
from app.staff.sso.provider import init_sso
from app.staff.views import MySessionsView, StaffListView
from app.sync.api import sync_api
from app.sync.views import DaySumsView, DriftsView, ReadAgainView
from app.timetable.lines import Line, init_timetable
from app.web.admin import start_desk
from app.web.setup import init_web
from app.webhooks.views import init_webhooks
from app.webhooks_console.health import WebhookHealthView
from app.webhooks_console.views import EventsView, RefusalsView

ROOT = Path(__file__).resolve().parent.parent


def create_app(settings: Settings, timetable: Sequence[Line] = ()) -> Flask:
    """The whole application for these settings. It holds no state of its own: any number may run side by side.

    timetable: the jobs, which stand above the application; without them its pages know of none.
    """
    app = Flask("counterfoil", root_path=str(ROOT), static_folder="static", template_folder="templates")
    _configure(app, settings)
    db.init_app(app)
    # Before the extension's own, which would make a 500 of a connection that died.
    app.teardown_appcontext(lambda _error: drop_session())
    Migrate(app, db, directory=str(ROOT / "migrations"))
    init_gateway(app)
    # One table of each feature that asks Stripe for changes.
    init_acts(app, PAYMENT_ACTS, credit_notes.ACTS, RISK_ACTS, DISPUTE_ACTS, METHOD_ACTS)
    init_webhooks(app)
    init_web(app, record=trail.record)
    # What can need another person's word; each feature names its own.
    init_four_eyes(
        app,
        [
            approved.ACT,
            agreed_batches.ACT,
            agreed.ACT,
            agreed_erasure.ACT,
            agreed_export.ACT,
            *agreed_staff.ACTS,
        ],
    )
    init_health(app)
    init_timetable(app, timetable)
    app.register_blueprint(door.pages)
    app.register_blueprint(links_door.pages)
    app.register_blueprint(passkey_door.pages)
    app.register_blueprint(card_door.pages)
    app.register_blueprint(checkout_door.pages)
    init_sso(app)
    app.register_blueprint(sso_door.pages)
    # For programs, with a key.
    app.register_blueprint(api)
    app.register_blueprint(sync_api)
    # The sections, in the order of the menu.
    start_desk(
        app,
        TodayView(),
        [
            ChargesView(),
            AuthorisationsView(),
            PaymentsView(),
            PaymentLinksView(),
            RefundsView(),
            CreditNotesView(),
            ReviewsView(),
            FraudWarningsView(),
            BlockedView(),
            BlockListView(),
            DisputesView(receipt=print_receipt),
            DisputeResultsView(),
            PayoutsView(),
            CustomersView(),
            ErasuresView(),
            MethodsView(),
            ExpiringCardsView(),
            CardLinksView(),
            MandatesView(),
            DebitStopsView(),
            DebitsToComeView(),
            DebitNoticesView(),
            NoticeRulesView(),
            MailsView(),
            ReceiptsView(),
            RemarksView(),
            EventsView(),
            RefusalsView(),
            WebhookHealthView(),
            JobsView(),
            JobRunsView(),
            DriftsView(),
            DaySumsView(),
            ReadAgainView(),
            ApprovalsView(),
            ActsView(),
            ApprovalRulesView(),
            EvidenceWordsView(),
            DisputeRulesView(),
            FraudRulesView(),
            GatewayCallsView(),
            ApiCallsView(),
            RefundQueueView(),
            RefundBatchesView(),
            RefundRulesView(),
            AlertRulesView(),
            AlertLogView(),
            DigestView(),
            AuditView(),
            StaffListView(),
            InvitationsView(),
            NetworksView(),
            MySessionsView(),
            KeysView(),
            SecondFactorView(),
            PasskeysView(),
            SeeAsView(),
            SearchView(),
            SavedViewsView(),
        ],
    )
    return app


def _configure(app: Flask, settings: Settings) -> None:
    logs.configure(settings.log_level)
    app.extensions["settings"] = settings
    app.config.update(
        SECRET_KEY=str(settings.secret_key),
        TESTING=settings.testing,
        SQLALCHEMY_DATABASE_URI=settings.database_url or _embedded(settings),
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(),
        # An event of Stripe is at most 256 KB, a file of evidence at most 5 MB.
        MAX_CONTENT_LENGTH=6 * 1024 * 1024,
        # The longest evidence has 150,000 characters, each up to four bytes.
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
    )


def _embedded(settings: Settings) -> str:
    """The embedded server's URL; imported late, because with a DATABASE_URL none of it is needed."""
    from app import embedded

    return database_url(embedded.start(settings.instance_dir / "pg"))
