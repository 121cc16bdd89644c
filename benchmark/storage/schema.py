"""The tables of a store, and what brings older stores to them."""

SCHEMA_VERSION = 3

SCHEMA = """
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE lanes (
    lane INTEGER PRIMARY KEY,
    strategy TEXT NOT NULL, strategy_seed INTEGER NOT NULL, supernet_seed INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'running', message TEXT NOT NULL DEFAULT '',
    UNIQUE (strategy, strategy_seed, supernet_seed)
);
CREATE TABLE journal (
    lane INTEGER NOT NULL REFERENCES lanes, call INTEGER NOT NULL, position INTEGER NOT NULL,
    scheme TEXT NOT NULL, accuracy REAL, loss REAL, fidelity TEXT NOT NULL DEFAULT '1',
    PRIMARY KEY (lane, call, position)
) WITHOUT ROWID;
CREATE TABLE queries (
    lane INTEGER NOT NULL REFERENCES lanes, call INTEGER NOT NULL,
    request TEXT NOT NULL, charge TEXT NOT NULL, loss REAL, gradient BLOB NOT NULL,
    PRIMARY KEY (lane, call)
) WITHOUT ROWID;
CREATE TABLE answers (
    oracle TEXT NOT NULL, scheme TEXT NOT NULL, accuracy REAL, loss REAL, seconds REAL NOT NULL,
    PRIMARY KEY (oracle, scheme)
) WITHOUT ROWID;
CREATE TABLE standalone (
    training TEXT NOT NULL, scheme TEXT NOT NULL, seed INTEGER NOT NULL,
    validation_accuracy REAL, test_accuracy REAL, test_loss REAL,
    seconds REAL NOT NULL,
    failure TEXT NOT NULL DEFAULT '', best_epoch INTEGER, best_test_accuracy REAL,
    figures TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (training, scheme, seed)
) WITHOUT ROWID;
CREATE TABLE costs (
    machine TEXT NOT NULL, scheme TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (machine, scheme)
) WITHOUT ROWID;
"""

MIGRATIONS = {
    1: """
ALTER TABLE journal ADD COLUMN fidelity TEXT NOT NULL DEFAULT '1';
CREATE TABLE queries (
    lane INTEGER NOT NULL REFERENCES lanes, call INTEGER NOT NULL,
    request TEXT NOT NULL, charge TEXT NOT NULL, loss REAL, gradient BLOB NOT NULL,
    PRIMARY KEY (lane, call)
) WITHOUT ROWID;
ALTER TABLE standalone ADD COLUMN failure TEXT NOT NULL DEFAULT '';
ALTER TABLE standalone ADD COLUMN best_epoch INTEGER;
ALTER TABLE standalone ADD COLUMN best_test_accuracy REAL
""",
    2: "ALTER TABLE standalone ADD COLUMN figures TEXT NOT NULL DEFAULT '{}'",
}
"""What brings a store of each older schema to the next."""
