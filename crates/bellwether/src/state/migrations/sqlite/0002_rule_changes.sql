-- What single rules must not forget, recorded with the decision that follows from it. The text of all rules under
-- 'rules' in snapshots is written now and then; these rows are what has changed since, and are emptied with it.

CREATE TABLE rule_changes (
    rule_file TEXT NOT NULL,
    rule_group TEXT NOT NULL,
    place BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (rule_file, rule_group, place)
);
