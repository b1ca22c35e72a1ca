-- The ledger: what every device was told, answered and runs. Rows are added, never changed.

CREATE TABLE rollouts (
    id         INTEGER PRIMARY KEY,
    blueprint  TEXT NOT NULL,
    release    INTEGER NOT NULL,
    version    TEXT NOT NULL,
    started_at TEXT NOT NULL,
    plan       TEXT NOT NULL
);

CREATE TABLE members (
    rollout_id INTEGER NOT NULL REFERENCES rollouts (id),
    device     TEXT NOT NULL,
    target     TEXT NOT NULL,
    site       TEXT NOT NULL,
    wave       INTEGER NOT NULL,
    PRIMARY KEY (rollout_id, device)
);

CREATE TABLE events (
    id         INTEGER PRIMARY KEY,
    rollout_id INTEGER NOT NULL REFERENCES rollouts (id),
    at         TEXT NOT NULL,
    kind       TEXT NOT NULL,
    device     TEXT,
    status     TEXT,
    payload    TEXT NOT NULL
);

CREATE INDEX events_by_rollout ON events (rollout_id, id);
CREATE INDEX events_by_device ON events (device, id) WHERE device IS NOT NULL;

-- Decisions of people that outlive a roll-out.
CREATE TABLE decisions (
    id          INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('denied', 'lifted', 'abandoned')),
    blueprint   TEXT NOT NULL,
    release     INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    after_event INTEGER NOT NULL
);

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER decisions_are_never_changed BEFORE UPDATE ON decisions
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER decisions_are_never_deleted BEFORE DELETE ON decisions
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;

-- The last roll-out of every blueprint, and its verdict when it has one.
CREATE VIEW latest_rollouts AS
SELECT r.*,
       (SELECT json_extract(e.payload, '$.verdict') FROM events e
         WHERE e.rollout_id = r.id AND e.kind IN ('finished', 'resumed', 'polled', 'recalled') ORDER BY e.id DESC LIMIT 1) AS verdict
FROM rollouts r
WHERE r.id = (SELECT max(id) FROM rollouts x WHERE x.blueprint = r.blueprint);

-- What every device of the last roll-out last said: its status there, its releases, when it was last heard.
CREATE VIEW device_states AS
SELECT r.blueprint, r.id AS rollout_id, r.release, r.version, m.device, m.target, m.site, m.wave,
       (SELECT e.status FROM events e WHERE e.rollout_id = r.id AND e.device = m.device AND e.status IS NOT NULL
         ORDER BY e.id DESC LIMIT 1) AS status,
       (SELECT e.payload FROM events e JOIN rollouts x ON x.id = e.rollout_id
         WHERE x.blueprint = r.blueprint AND e.device = m.device AND e.kind = 'answered'
           AND json_extract(e.payload, '$.outcome') <> 'unreachable'
           AND json_extract(e.payload, '$.state') IS NOT NULL ORDER BY e.id DESC LIMIT 1) AS last_answer,
       (SELECT e.at FROM events e JOIN rollouts x ON x.id = e.rollout_id
         WHERE x.blueprint = r.blueprint AND e.device = m.device AND e.kind = 'answered'
           AND json_extract(e.payload, '$.outcome') <> 'unreachable' ORDER BY e.id DESC LIMIT 1) AS last_seen,
       (SELECT e.payload FROM events e WHERE e.rollout_id = r.id AND e.device = m.device AND e.kind = 'answered'
         AND json_extract(e.payload, '$.slug') IS NOT NULL ORDER BY e.id DESC LIMIT 1) AS last_complaint,
       (SELECT json_extract(e.payload, '$.detail') FROM events e JOIN rollouts x ON x.id = e.rollout_id
         WHERE x.blueprint = r.blueprint AND e.device = m.device AND e.kind = 'answered'
           AND json_extract(e.payload, '$.detail') <> '{}' AND json_extract(e.payload, '$.outcome') = 'ok'
         ORDER BY e.id DESC LIMIT 1) AS last_measured
FROM latest_rollouts r JOIN members m ON m.rollout_id = r.id;
