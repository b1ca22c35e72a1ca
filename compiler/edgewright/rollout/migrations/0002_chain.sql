-- Events form a hash chain (edgewright.kernel.chain over id, rollout_id, blueprint, at, kind, device, status, payload);
-- rows from before have no digest and are covered by that of the first row after them. An observation belongs to no
-- roll-out. What starts a roll-out and what people decide are events too, so the chain covers them.

DROP VIEW device_states;
DROP VIEW latest_rollouts;

CREATE TABLE chained (
    id         INTEGER PRIMARY KEY,
    rollout_id INTEGER REFERENCES rollouts (id),
    blueprint  TEXT NOT NULL,
    at         TEXT NOT NULL,
    kind       TEXT NOT NULL,
    device     TEXT,
    status     TEXT,
    payload    TEXT NOT NULL,
    digest     TEXT
);

INSERT INTO chained (id, rollout_id, blueprint, at, kind, device, status, payload)
SELECT e.id, e.rollout_id, r.blueprint, e.at, e.kind, e.device, e.status, e.payload
FROM events e JOIN rollouts r ON r.id = e.rollout_id ORDER BY e.id;

DROP TABLE events;
ALTER TABLE chained RENAME TO events;

CREATE INDEX events_by_rollout ON events (rollout_id, id);
CREATE INDEX events_by_device ON events (device, id) WHERE device IS NOT NULL;
CREATE INDEX events_by_member ON events (rollout_id, device, id) WHERE device IS NOT NULL;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER rollouts_are_never_changed BEFORE UPDATE ON rollouts
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER rollouts_are_never_deleted BEFORE DELETE ON rollouts
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;

-- The last roll-out of every blueprint, and its verdict when it has one.
CREATE VIEW latest_rollouts AS
SELECT r.*,
       (SELECT json_extract(e.payload, '$.verdict') FROM events e
         WHERE e.rollout_id = r.id AND e.kind IN ('finished', 'resumed', 'polled', 'recalled') ORDER BY e.id DESC LIMIT 1) AS verdict
FROM rollouts r
WHERE r.id = (SELECT max(id) FROM rollouts x WHERE x.blueprint = r.blueprint);

-- What every device of the last roll-out last said: its status there, its releases, when it was last heard, and what was
-- found when it was last asked for everything.
CREATE VIEW device_states AS
SELECT r.blueprint, r.id AS rollout_id, r.release, r.version, m.device, m.target, m.site, m.wave,
       (SELECT e.status FROM events e WHERE e.rollout_id = r.id AND e.device = m.device AND e.status IS NOT NULL
         ORDER BY e.id DESC LIMIT 1) AS status,
       (SELECT e.payload FROM events e
         WHERE e.blueprint = r.blueprint AND e.device = m.device AND e.kind IN ('answered', 'observed')
           AND json_extract(e.payload, '$.outcome') <> 'unreachable'
           AND json_extract(e.payload, '$.state') IS NOT NULL ORDER BY e.id DESC LIMIT 1) AS last_answer,
       (SELECT e.at FROM events e
         WHERE e.blueprint = r.blueprint AND e.device = m.device AND e.kind IN ('answered', 'observed')
           AND json_extract(e.payload, '$.outcome') <> 'unreachable' ORDER BY e.id DESC LIMIT 1) AS last_seen,
       (SELECT e.payload FROM events e WHERE e.rollout_id = r.id AND e.device = m.device AND e.kind = 'answered'
         AND json_extract(e.payload, '$.slug') IS NOT NULL ORDER BY e.id DESC LIMIT 1) AS last_complaint,
       (SELECT json_extract(e.payload, '$.detail') FROM events e
         WHERE e.blueprint = r.blueprint AND e.device = m.device AND e.kind = 'answered'
           AND json_extract(e.payload, '$.detail') <> '{}' AND json_extract(e.payload, '$.outcome') = 'ok'
         ORDER BY e.id DESC LIMIT 1) AS last_measured,
       (SELECT e.at FROM events e WHERE e.blueprint = r.blueprint AND e.device = m.device AND e.kind = 'observed'
         ORDER BY e.id DESC LIMIT 1) AS last_observed,
       (SELECT json_extract(e.payload, '$.differences') FROM events e
         WHERE e.blueprint = r.blueprint AND e.device = m.device AND e.kind = 'observed'
           AND e.id > coalesce((SELECT max(a.id) FROM events a WHERE a.blueprint = r.blueprint AND a.device = m.device
                                AND a.kind = 'answered' AND json_extract(a.payload, '$.action') IN ('deploy', 'rollback')), 0)
         ORDER BY e.id DESC LIMIT 1) AS differences
FROM latest_rollouts r JOIN members m ON m.rollout_id = r.id;
