-- Lives of alerts that are over: what statistics are made of. Moments are milliseconds since 1970, bodies are JSON.

CREATE TABLE episodes (
    fingerprint TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (fingerprint, starts_at)
);
CREATE INDEX episodes_by_end ON episodes (ends_at);
