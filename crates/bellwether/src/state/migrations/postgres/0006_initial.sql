-- What must survive a restart: the same tables as in SQLite, whose version this continues. Every row carries the epoch
-- in which it was written (a number that grows with every start) and has a deterministic key: writing a decision twice
-- writes the same row. Moments are milliseconds since 1970. Bodies are JSON, as text: it is never looked into here.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO meta (name, value) VALUES ('epoch', 0);

CREATE TABLE alerts (
    fingerprint TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE alert_groups (
    id TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    next_flush BIGINT NOT NULL,
    body TEXT NOT NULL
);

-- What each integration has been told of a group.
CREATE TABLE told (
    group_id TEXT NOT NULL,
    integration TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (group_id, integration)
);

-- What a message says does not change, so its body is written once; where it stands later is its progress.
CREATE TABLE deliveries (
    delivery_key TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    group_id TEXT NOT NULL,
    receiver TEXT NOT NULL,
    integration TEXT NOT NULL,
    status TEXT NOT NULL,
    is_open BIGINT NOT NULL,
    decided_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    progress TEXT
);
CREATE INDEX deliveries_by_time ON deliveries (decided_at);
CREATE INDEX deliveries_open ON deliveries (decided_at) WHERE is_open = 1;
CREATE INDEX deliveries_by_receiver ON deliveries (receiver, decided_at);
CREATE INDEX deliveries_by_group ON deliveries (group_id, decided_at);
CREATE INDEX deliveries_by_status ON deliveries (status, decided_at);

-- Which messages spoke of an alert.
CREATE TABLE delivery_alerts (
    fingerprint TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    delivery_key TEXT NOT NULL,
    PRIMARY KEY (fingerprint, decided_at, delivery_key)
);

CREATE TABLE attempts (
    delivery_key TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    at BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (delivery_key, attempt, at)
);

CREATE TABLE audit (
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    PRIMARY KEY (at, action, subject)
);

-- State of other deciding cores, one text each.
CREATE TABLE snapshots (
    name TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    body TEXT NOT NULL
);

-- What single rules must not forget: what has changed since all of them were written under 'rules' in snapshots.
CREATE TABLE rule_changes (
    rule_file TEXT NOT NULL,
    rule_group TEXT NOT NULL,
    place BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (rule_file, rule_group, place)
);

-- Stretches of time that are judged otherwise than they were measured; none is ever removed.
CREATE TABLE corrections (
    id TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    begins_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    body TEXT NOT NULL
);

-- Services and objectives that were made through the interface of Google Cloud Monitoring.
CREATE TABLE google_resources (
    name TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    body TEXT NOT NULL
);

-- Lives of alerts that are over.
CREATE TABLE episodes (
    fingerprint TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (fingerprint, starts_at)
);
CREATE INDEX episodes_by_end ON episodes (ends_at);
