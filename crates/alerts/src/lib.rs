//! Who hears what, when, and why: route, group, silence, deduplicate.
//!
//! Nothing here reads a clock, sends anything or writes anything. [`AlertCore::step`] is told an [`Event`] and the
//! time and answers with [`Effect`]s: first what must be written down, then what is to be sent. The outcome of
//! sending comes back as an event, so that a retry is a decision like any other. The shell wakes the core at
//! [`AlertCore::next_wake`].

mod ack;
mod act;
mod action;
mod afterwards;
mod config;
mod connection;
mod core;
mod counts;
mod decide;
mod delivery;
mod drill;
mod event;
mod explain;
mod fallback;
mod fields;
mod flush;
mod group;
mod hand_over;
mod health;
mod hear;
mod inhibit;
mod leave;
mod listing;
mod look;
mod message;
mod mute_end;
mod outbox;
mod outcome;
mod precedence;
mod reason;
mod receiver;
mod record;
mod restore;
mod route;
mod route_trace;
mod secret;
mod silence;
mod statistics;
mod tell;
mod templates;
mod time_interval;
mod view;

pub use action::{
    Ack, Acked, Action, ActionError, Deed, HandResolved, Handled, Judged, Judgement, NOTES_MAX, Note, Subject,
};
pub use config::{Config, MatcherSyntaxError, MessageTexts, TemplateFiles, parse_matcher, parse_matchers};
pub use connection::{
    Address, Auth, HttpConfig, OAuth2, ProxyChoice, ProxyConfig, SecretSource, TlsConfig, TlsVersion,
};
pub use core::{AlertCore, Fallback, Setup};
pub use counts::AlertsNow;
pub use delivery::{
    Delivery, DeliveryKey, IntegrationId, Next, Notification, NotifiedAlert, Outcome, Receipt, Status,
    Thread, Unreached,
};
pub use drill::DRILL_ALERT_NAME;
pub use event::{AlertSource, Answer, DrillWish, Effect, Event};
pub use explain::{
    AlertFacts, Explanation, Facts, Hearing, Inhibited, LedgerEntry, LifeFacts, Measured, MemberFacts,
    RuleFacts, RulePast, RuleState, Stage, Step, TargetFacts, Way, WhatIf, clock, explain, explain_routing,
    explain_steps, lasted, listed,
};
pub use hand_over::{HELD_MAX, HandOver, MemberStatus, Post, PostId, Posted};
pub use health::{ReceiverHealth, ReceiverState};
pub use inhibit::InhibitRule;
pub use listing::{ListedAlert, ListedGroup, Wanted};
pub use message::{Message, TEMPLATE_ALERT_NAME, expand_secret, render as render_message};
pub use precedence::{Precedence, Preceding};
pub use reason::{Reason, Verdict};
pub use receiver::{
    Content, DiscordConfig, EmailConfig, Global, IncidentioConfig, Integration, IntegrationKind, JiraApiType,
    JiraConfig, JiraField, Mail, MailAuth, MattermostAttachment, MattermostConfig, MattermostField,
    MattermostPriority, MsteamsConfig, Msteamsv2Config, NtfyAction, NtfyConfig, OpsgenieConfig,
    OpsgenieResponder, PagerdutyConfig, PagerdutyImage, PagerdutyKey, PagerdutyLink, ParseMode, Part,
    PushoverConfig, Receiver, RocketchatAction, RocketchatConfig, RocketchatField, Settings, Sigv4,
    SlackAction, SlackConfig, SlackConfirm, SlackField, SlackWay, Smarthost, SmtpDefaults, SnsConfig,
    SnsTarget, TelegramChat, TelegramConfig, Threading, VictoropsConfig, WebexConfig, WebhookConfig,
    WechatConfig, WechatMessageType,
};
pub use record::{
    AlertRow, AttemptRow, AuditRow, DeliveryRow, DeliveryStatus, EpisodeRow, GroupRow, Held, Record,
    Restored, ToldRow,
};
pub use route::{GroupBy, GroupId, Route};
pub use route_trace::{Taken, TakenWhy, TracedRoute};
pub use secret::Secret;
pub use silence::{Silence, SilenceError, SilenceId, SilenceState, SilenceWish, silence_ends_soon_from};
pub use statistics::{
    AckDeadlines, AlertService, EndOfMessage, IntegrationService, Lengths, Life, MessageEnd, Statistics,
    share,
};
pub use templates::Templates;
pub use time_interval::{DayPart, Range, TimeInterval, TimeIntervalPart, Zone};
pub use view::{AlertState, AlertStatus, AlertView, GroupView, IntegrationView, PendingView, SilenceView};
