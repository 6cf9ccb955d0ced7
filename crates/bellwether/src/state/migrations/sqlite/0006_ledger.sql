-- Which messages spoke of an alert, so that its story is found without reading all of them. The row goes with the
-- message. What a message says does not change, so its body is written once; where it stands later is its progress.

CREATE TABLE delivery_alerts (
    fingerprint TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    delivery_key TEXT NOT NULL,
    PRIMARY KEY (fingerprint, decided_at, delivery_key)
) WITHOUT ROWID;

ALTER TABLE deliveries ADD COLUMN progress TEXT;

DROP INDEX deliveries_open;
CREATE INDEX deliveries_open ON deliveries (decided_at) WHERE is_open = 1;
CREATE INDEX deliveries_by_receiver ON deliveries (receiver, decided_at);
CREATE INDEX deliveries_by_group ON deliveries (group_id, decided_at);
CREATE INDEX deliveries_by_status ON deliveries (status, decided_at);
