"""Imports every table, so that one import of this module knows the whole schema."""

from app.models.account import Account
from app.models.act import Act
from app.models.alert import AlertChannel, AlertDelivery, AlertRule, AlertTry, DigestWish
from app.models.allowed_network import AllowedNetwork
from app.models.api_call import ApiCall
from app.models.api_key import ApiKey
from app.models.approval import Approval, ApprovalPolicy, ApprovalVote
from app.models.audit_log import AuditLog
from app.models.balance_transaction import BalanceTransaction
from app.models.block_list_item import BlockListItem
from app.models.card_update_link import CardUpdateLink, MailOptOut
from app.models.charge import Charge
from app.models.checkout_session import CheckoutSession
from app.models.credit_note import CreditNote
from app.models.customer import Customer
from app.models.customer_link import CustomerLink
from app.models.debit_notice import DebitNotice, DebitNoticeRule
from app.models.debit_stop import DebitStop
from app.models.dispute import Dispute
from app.models.dispute_draft import DisputeDraft, DisputeFile, DisputeSubmission
from app.models.drift import DaySum, Drift
from app.models.early_fraud_warning import EarlyFraudWarning
from app.models.erasure import ErasedObject, Erasure, ErasureStep
from app.models.evidence_policy import EvidencePolicy
from app.models.fight_cost import FightCost
from app.models.fraud_rule import FraudRule
from app.models.gateway_call import GatewayCall, RateBucket
from app.models.invitation import Invitation
from app.models.invoice import Invoice, InvoiceLine, InvoicePayment
from app.models.job_run import JobRun, JobRunLine, JobSetting
from app.models.known_device import KnownDevice
from app.models.last_chance import LastChance, LeftAlone
from app.models.mail import Mail, MailAttachment
from app.models.mandate import Mandate
from app.models.payment_intent import PaymentIntent
from app.models.payment_link import CheckoutVisit, PaymentLink
from app.models.payment_method import PaymentMethod
from app.models.payout import Payout
from app.models.product import Price, Product
from app.models.refund import Refund
from app.models.refund_batch import RefundBatch, RefundBatchRow
from app.models.refund_rules import RefundLimit, RefundReason
from app.models.remark import CustomValue, Note, Tag
from app.models.review import Review
from app.models.role_policy import RolePermission, RolePolicy
from app.models.saved_view import SavedView, ViewDefault
from app.models.search_word import SearchWord
from app.models.second_factor import Authenticator, Passkey, RecoveryCode
from app.models.setup_intent import SetupIntent
from app.models.sign_in_step import SignInStep
from app.models.staff import SignInAttempt, Staff, StaffSession
from app.models.subscription import Subscription, SubscriptionItem
from app.models.sync_window import SyncRun, SyncWindow
from app.models.wanted_object import WantedObject
from app.models.webhook_endpoint import WebhookEndpoint
from app.models.webhook_event import WebhookEvent, WebhookRefusal
from app.models.webhook_try import WebhookTry

TABLES = (
    Account,
    Act,
    AlertChannel,
    AlertDelivery,
    AlertRule,
    AlertTry,
    AllowedNetwork,
    ApiCall,
    ApiKey,
    Approval,
    ApprovalPolicy,
    ApprovalVote,
    AuditLog,
    Authenticator,
    BalanceTransaction,
    BlockListItem,
    CardUpdateLink,
    Charge,
    CheckoutSession,
    CheckoutVisit,
    CreditNote,
    CustomValue,
    Customer,
    CustomerLink,
    DebitNotice,
    DebitNoticeRule,
    DebitStop,
    DigestWish,
    Dispute,
    DisputeDraft,
    DisputeFile,
    DisputeSubmission,
    EarlyFraudWarning,
    ErasedObject,
    Erasure,
    ErasureStep,
    EvidencePolicy,
    FightCost,
    FraudRule,
    GatewayCall,
    Invitation,
    Invoice,
    InvoiceLine,
    InvoicePayment,
    Drift,
    DaySum,
    JobRun,
    JobRunLine,
    JobSetting,
    KnownDevice,
    LastChance,
    LeftAlone,
    Mail,
    MailAttachment,
    MailOptOut,
    Mandate,
    Note,
    Passkey,
    PaymentIntent,
    PaymentLink,
    PaymentMethod,
    Payout,
    Price,
    Product,
    RateBucket,
    RecoveryCode,
    Refund,
    RefundBatch,
    RefundBatchRow,
    RefundLimit,
    RefundReason,
    Review,
    RolePermission,
    RolePolicy,
    SavedView,
    SearchWord,
    SetupIntent,
    SignInAttempt,
    SignInStep,
    Staff,
    StaffSession,
    Subscription,
    SubscriptionItem,
    SyncRun,
    SyncWindow,
    Tag,
    ViewDefault,
    WantedObject,
    WebhookEndpoint,
    WebhookEvent,
    WebhookRefusal,
    WebhookTry,
)
