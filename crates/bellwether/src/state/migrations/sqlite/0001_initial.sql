-- What must survive a restart. Every row carries the epoch in which it was written (a number that grows with every
-- start, so that a replica that was left behind can be told from the one that leads) and has a deterministic key:
-- writing a decision twice writes the same row. Moments are milliseconds since 1970. Bodies are JSON.

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
    body TEXT NOT NULL
);
CREATE INDEX deliveries_by_time ON deliveries (decided_at);
CREATE INDEX deliveries_open ON deliveries (is_open, updated_at);

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
