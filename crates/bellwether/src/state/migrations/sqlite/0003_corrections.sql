-- Stretches of time that are judged otherwise than they were measured. None is ever removed: a revoked one says so in
-- its body, so that what was known on any day can be reported again.

CREATE TABLE corrections (
    id TEXT PRIMARY KEY,
    epoch BIGINT NOT NULL,
    begins_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    body TEXT NOT NULL
);
