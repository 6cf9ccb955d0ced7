-- Services and objectives that were made through the interface of Google Cloud Monitoring, by the names of their
-- resources, as they were sent.

CREATE TABLE google_resources (
    name TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
